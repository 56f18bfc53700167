import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Beat } from '../../../src/pulse/types.ts';
import { judgeService, MARGIN, verdictOf } from '../../../src/rehearse/drills/judge.ts';
import type { Moments, Promised } from '../../../src/rehearse/drills/types.ts';

/** The fault at 0, noticed after 4 s, back at 20 s, well at 30 s, over at 31 s. */
const MOMENTS: Moments = { begun: 0, made: 1000, noticed: 4000, returned: 20_000, settled: 30_000, ended: 31_000 };

/** A request each 100 ms, answered in 10 ms; those sent within one of the spans fail. */
function asked(...spans: readonly (readonly [number, number])[]): Beat[] {
  return Array.from({ length: 330 }, (_, i) => i * 100 - 1000).map((at) => ({ service: 'web', at, ended: at + 10, fault: spans.some(([from, to]) => at >= from && at <= to) ? 'no answer in time' : null }));
}

const NOTHING: Promised = { kind: 'nothing', words: '' };
const WITHIN: Promised = { kind: 'lost-within', seconds: 5, words: '' };
const GAP: Promised = { kind: 'gap-within', seconds: 3, onReturn: 0, words: '' };
const CUT: Promised = { kind: 'gap-within', seconds: 3, onReturn: 6, words: '' };
const BACK: Promised = { kind: 'until-back', words: '' };

describe('a promise held against what clients saw', () => {
  it.each([
    ['nothing failed', NOTHING, [], 'kept', null],
    ['one failed', NOTHING, [[5000, 5000]], 'broken', '1 requests failed'],
    ['one failed that was answered after the end: not of this drill', NOTHING, [[31_100, 31_100]], 'kept', null],
    ['lost while the check needs its time', WITHIN, [[0, 1000 + 5000 + MARGIN]], 'kept', null],
    ['lost for longer', WITHIN, [[0, 1000 + 5000 + MARGIN + 100]], 'broken', 'a request failed that was sent 8.1 s after the fault'],
    ['lost when the server came back', WITHIN, [[0, 1000], [21_000, 21_000]], 'broken', 'a request failed that was sent 21 s after the fault'],
    ['nobody answered until another director took over', GAP, [[0, 4800]], 'kept', null],
    ['nobody answered for longer', GAP, [[0, 6000]], 'broken', 'nobody was answered for 6.11 s'],
    ['single requests lost at the takeover', GAP, [[3900, 3900]], 'kept', null],
    ['a single one lost long after it', GAP, [[12_000, 12_000]], 'broken', 'a request failed that was sent 12 s after the fault'],
    ['single ones at the return', GAP, [[25_000, 25_100]], 'kept', null],
    ['nobody answered at the return', GAP, [[21_000, 24_000]], 'broken', 'nobody was answered for 3.2 s after the return'],
    ['the same where its real servers have to be found again', CUT, [[21_000, 24_000]], 'kept', null],
    ['lost as long as it was away', BACK, [[0, 29_000]], 'unpromised', null],
    ['lost when all was back', BACK, [[0, 30_500]], 'broken', 'a request failed that was sent 30.5 s after the fault, when all was back'],
  ] as const)('%s', (_, promise, spans, verdict, reason) => {
    const judged = judgeService('web', promise, asked(...spans), MOMENTS);
    expect([judged.verdict, judged.reason]).toEqual([verdict, reason]);
  });

  it('nothing was asked: nothing is proved', () => {
    expect(judgeService('web', NOTHING, [], MOMENTS)).toMatchObject({ verdict: 'broken', reason: 'nothing was sent' });
  });

  it('counts what was sent and lost, and when', () => {
    expect(judgeService('web', WITHIN, asked([100, 900]), MOMENTS)).toMatchObject({ failed: 9, faults: { 'no answer in time': 9 }, lost: { first: 100, last: 900 }, gap: 1000 });
  });

  it('a longer fault never makes a better verdict', () => {
    const rank = { kept: 0, unpromised: 0, broken: 1 };
    fc.assert(
      fc.property(fc.constantFrom(NOTHING, WITHIN, GAP, CUT, BACK), fc.integer({ min: 0, max: 30_000 }), fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 5000 }), (promise, from, length, more) => {
        const short = judgeService('web', promise, asked([from, from + length]), MOMENTS);
        const long = judgeService('web', promise, asked([from, from + length + more]), MOMENTS);
        expect(rank[long.verdict]).toBeGreaterThanOrEqual(rank[short.verdict]);
      }),
    );
  });

  it('the worst of a drill is its verdict', () => {
    const of = (promise: Promised, ...spans: [number, number][]) => judgeService('web', promise, asked(...spans), MOMENTS);
    expect(verdictOf([of(NOTHING)], [{ ok: true, text: '' }])).toBe('kept');
    expect(verdictOf([of(NOTHING), of(BACK, [0, 100])], [])).toBe('unpromised');
    expect(verdictOf([of(BACK), of(NOTHING, [0, 100])], [])).toBe('broken');
    expect(verdictOf([of(NOTHING)], [{ ok: false, text: 'two hold it' }])).toBe('broken');
  });
});
