import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import restore from '../../../src/modules/lvs/lvs_restore.ts';
import type { ModuleDef, PairWork } from '../../../src/modules/contract.ts';
import { contextOf, play, type World } from './support.ts';

const ARGS = { run: '20261123-182404-3f9a' };
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const FILE = { kind: 'file', key: '/etc/keepalived/keepalived.conf', before: 'file 640 0:0 aa', after: 'file 640 0:0 bb', now: 'file 640 0:0 bb', savedText: base64('old'), presentText: base64('new') };
const UNIT = { kind: 'unit', key: 'keepalived.service', before: 'active enabled', after: 'active enabled', now: 'active enabled' };

function saved(things: readonly Json[], commands: readonly string[] = []): World {
  return () => ({ state: 'present', hosts: ['lvs1'], commands: [...commands], unitFiles: {}, packages: [], things: [...things] });
}

async function activation(things: readonly Json[], host = 'lvs1'): Promise<PairWork | undefined> {
  const session = await play(restore, ARGS, saved(things), contextOf(host));
  return (restore as ModuleDef).pair?.(session.args, session.changes, session.store.reader(session.requests), contextOf(host));
}

describe('lvs_restore', () => {
  it('of what a pair runs goes through its coordinator', async () => {
    const { steps } = await play(restore, ARGS, saved([FILE, UNIT]), contextOf('lvs1'));
    expect(steps.map(({ activates }) => activates)).toEqual([true]);
    const found = await activation([FILE, UNIT]);
    expect(found).toMatchObject({ pairs: ['edge'], before: 'new', after: 'old', putBack: [{ kind: 'put', path: FILE.key, mode: '0640', owner: '0', group: '0' }] });
  });

  it.each<[string, readonly Json[], string?]>([
    ['keepalived stops', [FILE, { ...UNIT, before: 'inactive -' }]],
    ['keepalived does not run', [FILE, { ...UNIT, after: 'inactive enabled', now: 'inactive enabled' }]],
    ['its file goes', [{ kind: 'file', key: FILE.key, before: 'absent', after: FILE.after, now: FILE.now, presentText: FILE.presentText }, UNIT]],
    ['its file stays', [{ ...FILE, before: FILE.now }, UNIT]],
    ['the host is in no pair', [FILE, UNIT], 'rs1'],
  ])('but not where %s', async (_when, things, host) => {
    expect(await activation(things, host)).toBeUndefined();
  });

  it('says beforehand what stays', async () => {
    const { changes } = await play(restore, ARGS, saved([FILE, { ...UNIT, before: 'inactive -' }], ['warm up']), contextOf('lvs1'));
    expect(changes.map(({ path, impact }) => [path, impact])).toEqual([[FILE.key, 'does not undo what commands did: warm up'], ['keepalived.service state', undefined]]);
  });

  it('is refused where the same was changed since, with the runs that came later', async () => {
    const world = saved([{ ...FILE, now: 'file 640 0:0 cc' }, UNIT]);
    await expect(play(restore as ModuleDef, { ...ARGS, later: ['R2 (deploy site.yml)'] }, world, contextOf('lvs1'))).rejects.toMatchObject({ code: 'changed-since', hint: expect.stringContaining('R2 (deploy site.yml)') as unknown });
    expect((await play(restore as ModuleDef, { ...ARGS, force: true }, world, contextOf('lvs1'))).changes).toHaveLength(1);
  });
});
