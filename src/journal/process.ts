import { readFileSync } from 'node:fs';
import type { RunHeader } from './types.ts';

/** When a process was started, in clock ticks since boot: with its pid, that names it. Undefined where there is none, or no /proc. */
export function startOf(pid: number): string | undefined {
  try {
    // The name in parentheses may hold blanks and parentheses itself.
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // One that has ended and that nobody has asked for yet does nothing any more.
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

/** Whether the process of a run is still there. */
export function isAlive({ pid, pidStarted }: Pick<RunHeader, 'pid' | 'pidStarted'>): boolean {
  const started = startOf(pid);
  return started !== undefined && started === pidStarted;
}
