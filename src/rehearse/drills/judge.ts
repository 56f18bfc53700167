import type { Beat } from '../../pulse/types.ts';
import { number } from './bounds.ts';
import type { Finding, Measured, Moments, Promised, Verdict } from './types.ts';

/** Milliseconds that a busy machine's clocks and timers are given. Told beside every bound. */
export const MARGIN = 2000;

/**
 * What one service's clients saw in a drill, held against its promise. Pure.
 * @param beats of that service, in the order in which they ended
 */
export function judgeService(service: string, promise: Promised, beats: readonly Beat[], moments: Moments): Measured {
  const own = beats.filter(({ at, ended }) => ended >= moments.begun && at <= moments.ended);
  const failed = own.filter(({ fault }) => fault !== null);
  const faults: Record<string, number> = {};
  for (const { fault } of failed) if (fault !== null) faults[fault] = (faults[fault] ?? 0) + 1;
  const sent = failed.map(({ at }) => at - moments.begun);
  const answered = own.filter(({ fault }) => fault === null).map(({ ended }) => ended);
  const reason = own.length === 0 ? 'nothing was sent' : broken(promise, failed, answered, moments);
  return {
    service,
    promise,
    sent: own.length,
    failed: failed.length,
    faults,
    gap: gapWithin(answered, moments.begun, moments.ended),
    lost: sent.length === 0 ? null : { first: Math.min(...sent), last: Math.max(...sent) },
    verdict: reason !== undefined ? 'broken' : promise.kind === 'until-back' ? 'unpromised' : 'kept',
    reason: reason ?? null,
  };
}

/** The longest time between two answers in a span, whose ends count. */
function gapWithin(answered: readonly number[], from: number, to: number): number {
  const marks = [from, ...answered.filter((at) => at >= from && at <= to).sort((a, b) => a - b), to];
  return Math.max(0, ...marks.slice(1).map((mark, index) => mark - (marks[index] ?? mark)));
}

function broken(promise: Promised, failed: readonly Beat[], answered: readonly number[], { begun, made, noticed, returned, settled, ended }: Moments): string | undefined {
  const [last] = failed.map(({ at }) => at).sort((a, b) => b - a);
  const after = (moment: number): string => `a request failed that was sent ${spell(moment - begun)} after the fault`;
  switch (promise.kind) {
    case 'nothing':
      return last === undefined ? undefined : `${String(failed.length)} requests failed`;
    case 'lost-within':
      return last !== undefined && last > made + promise.seconds * 1000 + MARGIN ? after(last) : undefined;
    case 'until-back':
      return last !== undefined && last > settled ? `${after(last)}, when all was back` : undefined;
    case 'gap-within': {
      const [away, back] = [gapWithin(answered, begun, returned), gapWithin(answered, returned, ended)];
      if (away > promise.seconds * 1000 + MARGIN) return `nobody was answered for ${spell(away)}`;
      if (back > promise.onReturn * 1000 + MARGIN) return `nobody was answered for ${spell(back)} after the return`;
      const late = failed.find(({ at }) => at > Math.max(noticed, made + promise.seconds * 1000) + MARGIN && !(at >= returned && at <= settled));
      return late === undefined ? undefined : after(late.at);
    }
  }
}

/** The worst of them. */
export function verdictOf(services: readonly Measured[], findings: readonly Finding[]): Verdict {
  if (services.some(({ verdict }) => verdict === 'broken') || findings.some(({ ok }) => !ok)) return 'broken';
  return services.some(({ verdict }) => verdict === 'unpromised') ? 'unpromised' : 'kept';
}

function spell(ms: number): string {
  return `${number(Math.round(ms / 10) / 100)} s`;
}
