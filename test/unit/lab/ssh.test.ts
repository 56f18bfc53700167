import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LabNode } from '../../../src/lab/spec.ts';
import { waitForSsh } from '../../../src/lab/ssh.ts';
import { readStat } from '../../../src/lab/state/proc.ts';
import { labPaths, nodePaths } from '../../../src/lab/state/paths.ts';

/**
 * In place of nsenter(1): `nsenter --net=FILE -- ssh-keyscan -T SECONDS -t ed25519 ADDRESS`. What an address does the first time, the second and so on are lines of the file
 * of its name: refused, slow (no answer within the seconds), or a key.
 */
const NSENTER = `#!/bin/sh
cd "\${0%/*}" || exit 1
for address do :; done
echo "$5" >>"$address.asked"
does=$(sed -n "$(wc -l <"$address.asked")p" "$address")
case $does in refused) exit 1 ;; slow) exec sleep "$5" ;; ?*) echo "$address ssh-ed25519 $does" ;; *) exec sleep 600 ;; esac
`;

let dir = '';
const lab = () => labPaths('waiting', path.join(dir, 'labs'));
const node = (name: string, address: string): LabNode => ({ name, address, interfaces: [], gateway: undefined, memory: 160 });
const ONE = node('one', '10.0.0.1');
const OTHER = node('other', '10.0.0.2');
const KEYS = new Map([['one', 'ssh-ed25519 AAA'], ['other', 'ssh-ed25519 BBB']]);

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lvs-play-wait-'));
  await writeFile(path.join(dir, 'nsenter'), NSENTER, { mode: 0o755 });
  vi.stubEnv('PATH', `${dir}:${process.env['PATH'] ?? ''}`);
  for (const { name } of [ONE, OTHER]) await running(name);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

/** A node that is on: this process stands for its kernel. */
async function running(name: string, is = true): Promise<void> {
  const files = nodePaths(lab(), name);
  await mkdir(files.dir, { recursive: true });
  await writeFile(files.process, JSON.stringify(is ? { pid: process.pid, start: (await readStat(process.pid))?.start } : { pid: process.pid, start: '0' }));
}
const does = (one: LabNode, ...lines: string[]): Promise<void> => writeFile(path.join(dir, one.address), lines.map((line) => `${line}\n`).join(''));
/** The seconds that each scan was given. */
const asked = async (one: LabNode): Promise<number[]> => (await readFile(path.join(dir, `${one.address}.asked`), 'utf8')).trim().split('\n').map(Number);

describe('sshd of nodes that boot', () => {
  it('is polled on each node separately, and a slow one gets more time with each attempt', async () => {
    await does(ONE, 'slow', 'slow', 'AAA');
    await does(OTHER, 'refused', 'refused', 'refused', 'BBB');
    const ready: string[] = [];
    await waitForSsh(lab(), [ONE, OTHER], KEYS, { onReady: (host) => ready.push(host) });
    expect(ready).toEqual(['other', 'one']);
    expect(await asked(ONE)).toEqual([2, 4, 8]);
    expect(await asked(OTHER)).toEqual([2, 2, 2, 2]);
  });

  it.each([
    ['that is another', 'lab-host-key', () => does(ONE, 'CCC')],
    ['of a node that has died', 'lab-node-died', async () => { await does(ONE, 'refused'); await running('one', false); }],
  ])('%s ends the wait for all', async (_title, code, prepare) => {
    await prepare();
    // The other one would keep us for minutes.
    await does(OTHER);
    await expect(waitForSsh(lab(), [OTHER, ONE], KEYS)).rejects.toMatchObject({ code, host: 'one' });
  });

  it('that never answers is named when the time is up, and no node that has answered', async () => {
    await does(ONE, 'AAA');
    await does(OTHER, 'slow', 'slow');
    await expect(waitForSsh(lab(), [ONE, OTHER], KEYS, { timeoutMs: 2500 })).rejects.toMatchObject({ code: 'lab-timeout', message: expect.stringMatching(/^sshd of other does not answer/) as string });
  });

  it('is waited for no longer when that is interrupted', async () => {
    await does(ONE);
    const stop = new AbortController();
    setTimeout(() => { stop.abort(new Error('interrupted')); }, 100);
    await expect(waitForSsh(lab(), [ONE], KEYS, { signal: stop.signal })).rejects.toThrow('interrupted');
  });
});
