import { randomBytes } from 'node:crypto';
import { LvsPlayError, messageOf } from '../core/errors.ts';
import { mapLimited } from '../core/pool.ts';
import type { Target } from '../transport/target.ts';
import { Observation, type Observed } from './observation.ts';

/** What one host is asked, and how its answer is read. */
export interface Question<T> {
  /** POSIX sh; an exit status other than 0 means that it could not answer. It runs as root: tables and firewall rules are for root only. */
  readonly script: string;
  /** Pure. An error of any kind means that the answer cannot be used. */
  readonly read: (output: string) => T;
}

export interface AskOptions {
  /** Hosts that are asked at the same time; default all. */
  readonly forks?: number;
  /** Milliseconds for one answer; default the connection's. */
  readonly timeoutMs?: number;
  /** Who looks again and again: a host that could not be reached is tried anew the next time. */
  readonly again?: boolean;
  /** Beside the steps in hand. */
  readonly lane?: 'side';
  /** Whether it is asked as root; default: yes. */
  readonly become?: (host: string) => boolean;
}

/** A host that says nothing for so long cannot be waited for by those who look again and again; milliseconds. */
export const ANSWER_MS = 15_000;

/** The way to a host. */
export type Reach = (host: string) => Promise<Target>;

/** Asks hosts side by side, each in one request. @throws LvsPlayError only for what is wrong on our side: connection variables, a script that cannot be sent */
export async function observe<T>(hosts: readonly string[], reach: Reach, question: (host: string) => Question<T>, options: AskOptions = {}): Promise<Observation<T>> {
  const seen = await mapLimited(hosts, options.forks ?? Math.max(1, hosts.length), async (host) => [host, await observeOne(host, reach, question(host), options)] as const);
  return new Observation(seen);
}

/** The same for one host. */
export async function observeOne<T>(host: string, reach: Reach, question: Question<T>, options: Omit<AskOptions, 'forks'> = {}): Promise<Observed<T>> {
  try {
    return { kind: 'answered', value: await askHost(host, reach, question, options) };
  } catch (error) {
    if (!(error instanceof LvsPlayError) || (error.kind !== 'unreachable' && error.kind !== 'host')) throw error;
    // Nobody knows what a host would have said that was too slow.
    const kind = error.kind === 'unreachable' || error.code === 'command-timeout' ? 'unreachable' : 'failed';
    if (kind === 'unreachable' && options.again === true) await reach(host).then((target) => target.reset(), () => undefined);
    return { kind, error };
  }
}

/**
 * Asks one host in one request, for those who cannot go on without it.
 * @throws LvsPlayError kind `host`, code `host-unreadable`, when it does not answer, or not in full; what connecting throws
 */
export async function askHost<T>(host: string, reach: Reach, { script, read }: Question<T>, { timeoutMs, lane, become = () => true }: Omit<AskOptions, 'forks' | 'again'> = {}): Promise<T> {
  const end = randomBytes(12).toString('hex');
  const target = await reach(host);
  // The last word is said whatever the script does: an answer without it was cut off, or is somebody else's.
  const framed = `(\n${script}\n)\nstatus=$?; echo; echo ${end}; exit $status`;
  const reply = await target.request({ script: framed, become: become(host), ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(lane === undefined ? {} : { lane }) });
  if (reply.exitCode !== 0) throw unreadable(host, firstLine(reply.stderr.toString('utf8')) ?? `its shell ended with exit code ${String(reply.exitCode)}`);
  const said = reply.stdout.toString('utf8');
  const mark = `\n${end}\n`;
  if (!said.endsWith(mark)) throw unreadable(host, 'the answer is incomplete');
  try {
    return read(said.slice(0, -mark.length));
  } catch (error) {
    throw unreadable(host, messageOf(error), error);
  }
}

function firstLine(text: string): string | undefined {
  return text.split('\n').map((line) => line.trim()).find((line) => line !== '');
}

function unreadable(host: string, why: string, cause?: unknown): LvsPlayError {
  return new LvsPlayError({ code: 'host-unreadable', kind: 'host', host, message: `${host} gave no usable answer: ${why}`, ...(cause === undefined ? {} : { cause }) });
}
