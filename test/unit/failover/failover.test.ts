import { describe, expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../src/core/errors.ts';
import { failBack, failOver, type FailoverOrder } from '../../../src/failover/failover.ts';
import { notePlays } from '../../../src/failover/plays.ts';
import { reportLines } from '../../../src/failover/report.ts';
import { CLUSTER } from '../drain/fake.ts';
import { FakePair, SYNCED, VIP } from './fake.ts';

const ORDER: FailoverOrder = { pair: 'edge', to: undefined, by: 'alice@ops1', reason: 'kernel', until: null, allow: [], syncWait: 10 };
const NO_PREEMPT = CLUSTER.replace('virtual_router_id', 'preempt: false\n    virtual_router_id');

/** Rules that it is refused for. */
async function refusedFor(work: Promise<unknown>): Promise<string[]> {
  const error = await work.then(() => undefined, (cause: unknown) => cause);
  expect(error).toBeInstanceOf(InputErrors);
  return (error as InputErrors).errors.map(({ code }) => code.replace(/^fail(?:over|back)-/, ''));
}

const codeOf = async (work: Promise<unknown>): Promise<string | undefined> => work.then(() => undefined, (error: unknown) => (error instanceof LvsPlayError ? `${error.code} ${error.kind}` : String(error)));

describe('a failover', () => {
  it('moves a pair, and leaves a record on every member', async () => {
    const pair = new FakePair();
    const report = await failOver(pair, ORDER);
    expect(pair.holder).toBe('lvs2');
    expect(pair.failovers()).toEqual(['lvs1 edge lvs2', 'lvs2 edge lvs2']);
    expect(pair.lines).toEqual(['failover edge --to lvs2']);
    expect(report).toMatchObject({ from: 'lvs1', to: 'lvs2', moved: true, before: [{ vip: VIP, holders: ['lvs1'] }], after: [{ vip: VIP, holders: ['lvs2'] }], sync: null, bound: { milliseconds: 3609, advertInt: 1, priority: 100 }, measured: { arps: [{ vip: VIP, from: { lvs2: 5 } }] } });
    expect(pair.measuring).toBe(0);
    expect(pair.said).toContain('edge: connections are not synchronised: those that are open will be cut (connection_sync of the pair keeps them)');
  });

  it('tells who takes over first and who lets go last, and restarts nothing where a priority is enough', async () => {
    const pair = new FakePair();
    const plays: string[] = [];
    pair.onRun = ({ what }) => {
      if ('plays' in what) plays.push(...what.plays.map((play) => `${play['hosts'] as string}: ${(play['tasks'] as object[]).flatMap((task) => Object.keys(task).filter((key) => key !== 'name')).join(', ')}`));
      return undefined;
    };
    await failOver(pair, ORDER);
    expect(plays).toEqual(['lvs2: lvs_failover, keepalived', 'lvs1: lvs_failover, keepalived']);
  });

  it('restarts keepalived on the holder where a priority moves nothing', async () => {
    const pair = new FakePair(NO_PREEMPT);
    const report = await failOver(pair, ORDER);
    expect(report).toMatchObject({ from: 'lvs1', to: 'lvs2', moved: true });
    expect(await failBack(pair, ORDER)).toMatchObject({ from: 'lvs2', to: 'lvs1', moved: true });
    expect(pair.failovers()).toEqual([]);
  });

  it('is nothing to do for who holds it already', async () => {
    const pair = new FakePair();
    const report = await failOver(pair, { ...ORDER, to: 'lvs1' });
    expect(report).toMatchObject({ moved: false, measured: null });
    expect(reportLines(report)).toEqual(['edge: lvs1 holds it already: nothing to do']);
    expect(pair.lines).toEqual([]);
  });

  it.each<readonly [string, (pair: FakePair) => void, string[]]>([
    ['target-unreachable', (pair) => pair.gone.add('lvs2'), ['target-unreachable']],
    ['a target that does not run', (pair) => pair.states.set('lvs2', 'stopped'), ['target-not-ready']],
    ['a target in FAULT', (pair) => pair.states.set('lvs2', 'FAULT'), ['target-not-ready']],
    ['a target without sync daemon', (pair) => pair.noSync.add('lvs2'), ['target-no-sync']],
    ['another table', (pair) => pair.oddWeights.set('lvs2', 3), ['tables-differ']],
    ['two holders', (pair) => pair.extra.set('lvs2', [VIP]), ['holders']],
    ['nobody', (pair) => (pair.holder = ''), ['holders', 'undeployed'].slice(0, 1)],
    ['pending changes', (pair) => pair.pending.push('lvs1 /etc/keepalived/keepalived.conf'), ['undeployed']],
    ["somebody else's failover", (pair) => pair.noted.get('lvs1')?.set('edge', { version: 1, pair: 'edge', to: 'lvs2', by: 'bob', reason: 'mine', since: '2026-11-24T05:00:00Z', until: null }), ['failed-over-by-other']],
  ])('is refused for %s, and done when that is meant', async (_name, plant, rules) => {
    const pair = new FakePair(SYNCED);
    plant(pair);
    expect(await refusedFor(failOver(pair, { ...ORDER, to: 'lvs2' }))).toEqual(rules);
    expect(pair.lines).toEqual([]);
    expect(pair.measuring).toBe(0);
    await failOver(pair, { ...ORDER, to: 'lvs2', allow: rules }).catch(() => undefined);
    expect(pair.lines[0]).toBe('failover edge --to lvs2');
  });

  it('is refused where a restart would take another pair away as well', async () => {
    const two = NO_PREEMPT.replace('virtual_services:', '  other:\n    members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }\n    interface: eth0\n    virtual_router_id: 52\n    vips: [192.168.0.39]\nvirtual_services:');
    const pair = new FakePair(two);
    pair.extra.set('lvs1', ['192.168.0.39']);
    expect(await refusedFor(failOver(pair, ORDER))).toEqual(['other-pairs']);
  });

  it('that nobody follows is taken back, and fails', async () => {
    const pair = new FakePair();
    pair.stuck = true;
    expect(await codeOf(failOver(pair, ORDER))).toBe('not-moved verification');
    expect(pair.lines).toEqual(['failover edge --to lvs2', 'failback edge']);
    expect(pair.failovers()).toEqual([]);
    expect(pair.measuring).toBe(0);
  });

  it('that is interrupted is taken back', async () => {
    const pair = new FakePair();
    pair.stuck = true;
    pair.onLook = () => { if (pair.lines.length === 1) pair.abort.abort(); };
    expect(await codeOf(failOver(pair, ORDER))).toBe('interrupted interrupted');
    expect(pair.failovers()).toEqual([]);
    expect(pair.holder).toBe('lvs1');
  });

  it('whose run fails is taken back to the record that was there before', async () => {
    const pair = new FakePair();
    const mine = { version: 1 as const, pair: 'edge', to: 'lvs1', by: 'alice@ops1', reason: 'before', since: '2026-11-24T05:00:00Z', until: null };
    for (const records of pair.noted.values()) records.set('edge', mine);
    pair.onRun = ({ line }) => (line.startsWith('failover') ? { code: 2, bad: ['lvs1'] } : undefined);
    expect(await codeOf(failOver(pair, ORDER))).toBe('run-failed host');
    expect(pair.noted.get('lvs1')?.get('edge')).toEqual(mine);
  });

  it('is taken back also when the look before that fails, and on each member by itself', async () => {
    const pair = new FakePair();
    pair.stuck = true;
    pair.onLook = () => { if (pair.lines.length > 0 && pair.time > 2000) throw new Error('the look broke'); };
    await expect(failOver(pair, ORDER)).rejects.toThrow('the look broke');
    expect(pair.lines).toEqual(['failover edge --to lvs2', 'failback edge', 'failback edge']);
    expect(pair.failovers()).toEqual([]);
    expect(pair.measuring).toBe(0);
  });

  it.each<readonly [string, (pair: FakePair) => Promise<unknown>, string]>([
    ['failover', (pair) => failOver(pair, ORDER), 'who holds edge is unknown: lvs1 and lvs2 did not answer (connection refused)'],
    ['failback', (pair) => failBack(pair, ORDER), 'who holds edge is unknown: lvs1 and lvs2 did not answer (connection refused)'],
  ])('a %s without any member says that it does not know', async (_name, work, message) => {
    const pair = new FakePair();
    for (const host of ['lvs1', 'lvs2']) pair.gone.add(host);
    await expect(work(pair)).rejects.toMatchObject({ kind: 'unreachable', message });
    expect(pair.lines).toEqual([]);
  });

  it('whether a pair is failed over takes the answer of all that could know', async () => {
    const pair = new FakePair();
    pair.gone.add('lvs2');
    await expect(failBack(pair, ORDER)).rejects.toMatchObject({ kind: 'unreachable', message: 'whether edge is failed over is unknown: lvs2 did not answer (connection refused)' });
    await expect(failOver(pair, { ...ORDER, to: 'lvs1' })).rejects.toMatchObject({ kind: 'unreachable' });
  });

  it.each([
    [['a', 'b'], ['a', 'b'], { established: 2, known: 2 }, 'lvs2 knows 2 of 2 established connections'],
    [['a', 'b'], ['a'], { established: 2, known: 1 }, 'lvs2 knows 1 of 2 established connections; the others are cut if anybody still uses them'],
  ])('waits for connection sync as long as it may: %j, %j', async (own, other, sync, said) => {
    const pair = new FakePair(SYNCED);
    pair.connected.set('lvs1', new Set(own)).set('lvs2', new Set(other));
    expect((await failOver(pair, ORDER)).sync).toMatchObject(sync);
    expect(pair.said).toContain(said);
  });

  it('of one of a sync group is a failover of all of it, said aloud', async () => {
    const grouped = `${CLUSTER.replace('virtual_services:', '  inside:\n    members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }\n    interface: eth0\n    virtual_router_id: 52\n    vips: [192.168.0.39]\nvirtual_services:')}sync_groups: { both: { pairs: [edge, inside] } }\n`;
    const pair = new FakePair(grouped);
    pair.onLook = () => { pair.extra.set('lvs1', pair.holder === 'lvs1' ? ['192.168.0.39'] : []).set('lvs2', pair.holder === 'lvs2' ? ['192.168.0.39'] : []); };
    const report = await failOver(pair, { ...ORDER, pair: 'inside' });
    expect(report.pairs).toEqual(['edge', 'inside']);
    expect(pair.said[0]).toBe('edge and inside are in one vrrp_sync_group: they move together');
    expect(pair.failovers()).toEqual(['lvs1 edge lvs2', 'lvs1 inside lvs2', 'lvs2 edge lvs2', 'lvs2 inside lvs2']);
  });

  it.each([
    ['gone', undefined, 'no-pair usage'],
    ['edge', 'rs1', 'no-member usage'],
  ])('of %s to %s is a mistake', async (name, to, code) => {
    expect(await codeOf(failOver(new FakePair(), { ...ORDER, pair: name, to }))).toBe(code);
  });
});

describe('a failback', () => {
  it('removes the records, and the pair goes by the inventory again', async () => {
    const pair = new FakePair();
    await failOver(pair, ORDER);
    expect(await failBack(pair, ORDER)).toMatchObject({ what: 'failback', from: 'lvs2', to: 'lvs1', moved: true });
    expect(pair.failovers()).toEqual([]);
    expect(pair.holder).toBe('lvs1');
    const again = await failBack(pair, ORDER);
    expect(again).toMatchObject({ moved: false, measured: null });
    expect(pair.lines).toHaveLength(2);
  });

  it('of a pair that is where it belongs only forgets the record', async () => {
    const pair = new FakePair(SYNCED.replace('virtual_router_id', 'preempt: false\n    virtual_router_id'));
    for (const records of pair.noted.values()) records.set('edge', { version: 1, pair: 'edge', to: 'lvs2', by: 'alice@ops1', reason: '', since: '', until: null });
    const report = await failBack(pair, ORDER);
    expect(report).toMatchObject({ from: 'lvs1', to: 'lvs1', moved: false });
    expect(reportLines(report)).toEqual(['edge: lvs1 holds it as before, by the inventory again']);
    expect(pair.failovers()).toEqual([]);
  });

  it('without a record is nothing to do, whoever holds it', async () => {
    const pair = new FakePair();
    pair.holder = 'lvs2';
    expect(await failBack(pair, ORDER)).toMatchObject({ moved: false, to: 'lvs2' });
    expect(pair.said.at(-1)).toBe('edge is not failed over: there is nothing to give back; lvs2 holds it, and lvs1 takes it by itself when it can');
  });

  it("of somebody else's failover is refused", async () => {
    const pair = new FakePair();
    await failOver(pair, { ...ORDER, by: 'bob@ops1' });
    expect(await refusedFor(failBack(pair, ORDER))).toEqual(['failed-over-by-other']);
  });
});

it('what an operator wrote is never taken for a template', () => {
  const [play] = notePlays(new FakePair().topology, { pairs: ['edge'], note: { to: 'lvs2', by: 'a', reason: '{{ secret }}', since: '', until: null }, order: ['lvs2'], restarts: undefined });
  expect(JSON.stringify(play)).toContain('{% raw %}{{ secret }}{% endraw %}');
});
