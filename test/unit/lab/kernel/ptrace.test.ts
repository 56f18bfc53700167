import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileCommand, ensurePreload, findCompiler } from '../../../../src/lab/kernel/preload.ts';
import { findProgram } from '../../../../src/lab/process.ts';

const SOURCE = path.resolve(import.meta.dirname, '../../../../src/lab/kernel/ptrace-xstate.c');
const REQUESTS = path.join(import.meta.dirname, 'ptrace-requests.c');
/** Of a CPU with AMX. */
const WIDE = 11_008;
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
    const forced = requests(library(compiler, 'forced', WIDE)).slice(1);
    const without = requests().slice(1);
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

  it('pretends a host that refuses what it would refuse: without the cure, the kernel gets EFAULT', () => {
    expect(requests(library(compiler, 'narrow', WIDE, ['-DNARROW']))).toContain('xstate SETREGSET 2696: -1 errno 14 length 2696');
  });
});

describe('the library', () => {
  const before = process.env['XDG_CACHE_HOME'];
  afterAll(() => {
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
  });

  it('is made once, where the CPU needs it, and nothing else stays in the cache', async () => {
    expect(COMPILERS).not.toEqual([]);
    process.env['XDG_CACHE_HOME'] = dir;
    expect(await ensurePreload({ bytes: 2440, wide: false, pretended: false })).toBeUndefined();
    const many = await Promise.all(Array.from({ length: 4 }, () => ensurePreload({ bytes: WIDE, wide: true, pretended: true })));
    expect(new Set(many).size).toBe(1);
    const real = await ensurePreload({ bytes: WIDE, wide: true, pretended: false });
    expect(real).not.toBe(many[0]);
    const cache = path.join(dir, 'lvs-play/lab');
    expect((await readdir(cache)).sort()).toEqual([many[0]!, real!].map((file) => path.basename(file)).sort());
    expect(requests(many[0])).toContain('xstate SETREGSET 2696: 0 errno 77 length 2696');
  });
});
