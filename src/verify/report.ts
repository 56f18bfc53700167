import type { Missing, MissingHost } from '../observe/observation.ts';
import { groupedBy, hostNames, silentWords, unansweredWords } from '../observe/words.ts';
import type { Check, MeasuredCheck, VerificationReport } from './types.ts';

/** Checks with the moment of their measurement. Pure, as all here. @param at milliseconds since the epoch */
export function measuredAt(checks: readonly Check[], at: number): MeasuredCheck[] {
  return checks.map((check) => ({ ...check, at: new Date(at).toISOString() }));
}

/** One report of checks. @param from the vantages; times are milliseconds since the epoch */
export function reportOf(checks: readonly MeasuredCheck[], from: readonly string[], begun: number, ended: number): VerificationReport {
  const failed = checks.some(({ verdict }) => verdict === 'fail');
  const open = checks.some(({ verdict }) => verdict === 'unknown');
  return { version: 3, begun: new Date(begun).toISOString(), ended: new Date(ended).toISOString(), from, ok: failed ? false : open ? null : true, unknown: missingHosts(checks).map(({ host }) => host), checks };
}

/** Which check it is, whatever it found: what one report calls so, the next one does too. Several rows of one name, subject, vantage and phase are told apart by their order. */
export function keysOfChecks(checks: readonly MeasuredCheck[]): string[] {
  const seen = new Map<string, number>();
  return checks.map(({ name, subject, from, phase }) => {
    const key = [phase, name, subject, from].filter((part) => part !== undefined).join(' ');
    const turn = (seen.get(key) ?? 0) + 1;
    seen.set(key, turn);
    return turn === 1 ? key : `${key} #${String(turn)}`;
  });
}

/** A check that cannot be made without hosts that gave no answer; why they did not is told once, by `reached`. @param check what it would have said, but for its verdict */
export function unknownCheck(check: Pick<Check, 'name' | 'subject' | 'expected' | 'from'>, missing: readonly Missing[]): Check {
  return { ...check, verdict: 'unknown', measured: 'unknown', reason: silentWords(missing), missing: missing.map(({ host, kind }) => ({ host, kind })) };
}

/** That hosts did not answer: one check for each reason, whatever the number of hosts. */
export function reachedChecks(missing: readonly Missing[]): Check[] {
  return groupedBy(missing.map(({ host, kind, error }) => ({ host, kind, message: error.message }))).map(({ hosts }) => {
    const own = missing.filter(({ host }) => hosts.includes(host));
    return { ...unknownCheck({ name: 'reached', subject: hostNames(hosts), expected: 'an answer' }, own), reason: unansweredWords(own) };
  });
}

/** Hosts that gave no answer, each once: as unreachable, where any check found it so. */
export function missingHosts(checks: readonly Check[]): MissingHost[] {
  const all = checks.flatMap(({ missing = [] }) => missing);
  return [...new Set(all.map(({ host }) => host))].map((host) => ({ host, kind: all.some((one) => one.host === host && one.kind === 'unreachable') ? 'unreachable' : 'failed' }));
}
