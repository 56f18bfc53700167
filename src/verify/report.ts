import type { Check, MeasuredCheck, VerificationReport } from './types.ts';

/** Checks with the moment of their measurement. Pure, as all here. @param at milliseconds since the epoch */
export function measuredAt(checks: readonly Check[], at: number): MeasuredCheck[] {
  return checks.map((check) => ({ ...check, at: new Date(at).toISOString() }));
}

/** One report of checks. @param from the vantages; times are milliseconds since the epoch */
export function reportOf(checks: readonly MeasuredCheck[], from: readonly string[], begun: number, ended: number): VerificationReport {
  return { version: 2, begun: new Date(begun).toISOString(), ended: new Date(ended).toISOString(), from, ok: checks.every((check) => check.verdict !== 'fail'), checks };
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
