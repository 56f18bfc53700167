import type { HeldReport, PulsePlan, PulseReport } from './types.ts';

/** What a row of requests comes to so far. Milliseconds since the epoch. */
export interface Tally {
  readonly began: number;
  readonly sent: number;
  readonly answered: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Of the last answer; at first of the beginning. */
  readonly last: number;
  readonly gap: number;
  readonly gapAt: number;
  /** The faults in hand: the first and the last of those that follow one another. */
  readonly trouble: { readonly from: number; readonly to: number } | undefined;
  readonly troubled: number;
}

/** Faults with less than this between them are one trouble, answers in between or not: with one dead server of two every other request fails. */
const TROUBLE_MS = 1000;

/** Pure, as all here. */
export function newTally(began: number): Tally {
  return { began, sent: 0, answered: 0, faults: {}, last: began, gap: 0, gapAt: began, trouble: undefined, troubled: 0 };
}

/** With one more request. They come in the order in which they ended. @param fault undefined: it was answered */
export function withBeat(tally: Tally, ended: number, fault: string | undefined): Tally {
  if (fault !== undefined) {
    const { trouble: before } = tally;
    const trouble = { from: before !== undefined && ended - before.to <= TROUBLE_MS ? before.from : ended, to: ended };
    return { ...tally, sent: tally.sent + 1, faults: { ...tally.faults, [fault]: (tally.faults[fault] ?? 0) + 1 }, trouble, troubled: Math.max(tally.troubled, trouble.to - trouble.from) };
  }
  return { ...silentUntil(tally, ended), sent: tally.sent + 1, answered: tally.answered + 1, last: ended };
}

/** Nobody was answered between the last answer and this moment. */
function silentUntil(tally: Tally, moment: number): Tally {
  const gap = moment - tally.last;
  return gap > tally.gap ? { ...tally, gap, gapAt: tally.last } : tally;
}

/** @param ended of the whole */
export function summarise(plan: Pick<PulsePlan, 'service' | 'every'>, from: string, tally: Tally, ended: number, held: HeldReport | null): PulseReport {
  const { began, sent, answered, faults, gap, gapAt, troubled } = silentUntil(tally, ended);
  return {
    version: 1,
    service: plan.service,
    from,
    begun: new Date(began).toISOString(),
    ended: new Date(ended).toISOString(),
    every: plan.every,
    sent,
    answered,
    faults,
    troubled,
    gap,
    gapAt: sent === 0 ? null : new Date(gapAt).toISOString(),
    held,
  };
}

/** `web: 1204 requests, none failed; longest gap 62 ms; 20 of 20 connections lived`. */
export function pulseWords({ service, sent, answered, faults, gap, held }: PulseReport): string {
  const lost = Object.entries(faults).map(([what, count]) => `${String(count)} ${what}`);
  const requests = `${service}: ${String(sent)} requests, ${lost.length === 0 ? 'none failed' : `${String(sent - answered)} failed (${lost.join(', ')})`}`;
  const connections = held === null ? [] : [`${String(held.alive)} of ${String(held.opened)} connections lived`];
  return [requests, `longest gap ${String(gap)} ms`, ...connections].join('; ');
}
