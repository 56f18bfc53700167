import { observe, type Reach } from '../observe/ask.ts';
import type { Observation } from '../observe/observation.ts';
import { unansweredWords } from '../observe/words.ts';
import { parseRestored, RESTORE_TIMEOUT_MS, type Restored, verbScript } from './hosts.ts';

/** How a host answered `disarm` or `restore`. */
export type GuardAnswer =
  /** confirmed: what was changed stays; unarmed: there was no guard; absent: the run saved nothing there; restoring: the guard is at it. */
  | { readonly host: string; readonly state: 'confirmed' | 'unarmed' | 'absent' | 'restoring' }
  | { readonly host: string; readonly state: 'restored'; readonly restored: Restored };

/** Asks hosts side by side. @param reach opens the way to a host anew: what the change did to the one that is open says nothing */
export function askGuards(hosts: readonly string[], reach: Reach, options: { run: string; words: 'disarm' | 'restore revert'; become: (host: string) => boolean; root?: string | undefined }): Promise<Observation<GuardAnswer>> {
  // All at once: what a pair shares has to come back on both in the same moment.
  return observe(hosts, reach, (host) => ({ script: answeredScript(verbScript(options.run, options.words, options.root)), read: (said) => answerOf(host, said) }), { timeoutMs: RESTORE_TIMEOUT_MS, become: options.become });
}

/** What it says counts, however it ended; where it says nothing, why. */
function answeredScript(script: string): string {
  return [`said=$(${script}`, '); status=$?', 'printf \'%s\\n\' "$said"', 'case $said in restored*|partly*|confirmed|unarmed|absent|restoring) exit 0;; esac', 'exit $status'].join('\n');
}

/** @throws Error for what is not an answer */
function answerOf(host: string, said: string): GuardAnswer {
  const restored = parseRestored(said);
  if (restored !== undefined) return { host, state: 'restored', restored };
  const word = said.trim();
  if (word === 'confirmed' || word === 'unarmed' || word === 'absent' || word === 'restoring') return { host, state: word };
  throw new Error(word === '' ? 'it says nothing of the run' : `it says of the run: ${word.split('\n')[0] ?? ''}`);
}

/** What hosts that were armed and gave no answer will do. */
export function silentText(answers: Observation<GuardAnswer>): string[] {
  return answers.missing.length === 0 ? [] : [`${unansweredWords(answers.missing)}: unless it was reached after all, each restores itself when the timeout expires`];
}

/** In words. */
export function guardText(answer: GuardAnswer): string {
  switch (answer.state) {
    case 'restored': {
      const { result, problems } = answer.restored;
      return result === 'restored' ? `${answer.host} is as it was before` : `${answer.host} is only partly as it was before: ${problems.join('; ')}`;
    }
    case 'restoring':
      return `${answer.host} is restoring itself`;
    case 'confirmed':
      return `${answer.host} was confirmed`;
    case 'unarmed':
    case 'absent':
      return `${answer.host} has nothing to restore`;
  }
}
