import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { imageRoot, labPaths, labsRoot } from '../../../src/lab/state/paths.ts';
import { findProcess, parseStat, readStat, sessionMembers } from '../../../src/lab/state/proc.ts';
import { chooseLab, knownLabs, readState, writeState } from '../../../src/lab/state/state.ts';
import type { LabState } from '../../../src/lab/state/state.ts';

const STATE: LabState = { version: 1, phase: 'up', image: '/cache/base.img', inventories: ['/inv/hosts.yml'], spec: { nodes: [], networks: [] } };
let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lab-state-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('paths', () => {
  it('follows the XDG variables when they are absolute', () => {
    expect(imageRoot({ XDG_CACHE_HOME: '/c' })).toBe('/c/lvs-play/lab');
    expect(imageRoot({ XDG_CACHE_HOME: 'c', HOME: '/home/u' })).toBe('/home/u/.cache/lvs-play/lab');
    expect(labsRoot({ HOME: '/home/u' })).toBe('/home/u/.local/state/lvs-play/labs');
  });

  it.each(['', 'A', '-a', 'a/b', '..', 'a b', 'x'.repeat(31)])('refuses the name %j', (name) => {
    expect(() => labPaths(name)).toThrow(/is no name for a lab/);
  });
});

describe('state', () => {
  it('comes back as it was written', async () => {
    const lab = labPaths('a', root);
    expect(await readState(lab)).toBeUndefined();
    await writeState(lab, STATE);
    expect(await readState(lab)).toEqual(STATE);
  });

  it('is none when it cannot be read', async () => {
    const lab = labPaths('a', root);
    await mkdir(lab.dir, { recursive: true });
    await writeFile(lab.state, '{"version": 1, "pha');
    expect(await readState(lab)).toBeUndefined();
    expect((await knownLabs(root)).map((known) => known.name)).toEqual(['a']);
  });

  it('chooses the lab that is named, of the inventory, or the only one', async () => {
    await expect(chooseLab({}, root)).rejects.toMatchObject({ code: 'lab-unknown' });
    await writeState(labPaths('a', root), STATE);
    expect((await chooseLab({}, root)).name).toBe('a');
    await writeState(labPaths('b', root), { ...STATE, inventories: ['/inv/other.yml'] });
    await expect(chooseLab({}, root)).rejects.toMatchObject({ code: 'lab-which' });
    expect((await chooseLab({ name: 'b' }, root)).name).toBe('b');
    expect((await chooseLab({ inventories: ['/inv/other.yml'] }, root)).name).toBe('b');
    expect((await chooseLab({ inventories: [labPaths('a', root).overlay] }, root)).name).toBe('a');
    await expect(chooseLab({ inventories: ['/inv/none.yml'] }, root)).rejects.toMatchObject({ code: 'lab-unknown' });
    await expect(chooseLab({ name: 'c' }, root)).rejects.toMatchObject({ code: 'lab-unknown', hint: 'up: a, b' });
  });
});

describe('processes', () => {
  it('reads a stat line whatever the command is called', () => {
    const fields = ['S', '1', '2', '42', ...Array.from({ length: 15 }, () => '0'), '777', '0', '99'];
    expect(parseStat(`12 (a) S 1) ${fields.join(' ')} 0\n`)).toEqual({ pid: 12, state: 'S', parent: 1, session: 42, start: '777', residentPages: 99 });
    expect(parseStat('')).toBeUndefined();
    expect(parseStat('12 (a) S')).toBeUndefined();
  });

  it('knows a process by its start time, not by its id alone', async () => {
    const own = (await readStat(process.pid))!;
    expect(await findProcess({ pid: own.pid, start: own.start })).toBeDefined();
    expect(await findProcess({ pid: own.pid, start: '1' })).toBeUndefined();
  });

  it('finds the members of a session', async () => {
    const child = spawn('sleep', ['30'], { detached: true, stdio: 'ignore' });
    try {
      expect((await sessionMembers(child.pid!)).map((member) => member.pid)).toEqual([child.pid]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
