import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdLock } from '../../../src/lab/state/lock.ts';
import { exitStatus, mustRun, pathWithSbin, runCommand } from '../../../src/lab/process.ts';

describe('commands', () => {
  it('reports output and status', async () => {
    expect(await runCommand(['sh', '-c', 'cat; echo no >&2; exit 3'], { input: 'in' })).toEqual({ stdout: 'in', stderr: 'no\n', code: 3 });
    await expect(mustRun(['sh', '-c', 'echo first >&2; echo last >&2; exit 3'])).rejects.toThrow(/ended with 3: last/);
    await expect(runCommand(['no-such-program-anywhere'])).rejects.toMatchObject({ code: 'lab-command-missing' });
  });

  it('ends what is aborted', async () => {
    expect((await runCommand(['sleep', '30'], { signal: AbortSignal.abort() })).code).toBe(128 + constants.signals.SIGKILL);
  });

  it('counts signals as a shell does, and finds sbin', () => {
    expect(exitStatus(null, 'SIGINT')).toBe(130);
    expect(exitStatus(7, null)).toBe(7);
    expect(pathWithSbin('/bin:/sbin')).toBe('/bin:/sbin:/usr/local/sbin:/usr/sbin');
  });
});

describe('lock', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'lab-lock-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is held once, and given up', async () => {
    const file = path.join(folder, 'lock');
    const lock = await holdLock(file, { wait: false });
    await expect(holdLock(file, { wait: false })).rejects.toMatchObject({ code: 'lab-busy' });
    const waiting = holdLock(file, { wait: true });
    await lock.release();
    await lock.release();
    await (await waiting).release();
  });

  it('runs the last will of a process that was killed, and only then', async () => {
    const file = path.join(folder, 'lock');
    const program = `
      import { holdLock } from ${JSON.stringify(path.resolve('src/lab/state/lock.ts'))};
      const lock = await holdLock(${JSON.stringify(file)}, { wait: false, lastWill: { script: 'echo "$1" >${file}.will', args: ['done for'] } });
      if (process.argv[1] === 'die') process.kill(process.pid, 'SIGKILL');
      await lock.release();`;
    const { build } = await import('esbuild');
    const bundled = await build({ stdin: { contents: program, resolveDir: process.cwd(), loader: 'ts' }, bundle: true, write: false, platform: 'node', format: 'esm' });
    const code = bundled.outputFiles[0]!.text;
    expect((await runCommand([process.execPath, '--input-type=module', '-e', code, 'live'])).code).toBe(0);
    // The next holder comes after the will, which runs under the lock.
    await (await holdLock(file, { wait: true })).release();
    expect((await runCommand(['cat', `${file}.will`])).code).toBe(1);
    expect((await runCommand([process.execPath, '--input-type=module', '-e', code, 'die'])).code).toBe(137);
    await (await holdLock(file, { wait: true })).release();
    expect(await mustRun(['cat', `${file}.will`])).toBe('done for\n');
  });
});
