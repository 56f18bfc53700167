import { describe, expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../src/core/errors.ts';
import { drain, drainedWords, type DrainOrder } from '../../../src/drain/drain.ts';
import { clusterOf, CLUSTER, FakeCluster } from './fake.ts';

const ORDER: DrainOrder = { hosts: ['rs1'], by: 'alice@ops1', reason: 'kernel', until: null, timeout: 60, onTimeout: 'abort', persistence: undefined, allow: [], removedShare: 0.5 };

const refusals = async (work: Promise<unknown>): Promise<string[]> => {
  const error = await work.then(() => undefined, (cause: unknown) => cause);
  if (error instanceof InputErrors) return error.errors.map(({ code }) => code.replace('drain-', ''));
  return error instanceof LvsPlayError ? [error.code] : [];
};

describe('a drain', () => {
  it('notes it on both directors, and ends when nobody is left, two looks in a row', async () => {
    const cluster = new FakeCluster();
    cluster.open.set('rs1', 3);
    cluster.onLook = () => { if (cluster.time >= 5000) cluster.open.set('rs1', 0); };
    const result = await drain(cluster, ORDER);
    expect(cluster.notes()).toEqual(['lvs1 rs1 0', 'lvs2 rs1 0']);
    expect(cluster.records.get('lvs1')?.get('rs1')).toMatchObject({ by: 'alice@ops1', reason: 'kernel', since: '1970-01-01T00:00:00.000Z' });
    expect(result).toMatchObject({ empty: true, seconds: 6 });
    expect(cluster.lines).toEqual(['drain rs1']);
    expect(cluster.said[0]).toContain('rs1: 3 connections; it does not get less; the oldest is 10.0.0.0:40000 on rs1, seen for 0 s');
  });

  it('says by which method, where it is not the usual one', async () => {
    const usual = new FakeCluster();
    await drain(usual, ORDER);
    expect(usual.said.join()).not.toContain('flag');
    const flagged = new FakeCluster();
    flagged.keepalived = '2.1.5';
    await drain(flagged, ORDER);
    expect(flagged.said[0]).toBe('lvs1 and lvs2 drain by a flag file, without a reload: weight 0 is broken in that keepalived');
    expect(flagged.notes()).toEqual(['lvs1 rs1 0', 'lvs2 rs1 0']);
  });

  it.each([
    ['2.0.10', CLUSTER, /2\.0\.10 has weight 0 broken.*no-safe-method/],
    ['2.1.5', `drain: { method: reload }\n${CLUSTER}`, /2\.1\.5 has weight 0 broken/],
    ['2.0.20', `drain: { method: flag }\n${CLUSTER}`, /2\.0\.20 watches no flag file/],
  ])('is not begun without a safe method, whatever is allowed: keepalived %s', async (version, text, why) => {
    const cluster = new FakeCluster(clusterOf(text));
    cluster.keepalived = version;
    const refused = drain(cluster, { ...ORDER, allow: ['no-safe-method'] });
    expect(await refusals(refused)).toEqual(['no-safe-method', 'no-safe-method']);
    await expect(refused).rejects.toMatchObject({ errors: [{ message: expect.stringMatching(why) as string, hint: expect.stringMatching(/^upgrade it to [\d.]+ or later/) as string }, {}] });
    expect(cluster.lines).toEqual([]);
  });

  it('gives the weight back when connections do not end in time', async () => {
    const cluster = new FakeCluster();
    cluster.open.set('rs1', 1);
    expect(await refusals(drain(cluster, ORDER))).toEqual(['drain-timeout']);
    expect(cluster.notes()).toEqual([]);
    expect(cluster.lines).toEqual(['drain rs1', 'restore rs1']);
  });

  it('counts as drained with what is left, if asked to', async () => {
    const cluster = new FakeCluster();
    cluster.open.set('rs1', 1);
    expect(await drain(cluster, { ...ORDER, onTimeout: 'force' })).toMatchObject({ empty: false, left: [{ connections: 1 }] });
    expect(cluster.notes()).toEqual(['lvs1 rs1 0', 'lvs2 rs1 0']);
  });

  it('waits on, if asked to', async () => {
    const cluster = new FakeCluster();
    cluster.open.set('rs1', 1);
    cluster.onLook = () => { if (cluster.time >= 200_000) cluster.open.set('rs1', 0); };
    expect(await drain(cluster, { ...ORDER, onTimeout: 'continue' })).toMatchObject({ empty: true, seconds: 201 });
    expect(cluster.said.filter((text) => text.includes('--on-timeout continue'))).toHaveLength(1);
  });

  it('never forces what still gets new clients', async () => {
    const cluster = new FakeCluster();
    cluster.onLook = () => { cluster.records.get('lvs2')?.delete('rs1'); };
    expect(await refusals(drain(cluster, { ...ORDER, onTimeout: 'force' }))).toEqual(['drain-timeout']);
    expect(cluster.notes()).toEqual([]);
  });

  it('gives back what it took on Ctrl-C, but not what was drained before', async () => {
    for (const before of [false, true]) {
      const cluster = new FakeCluster();
      cluster.open.set('rs1', 1);
      if (before) for (const records of cluster.records.values()) records.set('rs1', { version: 1, host: 'rs1', weight: '0', by: 'alice@ops1', reason: '', since: '', until: null, run: null });
      cluster.onLook = () => { if (cluster.time >= 3000) cluster.abort.abort(); };
      expect(await refusals(drain(cluster, ORDER))).toEqual(['interrupted']);
      expect(cluster.notes()).toEqual(before ? ['lvs1 rs1 0', 'lvs2 rs1 0'] : []);
      expect(cluster.said.includes('rs1 stays drained, as before: lvs-play restore rs1 gives back')).toBe(before);
    }
  });

  it('gives back what was noted on one director when the other failed', async () => {
    const cluster = new FakeCluster();
    cluster.onRun = ({ line }) => {
      if (line !== 'drain rs1') return undefined;
      cluster.records.get('lvs2')?.set('rs1', { version: 1, host: 'rs1', weight: '0', by: '', reason: '', since: '', until: null, run: null });
      return { code: 2, bad: ['lvs1'] };
    };
    expect(await refusals(drain(cluster, ORDER))).toEqual(['run-failed']);
    expect(cluster.notes()).toEqual([]);
  });

  it('goes on when a director dies meanwhile, and says what cannot be given back there', async () => {
    const cluster = new FakeCluster();
    cluster.open.set('rs1', 1);
    cluster.onLook = () => {
      if (cluster.time < 2000) return;
      cluster.gone.add('lvs1');
      cluster.holder = 'lvs2';
    };
    expect(await refusals(drain(cluster, ORDER))).toEqual(['drain-timeout']);
    expect(cluster.notes()).toEqual(['lvs1 rs1 0']);
    expect(cluster.said.at(-1)).toContain('may still be drained on lvs1, which did not take it: lvs-play restore rs1');
  });

  it('gives the weight back also when the look before that fails', async () => {
    const cluster = new FakeCluster();
    cluster.open.set('rs1', 1);
    let looks = 0;
    cluster.onLook = () => {
      looks += 1;
      if (cluster.time >= 3000 && cluster.time < 60_000) throw new Error('the look broke');
    };
    await expect(drain(cluster, ORDER)).rejects.toThrow('the look broke');
    expect(looks).toBeGreaterThan(3);
    expect(cluster.lines).toEqual(['drain rs1', 'restore rs1', 'restore rs1']);
    expect(cluster.notes()).toEqual([]);
  });

  it('gives it back on each director by itself where they cannot take it together', async () => {
    const cluster = new FakeCluster();
    cluster.open.set('rs1', 1);
    cluster.onRun = ({ line, what }) => (line === 'restore rs1' && 'plays' in what && JSON.stringify(what.plays).includes('lvs1') ? { code: 2, bad: ['lvs1'] } : undefined);
    expect(await refusals(drain(cluster, ORDER))).toEqual(['drain-timeout']);
    expect(cluster.notes()).toEqual(['lvs1 rs1 0']);
    expect(cluster.said.at(-1)).toBe('rs1 may still be drained on lvs1, which did not take it: lvs-play restore rs1');
  });

  it('of a server that does not answer ends with what nobody knows', async () => {
    const cluster = new FakeCluster();
    cluster.gone.add('rs1');
    const result = await drain(cluster, ORDER);
    expect(result).toMatchObject({ empty: null, missing: [{ host: 'rs1', kind: 'unreachable' }] });
    expect(drainedWords(result)).toBe('rs1 gets no new clients, after 1 s; the directors that answered count no connection, and whether a client has one there is unknown; rs1 did not answer (connection refused)');
  });

  it.each([
    ['unreachable', 'unreachable', (cluster: FakeCluster) => { for (const host of ['lvs1', 'lvs2']) cluster.gone.add(host); }],
    ['failing', 'host', (cluster: FakeCluster) => { for (const host of ['lvs1', 'lvs2']) cluster.broken.set(host, new LvsPlayError({ code: 'host-unreadable', kind: 'host', host, message: `${host} gave no usable answer: sh: ip: not found` })); }],
  ] as const)('does nothing while every director is %s', async (_name, kind, plant) => {
    const cluster = new FakeCluster();
    plant(cluster);
    await expect(drain(cluster, ORDER)).rejects.toMatchObject({ kind, message: expect.stringMatching(/^whether rs1 can be drained is unknown: lvs1 and lvs2 /) as string });
    expect(cluster.lines).toEqual([]);
  });

  it('is not over while nobody holds the virtual IP and the server cannot be asked', async () => {
    const cluster = new FakeCluster();
    cluster.onLook = () => {
      if (cluster.time === 0 && cluster.lines.length === 0) return;
      cluster.gone.add('rs1');
      cluster.holder = cluster.time < 10_000 ? 'nobody' : 'lvs2';
    };
    expect(await drain(cluster, ORDER)).toMatchObject({ seconds: 11, left: [{ told: 'directors' }] });
  });

  it('waits for templates only when clients are to stay', async () => {
    const persistent = clusterOf(CLUSTER.replace('scheduler: wrr', 'scheduler: wrr\n    persistence: 300'));
    for (const [persistence, seconds] of [[undefined, 1], ['expire', 1], ['wait', 31]] as const) {
      const cluster = new FakeCluster(persistent);
      cluster.sysctls.expireNodestConn = 1;
      cluster.templates.set('rs1', 5);
      cluster.onLook = () => { if (cluster.time >= 30_000) cluster.templates.set('rs1', 0); };
      expect(await drain(cluster, { ...ORDER, persistence })).toMatchObject({ seconds });
    }
  });
});

describe('a drain is refused', () => {
  const refused = (prepare: (cluster: FakeCluster) => void, topology = clusterOf(), order: Partial<DrainOrder> = {}): Promise<string[]> => {
    const cluster = new FakeCluster(topology);
    prepare(cluster);
    return refusals(drain(cluster, { ...ORDER, ...order })).then((codes) => {
      // Nothing was begun.
      if (codes.length > 0) expect(cluster.lines).toEqual([]);
      return codes;
    });
  };
  const record = (by: string) => ({ version: 1 as const, host: 'rs1', weight: '0', by, reason: '', since: '', until: null, run: null });

  interface Case {
    readonly why: string;
    readonly codes: readonly string[];
    readonly prepare?: (cluster: FakeCluster) => void;
    readonly text?: string;
    readonly order?: Partial<DrainOrder>;
  }

  it.each<Case>([
    { why: 'a director that would not know of it', codes: ['director-unreachable'], prepare: (cluster) => { cluster.gone.add('lvs2'); } },
    { why: 'a virtual IP that nobody holds', codes: ['holders'], prepare: (cluster) => { cluster.holder = 'none'; } },
    { why: 'another real server that is down', codes: ['degraded', 'removed-share'], prepare: (cluster) => { cluster.failed.add('rs2'); } },
    { why: 'tables that differ', codes: ['tables-differ'], prepare: (cluster) => { cluster.records.get('lvs2')?.set('rs2', { ...record('alice@ops1'), weight: '3' }); } },
    { why: "somebody else's drain", codes: ['drained-by-other'], prepare: (cluster) => { for (const records of cluster.records.values()) records.set('rs1', record('bob@ops2')); } },
    { why: "the kernel's own conn_reuse_mode", codes: ['port-reuse', 'port-reuse'], prepare: (cluster) => { cluster.sysctls.connReuseMode = 1; } },
    { why: 'persistence, where conn_reuse_mode does nothing', codes: ['port-reuse', 'port-reuse'], text: CLUSTER.replace('scheduler: wrr', 'scheduler: wrr\n    persistence: 60') },
    { why: 'all of a service', codes: ['last-server'], order: { hosts: ['rs1', 'rs2', 'rs3'] } },
    { why: 'more than the share that may be out', codes: ['removed-share'], order: { hosts: ['rs1', 'rs2'] } },
    { why: 'a quorum that would be lost', codes: ['below-quorum'], text: CLUSTER.replace('scheduler: wrr', 'scheduler: wrr\n    quorum: 20') },
    { why: 'a hash without a way out', codes: ['hash-scheduler'], text: CLUSTER.replace('scheduler: wrr', 'scheduler: sh') },
    { why: 'something else that is not deployed', codes: ['undeployed'], prepare: (cluster) => { cluster.pending = ['lvs1 /etc/keepalived/keepalived.conf']; } },
  ])('for $why', async ({ codes, prepare = () => undefined, text = CLUSTER, order = {} }) => {
    expect(await refused(prepare, clusterOf(text), order)).toEqual(codes);
    // And not when it is said to be meant.
    if (!codes.includes('holders')) expect(await refused(prepare, clusterOf(text), { ...order, allow: codes })).toEqual([]);
  });

  it.each([
    ['sh with its fallback', CLUSTER.replace('scheduler: wrr', 'scheduler: sh\n    scheduler_flags: [sh-fallback]'), () => undefined],
    ['conn_reuse_mode 1 in NAT, where the director sees both halves', CLUSTER.replace('mode: dr', 'mode: nat'), (cluster: FakeCluster) => { cluster.sysctls.connReuseMode = 1; }],
    ['expire_nodest_conn in place of it', CLUSTER, (cluster: FakeCluster) => { cluster.sysctls = { ...cluster.sysctls, connReuseMode: 1, expireNodestConn: 1 }; }],
    ['its own earlier drain', CLUSTER, (cluster: FakeCluster) => { for (const records of cluster.records.values()) records.set('rs1', record('alice@ops1')); }],
    ['its own health check having taken it out', CLUSTER, (cluster: FakeCluster) => { cluster.failed.add('rs1'); }],
  ] as const)('not for %s', async (_name, text, prepare) => {
    expect(await refused(prepare, clusterOf(text))).toEqual([]);
  });
});
