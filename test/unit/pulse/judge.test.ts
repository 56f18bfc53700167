import { describe, expect, it } from 'vitest';
import { judgeHolders, judgePulse } from '../../../src/pulse/judge.ts';
import type { PulseReport } from '../../../src/pulse/types.ts';

const QUIET: PulseReport = { version: 1, service: 'web', from: 'controller', begun: '2026-01-01T00:00:00.000Z', ended: '2026-01-01T00:00:09.000Z', every: 20, sent: 400, answered: 400, faults: {}, troubled: 0, gap: 62, gapAt: '2026-01-01T00:00:03.000Z', held: { opened: 10, alive: 10, faults: {} } };
const GAP: Partial<PulseReport> = { answered: 380, faults: { 'no answer in time': 20 }, troubled: 400, gap: 900 };

describe('what clients lost', () => {
  it.each<[string, Partial<PulseReport>, number | undefined, string, RegExp]>([
    ['nothing', {}, undefined, 'pass', /^$/],
    ['requests', GAP, undefined, 'fail', /^20 requests failed$/],
    ['a connection', { held: { opened: 10, alive: 9, faults: { 'connection reset': 1 } } }, undefined, 'fail', /^1 connection was cut$/],
    ['requests, for a time that is tolerated', GAP, 1000, 'pass', /^tolerated: 20 requests failed$/],
    ['requests, for longer', GAP, 800, 'fail', /^nobody was answered for 900 ms, from 2026/],
    ['a time without answers in which none failed', { gap: 3000 }, 1000, 'fail', /3000 ms/],
    ['every other request, all the time', { answered: 200, faults: { refused: 200 }, troubled: 8000, gap: 80 }, 1000, 'fail', /again and again for 8000 ms/],
    ['everything', { answered: 0, faults: { refused: 400 }, troubled: 8000, gap: 9000 }, 60_000, 'fail', /9000 ms/],
    ['nothing, as nothing was sent', { sent: 0, answered: 0, gapAt: null }, undefined, 'skip', /before a request/],
    ['nothing, with no connections held', { held: null }, undefined, 'pass', /^$/],
  ])('%s', (_what, change, tolerated, verdict, reason) => {
    const check = judgePulse({ ...QUIET, ...change }, tolerated);
    expect(check).toMatchObject({ name: 'during', subject: 'web', from: 'controller', verdict });
    expect(check.reason ?? '').toMatch(reason);
    expect(check.measured).toMatch(/^\d+ requests, /);
  });
});

describe('who held it', () => {
  const timeline = { vip: '192.168.0.38', holders: ['lvs1', 'lvs2'], nobody: 500, several: 0, uncertainty: 30 };
  it.each([
    ['one after the other', timeline, [], 'pass', undefined],
    ['two at the same time', { ...timeline, several: 200 }, [], 'fail', /two directors/],
    ['two, if the clocks were better', { ...timeline, several: 20 }, [], 'pass', undefined],
    ['two, though one was not watched to the end', { ...timeline, several: 200 }, ['lvs3'], 'fail', /two directors/],
    ['nobody knows of one', timeline, ['lvs2'], 'skip', /lvs2 could not be watched/],
    ['nobody', { ...timeline, holders: [], nobody: 0 }, [], 'fail', /at any moment/],
  ])('%s', (_what, given, unwatched, verdict, reason) => {
    const check = judgeHolders(given, unwatched);
    expect(check).toMatchObject({ name: 'holders-during', subject: '192.168.0.38', verdict });
    if (reason === undefined) expect(check.reason).toBeUndefined();
    else expect(check.reason).toMatch(reason);
  });
});
