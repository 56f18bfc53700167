import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { maintain } from '../../../src/maintain/maintain.ts';
import { begin, type HostStage, type Maintenance, nextStage, openBatches, stageWords, withStage } from '../../../src/maintain/maintenance.ts';
import { serverTurn } from '../../../src/maintain/servers.ts';
import { FakeCluster } from '../drain/fake.ts';
import { carry, type Carried, ORDER as ORDERED, PLAYBOOK } from './carry.ts';

const ORDER: Maintenance['order'] = { ...ORDERED, batches: [['rs1'], ['rs2'], ['rs3']] };

const carried = (cluster: FakeCluster, begun = begin(ORDER)): Promise<Carried> => carry(cluster, serverTurn, begun);

/** All of a host's turn. */
const turn = (host: string): string[] => [`drain ${host}`, `deploy ${PLAYBOOK}`, `reboot ${host}`, `restore ${host}`];

describe('a maintenance', () => {
  it('drains, works, restarts and gives back, one batch after the other', async () => {
    const cluster = new FakeCluster();
    const { error, last } = await carried(cluster);
    expect(error).toBeUndefined();
    expect(cluster.lines).toEqual(['rs1', 'rs2', 'rs3'].flatMap(turn));
    expect(cluster.notes()).toEqual([]);
    expect(stageWords(last)).toBe('rs1, rs2, rs3: restored');
  });

  it('never has more than a batch out, and never less than its floor of weight', async () => {
    const cluster = new FakeCluster();
    const least: number[] = [];
    cluster.onLook = () => { least.push(['rs1', 'rs2', 'rs3'].filter((host) => (cluster.weight('lvs1', host) ?? 0) > 0).length); };
    await carried(cluster);
    expect(Math.min(...least)).toBe(2);
  });

  it('stops at work that fails, gives back what can serve, and begins no other batch', async () => {
    const cluster = new FakeCluster();
    cluster.onRun = ({ what }) => ('playbook' in what && what.limit.includes('rs2') ? { code: 2, bad: ['rs2'] } : undefined);
    const { error, last } = await carried(cluster);
    expect(error?.message).toContain('the work on rs2 failed: rs2 failed');
    expect(cluster.lines).toEqual([...turn('rs1'), 'drain rs2', `deploy ${PLAYBOOK}`, 'restore rs2']);
    expect(cluster.notes()).toEqual([]);
    expect(stageWords(last)).toBe('rs1: restored; rs2, rs3: waiting');
  });

  it('leaves drained what cannot serve, and names it', async () => {
    const cluster = new FakeCluster();
    cluster.onRun = ({ what }) => {
      if (!('playbook' in what)) return undefined;
      cluster.silent.add('rs1');
      return { code: 2, bad: ['rs1'] };
    };
    const { last } = await carried(cluster);
    expect(cluster.notes()).toEqual(['lvs1 rs1 0', 'lvs2 rs1 0']);
    expect(stageWords(last)).toBe('rs1: still out; rs2, rs3: waiting');
    expect(cluster.said.at(-1)).toContain('when it is well: lvs-play restore rs1');
    expect(cluster.said.at(-1)).toContain('rs1 stays drained: rs1 does not serve web');
  });

  it('gives back each of a batch that can serve', async () => {
    const cluster = new FakeCluster();
    cluster.onRun = ({ what }) => {
      if (!('playbook' in what)) return undefined;
      cluster.silent.add('rs2');
      return { code: 2, bad: ['rs2'] };
    };
    const { last } = await carried(cluster, begin({ ...ORDER, batches: [['rs1', 'rs2'], ['rs3']], removedShare: 1 }));
    expect(cluster.notes()).toEqual(['lvs1 rs2 0', 'lvs2 rs2 0']);
    expect(last.hosts).toEqual({ rs1: 'waiting', rs2: 'left', rs3: 'waiting' });
  });

  it('has taken nothing when the first drain is refused', async () => {
    const cluster = new FakeCluster();
    cluster.sysctls.connReuseMode = 1;
    const { error, last } = await carried(cluster);
    expect([error?.kind, error?.code]).toEqual(['input', 'drain-port-reuse']);
    expect(Object.values(last.hosts)).toEqual(['waiting', 'waiting', 'waiting']);
    expect(cluster.lines).toEqual([]);
  });

  it('gives back on Ctrl-C, whatever was going on', async () => {
    for (const at of turn('rs1')) {
      const cluster = new FakeCluster();
      let pressed = false;
      cluster.onRun = ({ line }) => {
        // The operator's, and only once.
        if (line === at && !pressed) cluster.abort.abort();
        pressed ||= line === at;
        return undefined;
      };
      const { error } = await carried(cluster);
      expect([at, error?.kind]).toEqual([at, 'interrupted']);
      expect([at, cluster.notes()]).toEqual([at, []]);
    }
  });

  it('ends well from every state that a killed one leaves', async () => {
    const whole = new FakeCluster();
    const states: { state: Maintenance; notes: Map<string, Map<string, never>> }[] = [];
    await maintain(whole, serverTurn, begin(ORDER), (state) => {
      states.push({ state, notes: structuredClone(whole.records) as never });
    });
    expect(states.length).toBe(16);
    for (const { state, notes } of states) {
      const cluster = new FakeCluster();
      for (const [director, records] of notes) cluster.records.set(director, new Map(records));
      const { error, last } = await carried(cluster, state);
      expect([stageWords(state), error]).toEqual([stageWords(state), undefined]);
      expect(stageWords(last)).toBe('rs1, rs2, rs3: restored');
      expect(cluster.notes()).toEqual([]);
      // What was over is not done again.
      for (const host of Object.keys(state.hosts).filter((name) => state.hosts[name] === 'restored')) expect(cluster.lines.some((line) => line.includes(host))).toBe(false);
    }
  });
});

describe('where a batch goes on', () => {
  const STAGES: readonly HostStage[] = ['waiting', 'draining', 'drained', 'worked', 'rebooted', 'left'];

  it('leaves nothing out for any of its hosts', () => {
    const needs: Readonly<Record<string, readonly string[]>> = { drain: [], work: ['drained', 'left', 'worked', 'rebooted'], reboot: ['worked', 'rebooted'], restore: ['rebooted'] };
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STAGES), { minLength: 1, maxLength: 4 }), (stages) => {
        const hosts = stages.map((_, index) => `rs${String(index)}`);
        const state = hosts.reduce((now, host, index) => withStage(now, [host], stages[index] ?? 'waiting'), begin({ ...ORDER, batches: [hosts] }));
        const next = nextStage(state, hosts);
        if (next !== 'drain') for (const stage of stages) expect(needs[next]).toContain(stage);
        expect(openBatches(state)).toEqual([hosts]);
        expect(openBatches(withStage(state, hosts, 'restored'))).toEqual([]);
      }),
    );
  });
});
