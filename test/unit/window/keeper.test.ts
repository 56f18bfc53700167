import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/core/events.ts';
import { durationsOf } from '../../../src/window/estimate.ts';
import { windowKeeper } from '../../../src/window/keeper.ts';
import { parseWindows } from '../../../src/window/window.ts';
import { play, Workshop } from '../apply/harness.ts';

const TEXT = 'Sat 02:00-04:00 Europe/Berlin';
/** Two batches of one host each. */
const TOUCH = play(["{ name: write, copy: { content: a, dest: '{{ dir }}/{{ inventory_hostname }}' } }"], ['serial: 1']);

describe('a run with a window', () => {
  let shop: Workshop;
  beforeEach(async () => {
    shop = await Workshop.open();
  });
  afterEach(() => shop.close());

  /** Deploys to h1 and h2; the clock is put on by `minutes` after each host. */
  async function deployAt(time: string, minutes: number, seconds = new Map([['copy', 60]])): ReturnType<Workshop['deploy']> {
    let now = Date.parse(time);
    const clock = { name: 'clock', afterTask: () => { now += minutes * 60_000; return Promise.resolve(); } };
    shop.keepers = [windowKeeper({ windows: parseWindows(TEXT, 'UTC'), text: TEXT, now: () => now, durations: () => Promise.resolve(seconds) }), clock];
    return shop.deploy(TOUCH, { limit: ['h1,h2'] });
  }

  it('does not begin outside, and says when the next one opens', async () => {
    const { errors } = await deployAt('2026-11-23T12:00:00Z', 0);
    expect(errors.map(({ message }) => message)).toEqual([`outside of the window "${TEXT}"; the next one opens 2026-11-28 02:00 (Europe/Berlin), in 4 days; nothing was changed`]);
    expect(shop.exists('h1')).toBe(false);
  });

  it('runs inside, and says what it expects', async () => {
    const { errors } = await deployAt('2026-11-28T01:00:00Z', 1);
    expect(errors).toEqual([]);
    expect([shop.exists('h1'), shop.exists('h2')]).toEqual([true, true]);
    expect(shop.events.flatMap((event) => (event.type === 'message' ? [event.text] : []))).toEqual(['expected to take 2 min (by earlier runs); the window closes in 2 h 0 min']);
  });

  it('begins no batch that would end outside', async () => {
    const { errors, stopped } = await deployAt('2026-11-28T02:58:30Z', 1);
    expect([shop.exists('h1'), shop.exists('h2')]).toEqual([true, false]);
    expect(errors.map(({ message }) => message)).toEqual(['"play" on h2 is expected to take 60 s, and the window closes in 30 s: it was not begun']);
    expect(stopped).toContain('it was not begun');
  });

  it('may change nothing at any time', async () => {
    await shop.deploy(TOUCH, { limit: ['h1,h2'] });
    expect((await deployAt('2026-11-23T12:00:00Z', 0)).errors).toEqual([]);
  });
});

it('learns durations from tasks that changed something', () => {
  const task = (id: string, module: string) => ({ id, play: 'p', name: id, module, handler: false });
  const ran = (host: string, id: string, module: string, from: number, to: number, status: 'ok' | 'changed' = 'changed'): RunEvent[] => [
    { at: from, type: 'task-started', host, task: task(id, module) },
    { at: to, type: 'task-finished', host, task: task(id, module), outcome: { status, changes: [] } },
  ];
  const runs = [[...ran('a', '0.t0', 'package', 0, 40_000), ...ran('b', '0.t0', 'package', 1000, 21_000), ...ran('a', '0.t1', 'copy', 40_000, 40_500, 'ok')], ran('a', '0.t0', 'package', 0, 30_000)];
  expect([...durationsOf(runs)]).toEqual([['package', 30]]);
});
