import { readFileSync } from 'node:fs';

/** Set by the build: the bundle carries the text. */
declare const LVS_PLAY_PTRACE_SOURCE: string;

/** The text of ptrace-xstate.c, the one C file of the project. */
export function ptraceSource(): string {
  return typeof LVS_PLAY_PTRACE_SOURCE === 'undefined' ? readFileSync(new URL('./ptrace-xstate.c', import.meta.url), 'utf8') : LVS_PLAY_PTRACE_SOURCE;
}
