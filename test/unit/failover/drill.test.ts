import { describe, expect, it } from 'vitest';
import { LvsPlayError } from '../../../src/core/errors.ts';
import { drill, type DrillMeans } from '../../../src/failover/drill.ts';
import { FakePair, SYNCED, VIP } from './fake.ts';

const ORDER = { pair: 'edge', by: 'alice@ops1', allow: [], syncWait: 10 };

/** A power cut, of a pair that elects. */
function crash(pair: FakePair, change: Partial<DrillMeans> = {}): DrillMeans & { readonly done: string[] } {
  const done: string[] = [];
  return {
    done,
    kind: 'crash',
    words: (host) => `the power of ${host} is cut`,
    harm: (host) => {
      done.push(`harm ${host}`);
      pair.gone.add(host);
      pair.elect();
      return Promise.resolve();
    },
    mend: (host) => {
      done.push(`mend ${host}`);
      pair.gone.delete(host);
      pair.elect();
      return Promise.resolve();
    },
    unreachable: true,
    letsGo: false,
    ...change,
  };
}

const codeOf = async (work: Promise<unknown>): Promise<string | undefined> => work.then(() => undefined, (error: unknown) => (error instanceof LvsPlayError ? `${error.code} ${error.kind}` : String(error)));

describe('a drill', () => {
  it('harms who holds, sees who takes over, mends, and waits until all is as before', async () => {
    const pair = new FakePair(SYNCED);
    const means = crash(pair);
    const report = await drill(pair, ORDER, means);
    expect(report).toMatchObject({ what: 'drill crash', from: 'lvs1', to: 'lvs2', before: [{ vip: VIP, holders: ['lvs1'] }], after: [{ vip: VIP, holders: ['lvs2'] }], mended: [{ vip: VIP, holders: ['lvs1'] }], bound: { milliseconds: 3648, priority: 90 } });
    expect(means.done).toEqual(['harm lvs1', 'mend lvs1']);
    expect(pair.deaths).toEqual(['lvs1']);
    expect(pair.measuring).toBe(0);
    expect(pair.lines).toEqual([]);
  });

  it('goes on where nobody gives the virtual IPs back by himself', async () => {
    const pair = new FakePair(SYNCED.replace('virtual_router_id', 'preempt: false\n    virtual_router_id'));
    const report = await drill(pair, ORDER, crash(pair, { mend: (host) => { pair.gone.delete(host); return Promise.resolve(); } }));
    expect(report.mended).toEqual([{ vip: VIP, holders: ['lvs2'] }]);
    expect(pair.said.at(-1)).toBe('lvs2 goes on holding edge (preempt: false); lvs-play failover edge --to lvs1 moves it back');
  });

  it.each<readonly [string, (pair: FakePair, means: DrillMeans) => DrillMeans, string]>([
    ['nobody takes over', (pair, means) => { pair.stuck = true; return means; }, 'not-taken-over verification'],
    ['the operator ends it', (pair, means) => ({ ...means, harm: (host) => { pair.abort.abort(); return means.harm(host); } }), 'interrupted interrupted'],
    ['the harm fails half way', (_pair, means) => ({ ...means, harm: async (host) => { await means.harm(host); throw new LvsPlayError({ code: 'drill-failed', kind: 'host', message: 'no' }); } }), 'drill-failed host'],
  ])('is mended also when %s', async (_name, change, code) => {
    const pair = new FakePair(SYNCED);
    const means = crash(pair);
    expect(await codeOf(drill(pair, ORDER, change(pair, means)))).toBe(code);
    expect(means.done.at(-1)).toBe('mend lvs1');
    expect(pair.measuring).toBe(0);
    expect(pair.gone.size).toBe(0);
  });

  it('is mended whatever fails before: measuring, and a first try of mending', async () => {
    const pair = new FakePair(SYNCED);
    const measure = pair.measure.bind(pair);
    pair.measure = async () => ({ ...(await measure()), end: () => Promise.reject(new Error('the watch broke')) });
    let tries = 0;
    const means = crash(pair);
    await expect(drill(pair, ORDER, { ...means, mend: (host) => (++tries < 3 ? Promise.reject(new LvsPlayError({ code: 'x', kind: 'unreachable', message: 'not yet' })) : means.mend(host)) })).rejects.toThrow('the watch broke');
    expect([tries, means.done.at(-1), pair.gone.size]).toEqual([3, 'mend lvs1', 0]);
  });

  it('that leaves something behind says so', async () => {
    const pair = new FakePair(SYNCED);
    const means = crash(pair, { mend: (host) => { pair.gone.delete(host); pair.states.set(host, 'stopped'); return Promise.resolve(); } });
    expect(await codeOf(drill(pair, ORDER, means))).toBe('not-as-before verification');
  });

  it.each<readonly [string, (pair: FakePair) => void]>([
    ['nobody could take over', (pair) => pair.states.set('lvs2', 'FAULT')],
    ['two hold', (pair) => pair.extra.set('lvs2', [VIP])],
    ['the tables differ', (pair) => pair.oddWeights.set('lvs2', 3)],
  ])('is not begun where %s', async (_name, plant) => {
    const pair = new FakePair(SYNCED);
    plant(pair);
    const means = crash(pair);
    expect(await codeOf(drill(pair, ORDER, means))).toMatch(/^drill-\S+ input$/);
    expect(means.done).toEqual([]);
  });
});
