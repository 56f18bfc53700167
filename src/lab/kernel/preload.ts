import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';
import { findProgram, runCommand } from '../process.ts';
import { imageRoot } from '../state/paths.ts';
import { cpuFlags, minSignalStack, pretendedSize, registerState } from './register-state.ts';
import type { RegisterState } from './register-state.ts';
import { ptraceSource } from './source.ts';

/** In order of preference: the first is small, and is what set-up installs. */
const COMPILERS = ['tcc', 'cc'] as const;

/** Reads what this machine's CPU keeps. @throws LvsPlayError `lab-xstate` for a wrong LVS_PLAY_LAB_XSTATE */
export async function readRegisterState(): Promise<RegisterState> {
  const [auxv, cpuinfo] = await Promise.all([readFile('/proc/self/auxv').catch(() => Buffer.alloc(0)), readFile('/proc/cpuinfo', 'utf8').catch(() => '')]);
  return registerState({ minSignalStack: minSignalStack(auxv), flags: cpuFlags(cpuinfo), pretended: pretendedSize(process.env) });
}

/** The compiler that makes the library on this machine; undefined: none is installed. */
export function findCompiler(): string | undefined {
  return COMPILERS.find((name) => findProgram(name) !== undefined);
}

/** Pure: the argv that makes the library. tcc and cc take the same words; -fPIC is tcc's default, and no word of its own. */
export function compileCommand(compiler: string, source: string, library: string, pretended: number | undefined): string[] {
  const own = compiler === 'tcc' ? [] : ['-fPIC', '-O2'];
  return [compiler, '-shared', '-nostdlib', ...own, ...(pretended === undefined ? [] : [`-DPRETENDED_SIZE=${String(pretended)}`]), '-o', library, source];
}

/**
 * The library to preload into the lab's kernel on this machine: needed where the CPU's registers are wide; elsewhere it makes nodes faster, and they do without it where no compiler
 * is installed or it cannot be made. Compiled once per source, compiler and flags, and kept beside the image.
 * @returns its path; undefined: none
 * @throws LvsPlayError where it is needed: `lab-requirements` without a compiler, `lab-compile` when that fails
 */
export async function ensurePreload(state: RegisterState): Promise<string | undefined> {
  const compiler = findCompiler();
  if (compiler !== undefined) {
    try {
      return await compiled(compiler, state);
    } catch (error) {
      if (state.wide) throw error;
      return undefined;
    }
  }
  if (state.wide) throw noCompiler();
  return undefined;
}

async function compiled(compiler: string, state: RegisterState): Promise<string> {
  const source = ptraceSource();
  const pretended = state.pretended ? state.bytes : undefined;
  // tcc has its version under -v, cc under --version; either prints it first.
  const version = await runCommand([compiler, compiler === 'tcc' ? '-v' : '--version']);
  const hash = createHash('sha256').update(JSON.stringify([source, compileCommand(compiler, '', '', pretended), version.stdout])).digest('hex').slice(0, 16);
  const library = path.join(imageRoot(), `ptrace-xstate-${hash}.so`);
  if (await access(library).then(() => true, () => false)) return library;
  await mkdir(imageRoot(), { recursive: true });
  // Two at once each make their own, and the later one replaces the same with the same: never half a file.
  const work = path.join(imageRoot(), `.ptrace-xstate-${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(`${work}.c`, source);
    const { code, stderr } = await runCommand(compileCommand(compiler, `${work}.c`, `${work}.so`, pretended), { timeoutMs: 60_000 });
    if (code !== 0) throw compileFailed(compiler, stderr);
    await rename(`${work}.so`, library);
  } finally {
    await Promise.all([rm(`${work}.c`, { force: true }), rm(`${work}.so`, { force: true })]);
  }
  return library;
}

function noCompiler(): LvsPlayError {
  return new LvsPlayError({ code: 'lab-requirements', kind: 'machine', message: "this CPU's register state is too wide for the lab's kernel, and no compiler is installed to make the library that widens it", hint: 'apt-get install tcc' });
}

function compileFailed(compiler: string, stderr: string): LvsPlayError {
  const said = stderr.trim().split('\n')[0] ?? '';
  const hint = compiler === 'tcc' ? 'reinstall it: apt-get install --reinstall tcc' : 'apt-get install tcc, which is tried first';
  return new LvsPlayError({ code: 'lab-compile', kind: 'machine', message: `${compiler} cannot compile the library for this CPU's register state${said === '' ? '' : `: ${said}`}`, hint });
}
