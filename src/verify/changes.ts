import { VERDICT_WORDS } from './format.ts';
import { keysOfChecks } from './report.ts';
import type { MeasuredCheck, VerificationReport } from './types.ts';

/** What became different between two looks, a line each; a check that came or went counts where it is no pass. Pure. */
export function changesBetween(before: VerificationReport, now: VerificationReport): string[] {
  const [old, current] = [byKey(before), byKey(now)];
  const keys = [...new Set([...current.keys(), ...old.keys()])];
  return keys.flatMap((key) => {
    const [was, is] = [old.get(key), current.get(key)];
    if (is === undefined) return was === undefined || was.verdict === 'pass' ? [] : [`${now.ended}  ${VERDICT_WORDS[was.verdict]} -> gone  ${key}`];
    if (was?.verdict === is.verdict || (was === undefined && is.verdict === 'pass')) return [];
    const why = is.reason === undefined ? '' : ` (${is.reason})`;
    return [`${is.at}  ${was === undefined ? 'new' : VERDICT_WORDS[was.verdict]} -> ${VERDICT_WORDS[is.verdict]}  ${key}: ${is.measured}${why}`];
  });
}

function byKey({ checks }: VerificationReport): ReadonlyMap<string, MeasuredCheck> {
  const keys = keysOfChecks(checks);
  return new Map(checks.map((check, index) => [keys[index] ?? '', check]));
}
