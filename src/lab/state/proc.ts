import { readFile, readdir } from 'node:fs/promises';

/** A process that is surely the one meant: its id may be given to another after its end, together with the start time it may not. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly start: string;
}

/** What /proc/PID/stat says, as far as needed. */
export interface ProcessStat extends ProcessId {
  /** One letter: R, S, D, T (stopped), Z (ended, not yet reaped)... */
  readonly state: string;
  readonly parent: number;
  readonly session: number;
  /** Resident pages of 4096 bytes. */
  readonly residentPages: number;
}

/** Undefined for a text that is no stat line. The command name in parentheses may itself hold spaces and parentheses. */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf(' (');
  const close = text.lastIndexOf(') ');
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).trim().split(' ');
  const [state, parent, , session] = fields;
  const start = fields[19];
  const pid = Number(text.slice(0, open));
  if (state === undefined || parent === undefined || session === undefined || start === undefined || !Number.isInteger(pid)) return undefined;
  return { pid, start, state, parent: Number(parent), session: Number(session), residentPages: Number(fields[21] ?? 0) };
}

/** Undefined when there is no such process. */
export async function readStat(pid: number): Promise<ProcessStat | undefined> {
  return parseStat(await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => ''));
}

/** Its stat when it still lives; undefined when it ended, waits to be reaped, or another has its id. */
export async function findProcess(id: ProcessId): Promise<ProcessStat | undefined> {
  const stat = await readStat(id.pid);
  return stat?.start === id.start && stat.state !== 'Z' ? stat : undefined;
}

/** Living processes of a session, i.e. a node's kernel with all its helpers. */
export async function sessionMembers(session: number): Promise<ProcessStat[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readStat(Number(pid))));
  return stats.filter((stat): stat is ProcessStat => stat?.session === session && stat.state !== 'Z');
}

/** Sends a signal to one process, or with a negative id to a group; one that is gone is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
