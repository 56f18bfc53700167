import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { contentOf } from '../../../src/facts/files/content.ts';
import type { Step } from '../../../src/modules/contract.ts';
import { SCRIPT_LIST } from '../../../src/modules/lvs/lvs_scripts.ts';
import { loadModule } from '../../../src/modules/registry.ts';
import { EXAMPLE, topologyOf } from '../lvs/support.ts';
import { bare, contextOf, play, type World } from './support.ts';

const FOLDER = '/usr/local/libexec/lvs-play';

const words = (steps: readonly Step[]) => steps.map((step) => (step.kind === 'exec' ? step.argv.join(' ') : step.kind === 'put' ? `put ${step.path}` : step.kind));
const put = (steps: readonly Step[], path: string) => steps.flatMap((step) => (step.kind === 'put' && step.path === path ? [step] : []))[0];

/** A director that has these scripts in the topology. */
const director = (...names: string[]) => contextOf('lvs1', topologyOf(`scripts: { ${names.map((name) => `${name}: "#!/bin/sh\\nexit 0\\n"`).join(', ')} }\n${EXAMPLE}`));

/** A host whose list names these. */
const listing = (...names: string[]): World => (fact, key) => {
  const answers: Readonly<Record<string, Json>> = {
    [`content ${SCRIPT_LIST}`]: contentOf(Buffer.from(names.map((name) => `${name}\n`).join(''))),
    [`file ${SCRIPT_LIST}`]: { type: 'file', mode: '0644', owner: 'root', group: 'root' },
    [`file ${FOLDER}`]: { type: 'directory', mode: '0755', owner: 'root', group: 'root' },
  };
  return answers[`${fact} ${key}`] ?? bare(fact, key);
};

async function deploy(world: World, context = director('check', 'alert'), args: { retired?: string } = {}) {
  return play(await loadModule('lvs_scripts'), args, world, context);
}

describe('lvs_scripts', () => {
  it("makes root's own folder and files, and notes last which are ours", async () => {
    const { steps } = await deploy(bare);
    expect(words(steps)).toEqual([
      `mkdir -p -- ${FOLDER}`,
      `chown root:root -- ${FOLDER}`,
      `chmod u=rwx,go=rx,ug-s,o-t -- ${FOLDER}`,
      `put ${FOLDER}/check`,
      `put ${FOLDER}/alert`,
      `put ${SCRIPT_LIST}`,
    ]);
    expect(put(steps, `${FOLDER}/check`)).toMatchObject({ mode: '0755', owner: 'root', group: 'root', content: Buffer.from('#!/bin/sh\nexit 0\n') });
    expect(Buffer.from(put(steps, SCRIPT_LIST)?.content ?? []).toString()).toBe('alert\ncheck\n');
  });

  it('takes a folder back from others', async () => {
    const theirs: World = (fact, key) => (fact === 'file' && key === FOLDER ? { type: 'directory', mode: '2775', owner: 'root', group: 'staff' } : bare(fact, key));
    const taken = await deploy(theirs);
    expect(taken.changes.slice(0, 2)).toEqual([
      { path: `${FOLDER} mode`, before: '2775', after: '0755' },
      { path: `${FOLDER} group`, before: 'staff', after: 'root' },
    ]);
    expect(taken.diff(taken.next)).toEqual([]);
  });

  it('removes only what it put there once, when keepalived no longer needs it', async () => {
    const first = await deploy(listing('check', 'old', '../etc/passwd', 'a b'), director('check'), { retired: 'keep' });
    expect(words(first.steps)).toEqual([`put ${FOLDER}/check`, `put ${SCRIPT_LIST}`]);
    expect(Buffer.from(put(first.steps, SCRIPT_LIST)?.content ?? []).toString()).toBe('check\nold\n');
    const second = await play(await loadModule('lvs_scripts'), {}, first.next, director('check'));
    expect(words(second.steps)).toEqual([`rm -f -- ${FOLDER}/old`, `put ${SCRIPT_LIST}`]);
    expect(second.changes[0]).toEqual({ path: `${FOLDER}/old`, before: 'file', after: null });
    expect(second.diff(second.next)).toEqual([]);
  });

  it('takes all of them away with the last, and does nothing where there never was one', async () => {
    const { steps, ...gone } = await deploy(listing('old'), contextOf('lvs1'));
    expect(words(steps)).toEqual([`rm -f -- ${FOLDER}/old`, `rm -f -- ${SCRIPT_LIST}`]);
    expect(gone.diff(gone.next)).toEqual([]);
    expect((await deploy(bare, contextOf('lvs1'))).changes).toEqual([]);
  });

  it('needs a director, and a place for its folder', async () => {
    await expect(deploy(bare, contextOf('rs1'))).rejects.toMatchObject({ code: 'no-director', kind: 'input' });
    const file: World = (fact, key) => (fact === 'file' && key === FOLDER ? { type: 'link', mode: '0777', owner: 'root', group: 'root', target: '/tmp' } : bare(fact, key));
    await expect(deploy(file)).rejects.toMatchObject({ code: 'no-directory', kind: 'host' });
  });
});
