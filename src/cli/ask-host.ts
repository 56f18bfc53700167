import { LvsPlayError, messageOf } from '../core/errors.ts';
import type { Target } from '../transport/target.ts';

/** What one host is asked, and how its answer is read. */
export interface HostQuestion<T> {
  /** Complete POSIX sh; an exit status other than 0 means that it could not answer. It runs as root: tables and firewall rules are for root only. */
  readonly script: string;
  /** Pure. An error of any kind means that the answer cannot be used. */
  readonly read: (output: string) => T;
}

/**
 * Asks one host in one request.
 * @throws LvsPlayError kind `host`, code `host-unreadable`, when it does not answer or not in full; what connecting throws
 */
export async function askHost<T>(host: string, target: (host: string) => Promise<Target>, { script, read }: HostQuestion<T>): Promise<T> {
  const reply = await (await target(host)).request({ script, become: true });
  if (reply.exitCode !== 0) throw unreadable(host, reply.stderr.toString('utf8').trim().split('\n')[0] ?? '');
  try {
    return read(reply.stdout.toString('utf8'));
  } catch (error) {
    throw unreadable(host, messageOf(error), error);
  }
}

function unreadable(host: string, why: string, cause?: unknown): LvsPlayError {
  return new LvsPlayError({ code: 'host-unreadable', kind: 'host', host, message: `${host} does not tell its state${why === '' ? '' : `: ${why}`}`, ...(cause === undefined ? {} : { cause }) });
}
