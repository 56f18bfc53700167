import { expect, it } from 'vitest';
import { verifyAgainAndAgain } from '../../../../src/cli/verify/watch.ts';
import { reportOf } from '../../../../src/verify/report.ts';
import type { VerificationReport } from '../../../../src/verify/types.ts';

function report(verdict: 'pass' | 'fail'): VerificationReport {
  return reportOf([{ name: 'holder', subject: '192.168.0.38', verdict, measured: verdict, expected: 'one', at: '2026-01-01T00:00:01.000Z' }], ['controller'], 0, 1000);
}

/** Rounds with these outcomes; the operator ends it after the last one. */
async function rounds(...outcomes: readonly ('pass' | 'fail')[]) {
  const stop = new AbortController();
  const told: (readonly string[] | undefined)[] = [];
  let round = 0;
  const next = (): Promise<VerificationReport> => Promise.resolve(report(outcomes[round++] ?? 'pass'));
  const code = await verifyAgainAndAgain({
    first: next, again: next, every: 0.001,
    told: (_report, changes) => {
      told.push(changes);
      if (told.length === outcomes.length) stop.abort();
      return Promise.resolve();
    },
  }, stop.signal);
  return { code, told };
}

it('tells the first round whole, then what changes, and ends with the last word', async () => {
  const line = (from: string, to: string, measured: string): string => `2026-01-01T00:00:01.000Z  ${from} -> ${to}  holder 192.168.0.38: ${measured}`;
  expect(await rounds('pass', 'pass', 'fail', 'fail')).toEqual({ code: 8, told: [undefined, [], [line('ok', 'FAIL', 'fail')], []] });
  expect(await rounds('fail', 'pass')).toEqual({ code: 0, told: [undefined, [line('FAIL', 'ok', 'pass')]] });
});

it('a round that is interrupted counts for nothing, and the first one is all there would have been', async () => {
  const stop = new AbortController();
  const ended = (signal: AbortSignal): Promise<VerificationReport> => {
    stop.abort();
    signal.throwIfAborted();
    throw new Error('not reached');
  };
  expect(await verifyAgainAndAgain({ first: ended, again: ended, every: 1, told: () => Promise.resolve() }, stop.signal)).toBe(130);
  const again = new AbortController();
  const code = await verifyAgainAndAgain({
    first: () => Promise.resolve(report('fail')),
    again: (signal) => {
      again.abort();
      signal.throwIfAborted();
      throw new Error('not reached');
    },
    every: 0.001, told: () => Promise.resolve(),
  }, again.signal);
  expect(code).toBe(8);
});

it('what goes wrong of itself ends it', async () => {
  const broken = (): Promise<VerificationReport> => Promise.reject(new Error('the key of lvs1 has changed'));
  await expect(verifyAgainAndAgain({ first: broken, again: broken, every: 1, told: () => Promise.resolve() }, new AbortController().signal)).rejects.toThrow('the key of lvs1');
});
