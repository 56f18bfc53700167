import { describe, expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../src/core/errors.ts';
import { restore, type RestoreOrder } from '../../../src/drain/restore.ts';
import { CLUSTER, clusterOf, FakeCluster } from './fake.ts';

const ORDER: RestoreOrder = { hosts: ['rs1'], by: 'alice@ops1', ramp: ['1', '25%'], hold: 5, settle: 0, allow: [] };

function drained(by = 'alice@ops1', directors: readonly string[] = ['lvs1', 'lvs2'], topology = clusterOf()): FakeCluster {
  const cluster = new FakeCluster(topology);
  for (const director of directors) cluster.records.get(director)?.set('rs1', { version: 1, host: 'rs1', weight: '0', by, reason: 'kernel', since: '2026-11-24T04:00:00Z', until: null, run: null });
  return cluster;
}

const errorOf = (work: Promise<unknown>): Promise<LvsPlayError> =>
  work.then(
    () => { throw new Error('it did not fail'); },
    (cause: unknown) => {
      if (cause instanceof LvsPlayError) return cause;
      throw cause;
    },
  );

describe('a restore', () => {
  it('goes up step by step, each held on both directors, and forgets the drain at the end', async () => {
    const cluster = drained();
    const weights: (number | undefined)[] = [];
    cluster.onLook = () => { weights.push(cluster.weight('lvs1', 'rs1')); };
    expect(await restore(cluster, ORDER)).toEqual({ restored: ['rs1'], steps: ['1', '25%'], missing: [] });
    expect([...new Set(weights)]).toEqual([0, 1, 2, 8]);
    expect(cluster.notes()).toEqual([]);
    expect(cluster.lines).toEqual(['restore rs1 (1)', 'restore rs1 (25%)', 'restore rs1']);
    expect(cluster.time).toBe(15_000);
  });

  it('leaves out steps that change nothing', async () => {
    const cluster = drained();
    await restore(cluster, { ...ORDER, ramp: ['1', '10%', '100%', '8'] });
    expect(cluster.lines).toEqual(['restore rs1 (1)', 'restore rs1']);
  });

  it('does nothing for what is not drained', async () => {
    const cluster = new FakeCluster();
    expect(await restore(cluster, ORDER)).toEqual({ restored: [], steps: [], missing: [] });
    expect(cluster.lines).toEqual([]);
    expect(cluster.said).toEqual(['rs1 is not drained: there is nothing to give back']);
  });

  it('makes persistent clients what the inventory says, whatever the drain was asked for', async () => {
    const cluster = drained('alice@ops1', ['lvs1', 'lvs2'], clusterOf(CLUSTER.replace('scheduler: wrr', 'scheduler: wrr\n    persistence: 60')));
    const tasks: unknown[] = [];
    cluster.onRun = ({ what }) => {
      if ('plays' in what) tasks.push(...what.plays.flatMap((play) => (play['tasks'] as { sysctl?: unknown }[]).flatMap(({ sysctl }) => sysctl ?? [])));
      return undefined;
    };
    await restore(cluster, { ...ORDER, ramp: [] });
    expect(tasks).toEqual([{ name: 'net.ipv4.vs.expire_quiescent_template', value: 1 }]);
  });

  it('ends a drain that only one director knows of', async () => {
    const cluster = drained('alice@ops1', ['lvs2']);
    await restore(cluster, { ...ORDER, ramp: [] });
    expect(cluster.notes()).toEqual([]);
  });

  it.each<[string, (cluster: FakeCluster) => void, string, string?]>([
    ['a service that nobody serves', (cluster) => { cluster.silent.add('rs1'); }, 'nobody listens on 192.168.0.38, port 80'],
    ['a host that cannot be reached', (cluster) => { cluster.gone.add('rs1'); }, 'whether rs1 serves is unknown: rs1 did not answer (connection refused)', 'unreachable'],
    ['what it lacks of its own', (cluster) => { cluster.needs = ['rs1 sysctl net.ipv4.conf.all.arp_ignore']; }, 'not as it has to be: rs1 sysctl'],
    ['a page that its health check refuses', (cluster) => { cluster.directly = 'answers / with HTTP 500'; }, 'rs1 answers / with HTTP 500'],
  ])('is refused for %s, and the host stays drained', async (_name, prepare, text, kind?: string) => {
    const cluster = drained();
    prepare(cluster);
    const error = await errorOf(restore(cluster, ORDER));
    expect([error.message, error.kind]).toEqual([expect.stringContaining(text), kind ?? 'verification']);
    expect(cluster.notes()).toEqual(['lvs1 rs1 0', 'lvs2 rs1 0']);
    expect(cluster.lines).toEqual([]);
    if (!cluster.gone.has('rs1')) await restore(cluster, { ...ORDER, allow: ['not-ready'] });
  });

  it("asks before it takes back somebody else's drain", async () => {
    const cluster = drained('bob@ops2');
    const error = await errorOf(restore(cluster, ORDER));
    expect(error).toBeInstanceOf(InputErrors);
    expect(error.message).toContain('rs1 was drained by bob@ops2 at 2026-11-24T04:00:00Z: kernel');
    await restore(cluster, { ...ORDER, allow: ['drained-by-other'] });
    expect(cluster.notes()).toEqual([]);
  });

  it('waits for what has just started', async () => {
    const cluster = drained();
    cluster.silent.add('rs1');
    cluster.onLook = () => { if (cluster.time >= 20_000) cluster.silent.clear(); };
    await restore(cluster, { ...ORDER, settle: 60 });
    expect(cluster.notes()).toEqual([]);
  });

  it('drains again what a health check takes out on the way', async () => {
    const cluster = drained();
    cluster.onLook = () => { if (cluster.time >= 7000) cluster.failed.add('rs1'); };
    const error = await errorOf(restore(cluster, ORDER));
    expect([error.code, error.message]).toEqual(['not-healthy', expect.stringContaining('web: rs1 was taken out by its health check on lvs1')]);
    expect(cluster.notes()).toEqual(['lvs1 rs1 0', 'lvs2 rs1 0']);
  });

  it('drains again what does not come into the tables', async () => {
    const cluster = drained();
    cluster.failed.add('rs1');
    expect((await errorOf(restore(cluster, ORDER))).code).toBe('not-healthy');
    expect(cluster.notes()).toEqual(['lvs1 rs1 0', 'lvs2 rs1 0']);
  });

  it('says where it stopped on Ctrl-C', async () => {
    const cluster = drained();
    cluster.onLook = () => { if (cluster.time >= 7000) cluster.abort.abort(); };
    const error = await errorOf(restore(cluster, ORDER));
    expect([error.kind, error.hint]).toEqual(['interrupted', 'lvs-play restore rs1 goes on']);
    expect(cluster.notes()).toEqual(['lvs1 rs1 25%', 'lvs2 rs1 25%']);
  });
});
