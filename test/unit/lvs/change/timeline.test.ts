import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HolderLog, timelines, timelineText } from '../../../../src/lvs/change/timeline.ts';

const VIP = '192.168.0.38';

function log(host: string, initial: boolean, ...events: readonly (readonly [number, boolean])[]): HolderLog {
  return { host, from: 0, to: 10_000, initial: new Set(initial ? [VIP] : []), events: events.map(([at, gained]) => ({ at, address: VIP, gained })), uncertainty: 10 };
}

describe('who held a virtual IP', () => {
  it.each([
    ['one all the while', [log('a', true), log('b', false)], { holders: ['a'], nobody: 0, several: 0 }, `${VIP} was held by a all the while`],
    ['nobody at all', [log('a', false), log('b', false)], { holders: [], nobody: 0, several: 0 }, `${VIP} was held by nobody`],
    ['a gap between two', [log('a', true, [1000, false]), log('b', false, [1500, true])], { holders: ['a', 'b'], nobody: 500, several: 0 }, `${VIP} went from a to b; nobody held it for 0.50 s (± 0.01 s)`],
    ['a gap of one', [log('a', true, [1000, false], [4620, true]), log('b', false)], { holders: ['a'], nobody: 3620, several: 0 }, `${VIP} was held by a; nobody held it for 3.62 s (± 0.01 s)`],
    ['two at once', [log('a', true, [3000, false]), log('b', false, [1000, true])], { holders: ['a', 'b'], nobody: 0, several: 2000 }, `${VIP} went from a to b; two held it for 2.00 s (± 0.01 s)`],
    ['two, one within the time of the other', [log('a', true), log('b', false, [1000, true], [1400, false])], { holders: ['a', 'b'], nobody: 0, several: 400 }, `${VIP} went from a to b; two held it for 0.40 s (± 0.01 s)`],
    ['within the uncertainty', [log('a', true, [1000, false]), log('b', false, [1005, true])], { holders: ['a', 'b'], nobody: 5, several: 0 }, `${VIP} went from a to b without a gap (± 0.01 s)`],
    ['given at first: no gap before it', [log('a', false, [2000, true]), log('b', false)], { holders: ['a'], nobody: 0, several: 0 }, `${VIP} was held by a all the while`],
    ['taken away for good: no gap after it', [log('a', true, [2000, false]), log('b', false)], { holders: ['a'], nobody: 0, several: 0 }, `${VIP} was held by a all the while`],
    ['told twice', [log('a', true, [100, true], [1000, false]), log('b', false, [1000, true], [1100, true])], { holders: ['a', 'b'], nobody: 0, several: 0 }, `${VIP} went from a to b without a gap (± 0.01 s)`],
  ])('%s', (_name, logs, expected, text) => {
    const [seen] = timelines([VIP], logs);
    expect(seen).toMatchObject(expected);
    expect(seen === undefined ? '' : timelineText(seen)).toBe(text);
  });

  it('agrees with counting moment by moment', () => {
    const spans = fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 20 })), { maxLength: 4 });
    fc.assert(
      fc.property(spans, spans, (a, b) => {
        const held = [a, b].map((list) => {
          const moments = new Set<number>();
          for (const [from, length] of list) for (let at = from; at < Math.min(100, from + length); at++) moments.add(at);
          return moments;
        });
        const logs = held.map((moments, index): HolderLog => {
          const events = Array.from({ length: 100 }, (_, at) => at).flatMap((at) => (moments.has(at) === moments.has(at - 1) ? [] : [{ at, address: VIP, gained: moments.has(at) }]));
          return { host: `h${String(index)}`, from: 0, to: 100, initial: new Set(), events, uncertainty: 0 };
        });
        const counts = Array.from({ length: 100 }, (_, at) => held.filter((moments) => moments.has(at)).length);
        const first = counts.findIndex((count) => count > 0);
        const last = counts.findLastIndex((count) => count > 0);
        const longest = (wanted: (count: number) => boolean): number => {
          let [best, now] = [0, 0];
          for (const count of first < 0 ? [] : counts.slice(first, last + 1)) {
            now = wanted(count) ? now + 1 : 0;
            best = Math.max(best, now);
          }
          return best;
        };
        const [seen] = timelines([VIP], logs);
        expect(seen?.nobody).toBe(longest((count) => count === 0));
        // Two stretches of two holders that touch are told as the longer one of them.
        expect(seen?.several ?? 0).toBeLessThanOrEqual(longest((count) => count > 1));
        expect((seen?.several ?? 0) > 0).toBe(longest((count) => count > 1) > 0);
      }),
    );
  });
});
