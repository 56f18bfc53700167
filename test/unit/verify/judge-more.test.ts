import { describe, expect, it } from 'vitest';
import { judgeDrains, judgeFailovers, judgeReuse, judgeSync, judgeTable } from '../../../src/verify/judge-directors.ts';
import { judgeListeners } from '../../../src/verify/judge-servers.ts';
import { example, procTable, state } from './support.ts';

const record = { version: 1 as const, host: 'rs1', weight: '0', by: 'alice@ops1', reason: 'kernel', since: '2026-11-24T05:00:00Z', until: null, run: null };
const NOW = Date.parse('2026-11-24T06:00:00Z');

describe('a drained real server', () => {
  const drained = procTable().replace('C0A80012:0050      Route   1', 'C0A80012:0050      Route   0');

  it('has the weight of its record, and a wrong one without', () => {
    expect(judgeTable(example(), state('lvs1', { ipvs: drained, drains: { rs1: record } }), []).verdict).toBe('pass');
    expect(judgeTable(example(), state('lvs1', { ipvs: drained }), [])).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('weight') as string });
    expect(judgeTable(example(), state('lvs1', { drains: { rs1: record } }), []).verdict).toBe('fail');
  });

  it('is named, and a fault when it is forgotten', () => {
    expect(judgeDrains(example(), [state('lvs1'), state('lvs2')], NOW)).toEqual([]);
    const both = (change: object) => judgeDrains(example(), [state('lvs1', { drains: { rs1: { ...record, ...change } } }), state('lvs2', { drains: { rs1: { ...record, ...change } } })], NOW)[0];
    expect(both({})).toMatchObject({ subject: 'rs1', verdict: 'pass', measured: 'weight 0 by alice@ops1: kernel, since 2026-11-24T05:00:00Z, on lvs1 and lvs2' });
    expect(both({ until: '2026-11-24T05:59:00Z' })).toMatchObject({ verdict: 'fail', reason: 'forgotten: it was to be over at 2026-11-24T05:59:00Z; lvs-play restore rs1' });
    expect(judgeDrains(example(), [state('lvs1', { drains: { rs1: record } }), state('lvs2')], NOW)[0]).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('lvs2 knows nothing of it') as string });
  });
});

it('a pair that was moved is named, and a fault when it is forgotten', () => {
  const moved = { version: 1 as const, pair: 'edge', to: 'lvs2', by: 'alice@ops1', reason: 'kernel', since: '2026-11-24T05:00:00Z', until: null };
  const both = (change: object) => judgeFailovers(example(), (['lvs1', 'lvs2'] as const).map((host) => state(host, { failovers: { edge: { ...moved, ...change } } })), NOW)[0];
  expect(judgeFailovers(example(), [state('lvs1'), state('lvs2')], NOW)).toEqual([]);
  expect(both({})).toMatchObject({ name: 'failovers', subject: 'edge', verdict: 'pass', measured: 'to lvs2 by alice@ops1: kernel, since 2026-11-24T05:00:00Z, on lvs1 and lvs2' });
  expect(both({ until: '2026-11-24T05:59:00Z' })).toMatchObject({ verdict: 'fail', reason: 'forgotten: it was to be over at 2026-11-24T05:59:00Z; lvs-play failback edge' });
  expect(judgeFailovers(example(), [state('lvs1', { failovers: { edge: moved } }), state('lvs2')], NOW)[0]).toMatchObject({ verdict: 'fail', reason: 'forgotten: lvs2 knows nothing of it; lvs-play failback edge' });
});

describe('connection synchronisation', () => {
  const synchronised = example((text) => text.replace('virtual_router_id', 'connection_sync: true\n    virtual_router_id'));

  it.each([
    ['lvs1', ['master'], 'pass'],
    ['lvs2', ['backup'], 'pass'],
    ['lvs1', ['backup'], 'fail'],
    ['lvs2', [], 'fail'],
    ['lvs1', ['master', 'backup'], 'pass'],
  ] as const)('%s with %s: %s', (host, sync, verdict) => {
    expect(judgeSync(synchronised, state(host, { sync }))?.verdict).toBe(verdict);
  });

  it('is nobody\'s business without it', () => {
    expect(judgeSync(example(), state('lvs1'))).toBeUndefined();
  });
});

describe('port reuse', () => {
  it.each([
    ['mode: dr', 3, 0, 'pass'],
    ['mode: dr', 1, 0, 'fail'],
    ['mode: dr', 1, 1, 'pass'],
    // Persistence: conn_reuse_mode does nothing.
    ['mode: dr\n    persistence: 60', 3, 0, 'fail'],
    ['mode: dr\n    persistence: 60', 1, 1, 'pass'],
    ['mode: nat\n    persistence: 60', 3, 0, 'fail'],
    ['mode: nat', 1, 0, undefined],
  ] as const)('%j with conn_reuse_mode %i and expire_nodest_conn %i: %s', (mode, connReuseMode, expireNodestConn, verdict) => {
    expect(judgeReuse(example((text) => text.replace('mode: dr', mode)), state('lvs1', { connReuseMode, expireNodestConn }))?.verdict).toBe(verdict);
  });
});

describe('who listens on a real server', () => {
  const socket = (address: string, port = 80) => ({ address, port, listening: true, open: 0, peers: [] });

  it.each([
    ['all addresses', [socket('0.0.0.0')], 'pass'],
    ['all of both families', [socket('::')], 'pass'],
    ['the virtual IP', [socket('192.168.0.38')], 'pass'],
    ['its own address only', [socket('192.168.0.18')], 'fail'],
    ['another port', [socket('0.0.0.0', 81)], 'fail'],
    ['nobody', [], 'fail'],
  ] as const)('%s', (_name, sockets, verdict) => {
    expect(judgeListeners(example(), 'rs1', sockets).verdict).toBe(verdict);
  });

  it('says where instead', () => {
    expect(judgeListeners(example(), 'rs1', [socket('192.168.0.18')]).reason).toBe('web: nobody listens on 192.168.0.38:80, only on 192.168.0.18');
  });
});
