import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { launcherScript } from '../../../../src/lab/kernel/launcher.ts';
import { cpuFlags, minSignalStack, pretendedSize, registerState } from '../../../../src/lab/kernel/register-state.ts';
import { canHoldMemory, memoryFolder, mountOptions } from '../../../../src/lab/kernel/place.ts';

describe('the register state of a CPU', () => {
  it.each<[string, number | undefined, string, boolean]>([
    // AT_MINSIGSTKSZ as these hosts report it.
    ['AMD EPYC with AVX-512, Linux 6.18', 3376, 'avx512f pku', false],
    ['Intel Xeon with AVX-512 and PKRU', 3632, 'avx512f pku', false],
    ['Intel Xeon with AMX', 11_952, 'avx512f amx_tile amx_bf16 amx_int8', true],
    ['AMX that its kernel does not use', 3632, 'avx512f amx_tile', false],
    ['a CPU to come, with 64 bytes more than the kernel keeps', 3696, 'avx512f', true],
    ['a kernel that does not say, without AMX', undefined, 'avx512f', false],
    ['a kernel that does not say, with AMX', undefined, 'amx_tile', true],
  ])('%s: wide or not', (_, minSignalStackSize, flags, wide) => {
    expect(registerState({ minSignalStack: minSignalStackSize, flags: cpuFlags(`flags\t\t: ${flags}\n`), pretended: undefined }).wide).toBe(wide);
  });

  it('is wide when tests pretend so', () => {
    expect(registerState({ minSignalStack: 3376, flags: new Set(), pretended: pretendedSize({ LVS_PLAY_LAB_XSTATE: '11008' }) })).toEqual({ bytes: 11_008, wide: true, pretended: true });
    expect(pretendedSize({})).toBeUndefined();
    expect(pretendedSize({ LVS_PLAY_LAB_XSTATE: '' })).toBeUndefined();
    for (const wrong of ['2696', '11004', '70000', 'yes', '-8', '1e9']) expect(() => pretendedSize({ LVS_PLAY_LAB_XSTATE: wrong }), wrong).toThrow(/not a size of register state/);
  });

  it('is found in the auxiliary vector', () => {
    const words = [33n, 0x7fff_0000n, 51n, 11_952n, 0n, 0n];
    const auxv = Buffer.alloc(48);
    words.forEach((word, index) => auxv.writeBigUInt64LE(word, index * 8));
    expect(minSignalStack(auxv)).toBe(11_952);
    expect(minSignalStack(Buffer.alloc(16))).toBeUndefined();
    expect(minSignalStack(Buffer.alloc(0))).toBeUndefined();
  });
});

describe('the launcher of a node', () => {
  it('preloads for the kernel alone, each time it runs, and keeps its own name as the first word', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'lvs-play launcher '));
    try {
      // In place of the kernel: says what it was given.
      await writeFile(path.join(dir, 'linux.uml'), '#!/bin/sh\necho "$LD_PRELOAD|$*"\n', { mode: 0o755 });
      const start = async (preload: string | undefined): Promise<string> => {
        await writeFile(path.join(dir, 'launcher'), launcherScript(preload), { mode: 0o755 });
        return execFileSync(path.join(dir, 'launcher'), ['mem=1M', 'a b'], { encoding: 'utf8', env: { PATH: `${dir}:${process.env['PATH'] ?? ''}` }, stdio: ['ignore', 'pipe', 'ignore'] });
      };
      expect(await start('../../ptrace-xstate.so')).toBe('../../ptrace-xstate.so|mem=1M a b\n');
      expect(await start(undefined)).toBe('|mem=1M a b\n');
      expect(launcherScript('x.so')).toMatch(/\nLD_PRELOAD=x\.so exec -a "\$0" linux\.uml "\$@"\n$/);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});

describe("where the nodes' memory lies", () => {
  const MOUNTS = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:20 / /dev rw,nosuid - devtmpfs devtmpfs rw
24 23 0:21 / /dev/shm rw,nosuid,nodev,noexec - tmpfs shm rw,size=65536k
25 22 0:30 / /srv/with\\040space ro,noexec - ext4 /dev/vdb rw
`;
  it.each([
    ['/dev/shm', ['rw', 'nosuid', 'nodev', 'noexec']],
    ['/dev/shm/x', ['rw', 'nosuid', 'nodev', 'noexec']],
    ['/dev/shmem', ['rw', 'nosuid']],
    ['/root', ['rw', 'relatime']],
    ['/srv/with space/labs', ['ro', 'noexec']],
  ])('%s is mounted %j', (file, options) => {
    expect([...mountOptions(MOUNTS, file)]).toEqual(options);
  });

  it('is /dev/shm when all fits and programs may run there, as in no container by default', () => {
    const shm = { path: '/dev/shm', freeBytes: 1000, noexec: false, readOnly: false, device: 1 };
    expect(memoryFolder(shm, 1000, '/state')).toBe('/dev/shm');
    expect(memoryFolder(shm, 1001, '/state')).toBe('/state');
    expect(memoryFolder({ ...shm, noexec: true }, 1, '/state')).toBe('/state');
    expect(memoryFolder(undefined, 1, '/state')).toBe('/state');
    expect(canHoldMemory({ ...shm, readOnly: true }, 1)).toBe(false);
  });
});
