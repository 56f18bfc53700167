import { LvsPlayError } from '../../core/errors.ts';

/** Bytes that user-mode Linux before 6.13 keeps of a process's XSAVE area (arch/x86/um/os-Linux/registers.c): everything up to AVX-512 and PKRU. */
export const KERNEL_AREA = 2696;

/** More than this is no CPU's: the preloaded library's own buffer (ptrace-xstate.c). */
const LARGEST_AREA = 65_536;

/** AT_MINSIGSTKSZ of linux/auxvec.h: the least stack a signal handler needs, which is the XSAVE area and a frame around it. */
const AT_MINSIGSTKSZ = 51n;

/** At least this much of AT_MINSIGSTKSZ is the frame: struct rt_sigframe, fregs_state, magic and padding of arch/x86/kernel/signal.c. */
const SIGNAL_FRAME = 936;

/** What tells how much register state the host keeps per process. */
export interface RegisterFacts {
  /** Of /proc/self/auxv; undefined before Linux 5.14, whose areas are all narrow. */
  readonly minSignalStack: number | undefined;
  /** `flags` of /proc/cpuinfo. */
  readonly flags: ReadonlySet<string>;
  /** Tests: the area to pretend, in bytes; undefined: none. */
  readonly pretended: number | undefined;
}

export interface RegisterState {
  /** Of the XSAVE area, at most 8 too many; undefined where the host does not say. */
  readonly bytes: number | undefined;
  /** More than the lab's kernel has room for: it must not start without the preloaded library. */
  readonly wide: boolean;
  readonly pretended: boolean;
}

/**
 * Pure: whether the host's register state is too wide for the lab's kernel. The host itself says how large the area is, by the stack that a signal needs; so the next
 * CPU with more state is known, too. A flag alone decides where it does not. Wide by mistake costs one compilation and nothing else: the library changes only what is too short.
 */
export function registerState(facts: RegisterFacts): RegisterState {
  if (facts.pretended !== undefined) return { bytes: facts.pretended, wide: true, pretended: true };
  const bytes = facts.minSignalStack === undefined ? undefined : facts.minSignalStack - SIGNAL_FRAME;
  return { bytes, wide: bytes === undefined ? facts.flags.has('amx_tile') : bytes > KERNEL_AREA, pretended: false };
}

/** Pure: AT_MINSIGSTKSZ of an auxiliary vector, pairs of 64-bit little-endian words. */
export function minSignalStack(auxv: Buffer): number | undefined {
  for (let at = 0; at + 16 <= auxv.length; at += 16) {
    if (auxv.readBigUInt64LE(at) === AT_MINSIGSTKSZ) return Number(auxv.readBigUInt64LE(at + 8));
  }
  return undefined;
}

/** Pure: the flags of the first CPU of /proc/cpuinfo. */
export function cpuFlags(cpuinfo: string): ReadonlySet<string> {
  return new Set((/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '').trim().split(/\s+/));
}

/** The variable with which tests force the library: the size, in bytes, of the area to pretend. */
const PRETEND_VARIABLE = 'LVS_PLAY_LAB_XSTATE';

/** Pure. @throws LvsPlayError `lab-xstate` for a value that is not an area larger than the kernel's, in whole words */
export function pretendedSize(env: Readonly<Record<string, string | undefined>>): number | undefined {
  const text = env[PRETEND_VARIABLE];
  if (text === undefined || text === '') return undefined;
  const size = Number(text);
  if (Number.isInteger(size) && size > KERNEL_AREA && size <= LARGEST_AREA && size % 8 === 0) return size;
  throw new LvsPlayError({
    code: 'lab-xstate',
    kind: 'usage',
    message: `${PRETEND_VARIABLE}=${text} is not a size of register state`,
    hint: `give a multiple of 8 from ${String(KERNEL_AREA + 8)} to ${String(LARGEST_AREA)}, such as 11008, or unset it`,
  });
}
