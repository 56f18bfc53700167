import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { compileCommand, ensurePreload, findCompiler } from '../../../../src/lab/kernel/preload.ts';
import { findProgram } from '../../../../src/lab/process.ts';

const SOURCE = path.resolve(import.meta.dirname, '../../../../src/lab/kernel/ptrace-xstate.c');
const REQUESTS = path.join(import.meta.dirname, 'ptrace-requests.c');
/** Of a CPU with AMX. */
const WIDE = 11_008;
/** Of a CPU without. */
const NARROW = { bytes: 2440, wide: false, pretended: false } as const;
/** Whatever is installed; set-up sees to one. */
const COMPILERS = ['tcc', 'cc'].filter((name) => findProgram(name) !== undefined);

let dir = '';
const run = (argv: readonly string[], env: Record<string, string> = {}): string => execFileSync(argv[0]!, argv.slice(1), { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } });
/** What the program prints with a library preloaded; without one for undefined. */
const requests = (library?: string): string[] => run([path.join(dir, 'requests')], library === undefined ? {} : { LD_PRELOAD: library }).trim().split('\n');
const library = (compiler: string, name: string, pretended?: number, define: readonly string[] = []): string => {
  const file = path.join(dir, `${name}-${compiler}.so`);
  const [program = '', ...args] = compileCommand(compiler, SOURCE, file, pretended);
  run([program, ...define, ...args]);
  return file;
};

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lvs-play-ptrace-'));
  run([findCompiler()!, '-o', path.join(dir, 'requests'), REQUESTS]);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe.each(COMPILERS)('ptrace by the library that %s makes', (compiler) => {
  it('does, returns and leaves in errno what libc does, but for an area that is too short', () => {
    const [, ...without] = requests();
    const [preloaded, ...lines] = requests(library(compiler, 'plain'));
    expect(without.length).toBeGreaterThan(60);
    expect(preloaded).toBe('LD_PRELOAD before: set');
    // Whatever is started from here on is started without the library.
    expect(lines.at(-1)).toBe('LD_PRELOAD after: not set');
    const other = lines.filter((line, index) => line !== without[index]);
    // On a CPU with AMX this machine itself refuses 2,696 bytes.
    expect(other.filter((line) => !line.startsWith('xstate SETREGSET 2696: 0 errno 77'))).toEqual(['xstate SETREGSET short: 0 errno 77', '  xmm0: 44444444']);
    expect(without).toContain('xstate SETREGSET short: -1 errno 14');
  });

  it('gives a host with a wider area the whole of it', () => {
    // How much of an area was taken is a matter of its size.
    const lines = (preloaded?: string): string[] => requests(preloaded).slice(1).map((line) => (line.startsWith('set ') ? line.replace(/ length .*/, '') : line));
    const forced = lines(library(compiler, 'forced', WIDE));
    const without = lines();
    const wide = (line: string): boolean => line.startsWith('xstate ') || line.startsWith('  xmm0');
    expect(forced.filter((line) => !wide(line))).toEqual(without.filter((line) => !wide(line)));
    expect(forced.filter(wide)).toEqual([
      '  xmm0: 11111111',
      'xstate GETREGSET: 0 errno 77 length 11008',
      'xstate GETREGSET, a part: 0 errno 77 length 2400',
      'xstate SETREGSET whole: 0 errno 77 length 11008',
      'xstate SETREGSET more: 0 errno 77 length 11008',
      'xstate SETREGSET 2696: 0 errno 77 length 2696',
      'xstate SETREGSET short: 0 errno 77',
      '  xmm0: 44444444',
      'xstate SETREGSET, half a word: -1 errno 22 length 1001',
      'xstate SETREGSET, too little: -1 errno 14 length 64',
      'xstate SETREGSET, nothing: -1 errno 14 length 0',
      'xstate SETREGSET from nowhere: -1 errno 14 length 11008',
      'xstate SETREGSET without iovec: -1 errno 14',
      'xstate GETREGSET without iovec: -1 errno 14',
      'xstate SETREGSET of nobody: -1 errno 3 length 11008',
      'xstate GETREGSET of nobody: -1 errno 3 length 65536',
    ]);
  });

  it('does not set what is set already, and of the area only as much as differs', () => {
    const lines = requests(library(compiler, 'counted', undefined, ['-DCOUNTED']));
    const sets = lines.filter((line) => line.startsWith('set '));
    // What each of them leaves is compared above, with what the kernel makes of it.
    expect(sets.length).toBeGreaterThan(40);
    const [, nothing, legacy, everything] = /^sets: nothing to do (\d+), x87 and SSE (\d+), everything (\d+)$/m.exec(lines.join('\n')) ?? [];
    expect({ nothing: Number(nothing) >= 8, legacy: Number(legacy) >= 10, everything: Number(everything) >= 10 }, lines.join('\n')).toEqual({ nothing: true, legacy: true, everything: true });
  });

  it('pretends a host that refuses what it would refuse: without the cure, the kernel gets EFAULT', () => {
    expect(requests(library(compiler, 'narrow', WIDE, ['-DNARROW']))).toContain('xstate SETREGSET 2696: -1 errno 14 length 2696');
  });
});

describe('the library', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('is made once, and nothing else stays in the cache', async () => {
    expect(COMPILERS).not.toEqual([]);
    vi.stubEnv('XDG_CACHE_HOME', dir);
    const many = await Promise.all(Array.from({ length: 4 }, () => ensurePreload({ bytes: WIDE, wide: true, pretended: true })));
    expect(new Set(many).size).toBe(1);
    const real = await ensurePreload({ bytes: WIDE, wide: true, pretended: false });
    expect(real).not.toBe(many[0]);
    // Where it only makes nodes faster, it is the same.
    expect(await ensurePreload(NARROW)).toBe(real);
    const cache = path.join(dir, 'lvs-play/lab');
    expect((await readdir(cache)).sort()).toEqual([many[0]!, real!].map((file) => path.basename(file)).sort());
    expect(requests(many[0])).toContain('xstate SETREGSET 2696: 0 errno 77 length 2696');
  });

  it('is done without where the CPU does not need it, and no compiler is there or it does not work', async () => {
    vi.stubEnv('XDG_CACHE_HOME', path.join(dir, 'other'));
    const programs = path.join(dir, 'programs');
    await mkdir(programs);
    vi.stubEnv('PATH', programs);
    expect(await ensurePreload(NARROW)).toBeUndefined();
    await expect(ensurePreload({ ...NARROW, wide: true })).rejects.toMatchObject({ code: 'lab-requirements' });
    await writeFile(path.join(programs, 'tcc'), '#!/bin/sh\necho tcc: no >&2; exit 1\n', { mode: 0o755 });
    expect(await ensurePreload(NARROW)).toBeUndefined();
    await expect(ensurePreload({ ...NARROW, wide: true })).rejects.toMatchObject({ code: 'lab-compile', message: expect.stringContaining('tcc: no') as string });
    expect(await readdir(path.join(dir, 'other/lvs-play/lab'))).toEqual([]);
  });
});
