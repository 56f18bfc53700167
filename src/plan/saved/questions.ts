import type { Json } from '../../core/json.ts';
import { SUSPICIOUS } from '../../core/inputs.ts';
import type { SecretMask } from '../../core/secrets.ts';
import { aspectsOf } from '../../facts/contract.ts';
import type { HostOutline } from '../plan-host.ts';
import type { HostAnswer } from '../sessions.ts';
import type { Fingerprints } from './fingerprint.ts';
import type { SavedAspect, SavedQuestion } from './types.ts';

/** Longer ones are told by their fingerprint alone. */
const LONGEST_VALUE = 120;

/** Answers as a plan keeps them. @param hidden questions of tasks with `no_log`, as `questionId` names them */
export async function savedQuestions(answers: readonly HostAnswer[], hidden: ReadonlySet<string>, prints: Fingerprints, secrets: SecretMask): Promise<SavedQuestion[]> {
  return Promise.all(
    answers.map(async (answer) => {
      const { host, user, become, fact, key, value } = answer;
      const secret = hidden.has(questionId(host, fact.name, key)) || mayBeSecret(key, value, secrets);
      const aspects = Object.entries(aspectsOf(fact, key, value)).map(async ([about, part]): Promise<SavedAspect> => {
        const shown = !secret && JSON.stringify(part).length <= LONGEST_VALUE && fact.name !== 'content' ? { value: part } : {};
        return { about: secrets.mask(about), print: await prints.of(part, secret), ...shown };
      });
      return { host, user, become, fact: fact.name, key: secrets.mask(key), aspects: await Promise.all(aspects) };
    }),
  );
}

/** What tasks with `no_log` ask about: nobody shall guess it. */
export function hiddenQuestions(outlines: ReadonlyMap<string, HostOutline>): ReadonlySet<string> {
  const instances = [...outlines.values()].flatMap((outline) => outline.entries).flatMap((entry) => entry.instances);
  return new Set(instances.flatMap(({ host, task, work }) => (task.noLog && work.kind === 'ready' ? work.requests.map(({ fact, key }) => questionId(host, fact.name, key)) : [])));
}

function questionId(host: string, fact: string, key: string): string {
  return `${host} ${fact} ${key}`;
}

/** It is known for one, or looks as if it held one: an old password on a host is known to nobody. */
function mayBeSecret(key: string, value: Json, secrets: SecretMask): boolean {
  const text = `${key} ${JSON.stringify(value)}`;
  return secrets.mask(text) !== text || SUSPICIOUS.test(text);
}
