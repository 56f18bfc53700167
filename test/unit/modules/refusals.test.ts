import { describe, expect, it } from 'vitest';
import { LvsPlayError } from '../../../src/core/errors.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import { contentOf } from '../../../src/facts/files/content.ts';
import { modeOf } from '../../../src/modules/files/file-attributes.ts';
import { loadModule, validateArgs } from '../../../src/modules/registry.ts';
import { renderSteps } from '../../../src/modules/render-steps.ts';
import { bare, contextOf, play, type World } from './support.ts';

/** What must never reach a host, and is refused while the playbook is read or planned. */
async function use(name: string, args: JsonObject, world: World = bare): Promise<Awaited<ReturnType<typeof play>>> {
  const module = await loadModule(name);
  await validateArgs(module, { value: args, locate: () => undefined });
  return play(module, args, world, contextOf('rs1'));
}

it.each<[string, string, JsonObject, RegExp]>([
  ['the whole file system', 'file', { path: '/', state: 'absent' }, /whole file system/],
  ['it under another name', 'file', { path: '//', state: 'absent' }, /whole file system/],
  ['it by its parent', 'file', { path: '/etc/..', state: 'absent' }, /whole file system/],
  ['it by itself', 'file', { path: '/./', state: 'absent' }, /whole file system/],
  ['a directory as destination', 'copy', { dest: '/etc/', content: '' }, /dest/],
  ['the root as destination', 'template', { dest: '/', src: 'x' }, /dest/],
  ['a number as owner', 'copy', { dest: '/x', content: '', owner: '1000' }, /owner/],
  ['two names as owner', 'file', { path: '/x', owner: 'a:b' }, /owner/],
  ['an option as group', 'file', { path: '/x', group: '-R' }, /group/],
  ['an open quote', 'command', { cmd: "echo 'x" }, /quote is not closed/],
  ['a backslash at the end', 'command', { cmd: 'echo \\' }, /backslash/],
  ['an open quote in a check', 'copy', { dest: '/x', content: '', validate: "sh -c 'x %s" }, /copy: .*quote is not closed/],
  ["an open quote in a template's check", 'template', { dest: '/x', src: 'x', validate: 'x "%s' }, /template: .*quote is not closed/],
  ['an option as a service', 'service', { name: '-H', state: 'stopped' }, /name/],
  ['a pattern as a service', 'service', { name: 'ngin*', state: 'stopped' }, /name/],
  ['two services in one name', 'service', { name: 'nginx php', state: 'stopped' }, /name/],
  ['no program', 'command', { cmd: '  ' }, /no program/],
  ['two programs', 'command', { cmd: 'a', argv: ['b'] }, /either/],
])('refuses %s', async (_what, name, args, why) => {
  const error: unknown = await use(name, args).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(LvsPlayError);
  expect(error).toMatchObject({ code: 'bad-argument', kind: 'input', message: expect.stringMatching(why) as string, hint: expect.any(String) as string });
});

it('removes what only looks like the root', async () => {
  const { steps } = await use('file', { path: '/..x', state: 'absent' }, (fact, key) => (fact === 'file' ? { type: 'file', mode: '0644', owner: 'root', group: 'root' } : bare(fact, key)));
  expect(steps).toHaveLength(1);
});

it.each(['A=1; touch /tmp/x; B', '1A', '', 'A-B', 'A\nB', 'ÄB'])('refuses %j as the name of a variable', (name) => {
  expect(() => renderSteps([{ kind: 'exec', title: 'x', argv: ['true'], env: { [name]: 'x' }, stale: [] }], 'ab')).toThrow(/no name of a variable/);
});

describe('a mode', () => {
  it.each<readonly [string | number | undefined, string | undefined]>([
    ['0644', '0644'],
    ['644', '0644'],
    ['1777', '1777'],
    ['0000', '0000'],
    // As YAML 1.1 reads 0400 0440 0444 0600 0640 0644 0660 0700 0711 0750 0755 0770 0775 0777 01777 02755 04711 04755.
    ...[0o400, 0o440, 0o444, 0o600, 0o640, 0o644, 0o660, 0o700, 0o711, 0o750, 0o755, 0o770, 0o775, 0o777, 0o1777, 0o2755, 0o4711, 0o4755].map((mode) => [mode, mode.toString(8).padStart(4, '0')] as const),
    [undefined, undefined],
  ])('%s is %s', (mode, octal) => {
    expect(modeOf(mode)).toBe(octal);
  });

  // 440 would give 0670, which a group may write; 444 0674; 500 0764.
  it.each([400, 440, 444, 500, 550, 555, 600, 640, 644, 660, 664, 666, 700, 711, 750, 755, 770, 775, 777, 1777, 2755, 4755, 0, 8, -420, 'rw-r--r--', '0888', '00644', ''])('%s is refused', (mode) => {
    expect(() => modeOf(mode)).toThrow(expect.objectContaining({ code: 'bad-mode', hint: 'quote it: mode: "0644"' }) as Error);
  });
});

describe('a link at the destination', () => {
  const linked: World = (fact, key) => {
    if (fact === 'file') return { type: 'link', mode: '0777', owner: 'root', group: 'root', target: 'elsewhere' };
    return fact === 'content' ? contentOf(Buffer.from('same')) : bare(fact, key);
  };

  it('stays when it leads to the right text and no attributes are asked for', async () => {
    expect((await use('copy', { dest: '/x', content: 'same' }, linked)).changes).toEqual([]);
  });

  it('becomes a file when attributes are asked for', async () => {
    const done = await use('copy', { dest: '/x', content: 'same', mode: '0600' }, linked);
    expect(done.changes).toEqual([{ path: '/x type', before: 'link', after: 'file' }]);
    expect(done.steps).toHaveLength(1);
    expect(done.diff(done.next)).toEqual([]);
  });
});
