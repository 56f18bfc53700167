import { messageOf } from '../core/errors.ts';
import { mapLimited } from '../core/pool.ts';
import { parseRestored, RESTORE_TIMEOUT_MS, type Restored, verbScript } from './hosts.ts';
import type { Target } from '../transport/target.ts';

/** How a host answered `disarm` or `restore`. */
export type GuardAnswer =
  /** confirmed: what was changed stays; unarmed: there was no guard; absent: the run saved nothing there; restoring: the guard is at it. */
  | { readonly host: string; readonly state: 'confirmed' | 'unarmed' | 'absent' | 'restoring' }
  | { readonly host: string; readonly state: 'restored'; readonly restored: Restored }
  | { readonly host: string; readonly state: 'unreachable'; readonly why: string };

/** Opens the way to a host anew: what the change did to the one that is open says nothing. */
export type Reach = (host: string) => Promise<Target>;

/** Asks hosts side by side; never throws for one that does not answer. */
export async function askGuards(hosts: readonly string[], reach: Reach, options: { run: string; words: 'disarm' | 'restore revert'; become: (host: string) => boolean; root?: string | undefined }): Promise<readonly GuardAnswer[]> {
  const answers = new Map<string, GuardAnswer>();
  // All at once: what a pair shares has to come back on both in the same moment.
  await mapLimited(hosts, hosts.length, async (host) => {
    try {
      const target = await reach(host);
      const reply = await target.request({ script: verbScript(options.run, options.words, options.root), become: options.become(host), timeoutMs: RESTORE_TIMEOUT_MS });
      answers.set(host, answerOf(host, reply.stdout.toString('utf8'), reply.stderr.toString('utf8')));
    } catch (error) {
      answers.set(host, { host, state: 'unreachable', why: messageOf(error) });
    }
  });
  return hosts.flatMap((host) => answers.get(host) ?? []);
}

function answerOf(host: string, said: string, complaint: string): GuardAnswer {
  const restored = parseRestored(said);
  if (restored !== undefined) return { host, state: 'restored', restored };
  const word = said.trim();
  if (word === 'confirmed' || word === 'unarmed' || word === 'absent' || word === 'restoring') return { host, state: word };
  return { host, state: 'unreachable', why: complaint.trim().split('\n')[0] ?? 'no answer' };
}

/** In words. */
export function guardText(answer: GuardAnswer): string {
  switch (answer.state) {
    case 'restored': {
      const { result, problems } = answer.restored;
      return result === 'restored' ? `${answer.host} is as it was before` : `${answer.host} is only partly as it was before: ${problems.join('; ')}`;
    }
    case 'unreachable':
      return `${answer.host} cannot be reached (${answer.why}) and restores itself when its time is up`;
    case 'restoring':
      return `${answer.host} is restoring itself`;
    case 'confirmed':
      return `${answer.host} was confirmed`;
    case 'unarmed':
    case 'absent':
      return `${answer.host} has nothing to restore`;
  }
}
