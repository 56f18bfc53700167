import { describe, expect, it } from 'vitest';
import type { FailoverHands } from '../../../src/failover/hands.ts';
import { directorTurn, idleFirst, unreadiness } from '../../../src/maintain/directors.ts';
import { maintain } from '../../../src/maintain/maintain.ts';
import { begin, type Maintenance, stageWords } from '../../../src/maintain/maintenance.ts';
import { CLUSTER } from '../drain/fake.ts';
import { FakePair, SYNCED } from '../failover/fake.ts';
import { carry, type Carried, ORDER as ORDERED, PLAYBOOK } from './carry.ts';

const ORDER: Maintenance['order'] = { ...ORDERED, kind: 'directors', batches: [['lvs2'], ['lvs1']] };
const NOPREEMPT = CLUSTER.replace('virtual_router_id', 'preempt: false\n    virtual_router_id');

const carried = (pair: FakePair, begun = begin(ORDER)): Promise<Carried> => carry<FailoverHands>(pair, directorTurn, begun);

const work = (host: string): string[] => [`deploy ${PLAYBOOK}`, `reboot ${host}`];

describe('maintenance of directors', () => {
  it('works on who holds nothing first, moves the pair away from the other, and back', async () => {
    const pair = new FakePair();
    const { error, last } = await carried(pair);
    expect(error).toBeUndefined();
    expect(pair.lines).toEqual([...work('lvs2'), 'failover edge --to lvs2', ...work('lvs1'), 'failback edge']);
    expect(pair.failovers()).toEqual([]);
    expect((await pair.lookAtPairs(['edge'])).each(({ addresses }, host) => [host, ...addresses])).toEqual([['lvs1', '192.168.0.38'], ['lvs2']]);
    expect(stageWords(last)).toBe('lvs2, lvs1: restored');
  });

  it('never restarts who holds a virtual IP', async () => {
    for (const text of [undefined, NOPREEMPT, SYNCED]) {
      const pair = new FakePair(text);
      const restarted: string[] = [];
      pair.onRun = ({ line }) => {
        const [, host = ''] = /^reboot (\S+)$/.exec(line) ?? [];
        if (host !== '') restarted.push(`${host} ${pair.holder}`);
        return undefined;
      };
      expect((await carried(pair)).error).toBeUndefined();
      expect(restarted).toEqual(['lvs2 lvs1', 'lvs1 lvs2']);
    }
  });

  it('leaves a pair without preemption where it is, and no record', async () => {
    const pair = new FakePair(NOPREEMPT);
    expect((await carried(pair)).error).toBeUndefined();
    expect(pair.lines).toEqual([...work('lvs2'), 'failover edge --to lvs2', ...work('lvs1'), 'failback edge (it stays)']);
    expect([pair.failovers(), pair.holder]).toEqual([[], 'lvs2']);
    expect(pair.said).toContain('edge stays with lvs2 (preempt: false)');
  });

  it('says what of the connections a director knows before it gets anything', async () => {
    const pair = new FakePair(SYNCED);
    pair.connected.set('lvs1', new Set(['a', 'b', 'c'])).set('lvs2', new Set(['a', 'b']));
    await carried(pair);
    expect(pair.said).toContain('lvs2 knows 2 of 3 established connections');
  });

  it('is refused, before anything is done', async () => {
    const cases: readonly (readonly [string, (pair: FakePair) => void, string, string?])[] = [
      ['a partner that does not run', (pair) => { pair.states.set('lvs2', 'stopped'); }, 'failover-target-not-ready'],
      ['a partner that cannot be reached', (pair) => { pair.gone.add('lvs2'); }, 'failover-target-unreachable', 'unreachable'],
      ['a pair that somebody moved there', (pair) => { for (const records of pair.noted.values()) records.set('edge', { version: 1, pair: 'edge', to: 'lvs1', by: 'bob@ops2', reason: 'disk', since: '', until: null }); }, 'maintain-failed-over'],
    ];
    for (const [name, amiss, code, kind = 'input'] of cases) {
      const pair = new FakePair();
      amiss(pair);
      const { error, last } = await carried(pair, begin({ ...ORDER, batches: [['lvs1']] }));
      expect([name, error?.code, error?.kind]).toEqual([name, code, kind]);
      expect([name, pair.lines, stageWords(last)]).toEqual([name, [], 'lvs1: waiting']);
    }
  });

  it('one that holds nothing is worked on only while somebody else holds everything', async () => {
    const pair = new FakePair();
    pair.holder = '';
    const { error } = await carried(pair, begin({ ...ORDER, batches: [['lvs2']] }));
    expect(error?.message).toContain('nobody holds 192.168.0.38');
  });

  it('work that fails: a director that is well gets back what it gave away', async () => {
    const pair = new FakePair();
    pair.onRun = ({ what }) => ('playbook' in what && what.limit.includes('lvs1') ? { code: 2, bad: ['lvs1'] } : undefined);
    const { error, last } = await carried(pair);
    expect(error?.message).toContain('the work on lvs1 failed');
    expect([pair.failovers(), pair.holder]).toEqual([[], 'lvs1']);
    expect(stageWords(last)).toBe('lvs2: restored; lvs1: waiting');
  });

  it('work that fails: one that is not well stays without virtual IPs, and is named', async () => {
    const pair = new FakePair();
    pair.onRun = ({ what }) => {
      if (!('playbook' in what) || !what.limit.includes('lvs1')) return undefined;
      pair.states.set('lvs1', 'stopped');
      return { code: 2, bad: ['lvs1'] };
    };
    const { last } = await carried(pair);
    expect(pair.failovers()).toEqual(['lvs1 edge lvs2', 'lvs2 edge lvs2']);
    expect(pair.holder).toBe('lvs2');
    expect(stageWords(last)).toBe('lvs2: restored; lvs1: still out');
    expect(pair.said.at(-1)).toContain('keepalived on lvs1 is inactive (dead)');
    expect(pair.said.at(-1)).toContain('lvs-play failback');
  });

  it('ends well from every state that a killed one leaves', async () => {
    for (const text of [undefined, NOPREEMPT]) {
      const whole = new FakePair(text);
      const states: { state: Maintenance; records: Map<string, Map<string, never>>; holder: string }[] = [];
      await maintain<FailoverHands>(whole, directorTurn, begin(ORDER), (state) => { states.push({ state, records: structuredClone(whole.noted) as never, holder: whole.holder }); });
      expect(states.length).toBe(11);
      for (const { state, records, holder } of states) {
        const pair = new FakePair(text);
        pair.holder = holder;
        for (const [host, known] of records) pair.noted.set(host, new Map(known));
        const { error, last } = await carried(pair, state);
        expect([stageWords(state), error]).toEqual([stageWords(state), undefined]);
        expect(stageWords(last)).toBe('lvs2, lvs1: restored');
        expect([stageWords(state), pair.failovers()]).toEqual([stageWords(state), []]);
      }
    }
  });
});

describe('the order', () => {
  it('puts last who holds something now, whatever its priority', async () => {
    const pair = new FakePair(NOPREEMPT);
    expect(idleFirst(pair.topology, ['lvs2', 'lvs1'], await pair.lookAtPairs(['edge']))).toEqual(['lvs2', 'lvs1']);
    pair.holder = 'lvs2';
    expect(idleFirst(pair.topology, ['lvs2', 'lvs1'], await pair.lookAtPairs(['edge']))).toEqual(['lvs1', 'lvs2']);
  });

  it('a holder is as ready as a BACKUP is', async () => {
    const pair = new FakePair(SYNCED);
    const look = await pair.lookAtPairs(['edge']);
    for (const host of ['lvs1', 'lvs2']) expect([host, unreadiness(pair.topology, host, look, 'alice@ops1')]).toEqual([host, []]);
    pair.states.set('lvs2', 'stopped');
    expect(unreadiness(pair.topology, 'lvs2', await pair.lookAtPairs(['edge']), 'x')).toEqual(['keepalived on lvs2 is inactive (dead)']);
  });
});
