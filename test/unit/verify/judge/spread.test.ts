import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VirtualService } from '../../../../src/lvs/model/topology.ts';
import { judgeSpread, type Sent } from '../../../../src/verify/judge/spread.ts';
import { counters, example, KEY, procTable, state } from '../support.ts';

const SERVERS = ['C0A80012', 'C0A8001C'];

function web(change: Partial<VirtualService> = {}): VirtualService {
  const service = example().services.get('web');
  if (service === undefined) throw new Error('no service web');
  return { ...service, ...change };
}

/** What was counted beside the counts: by default all that we sent, from one place. */
type Said = Partial<Sent> & { readonly weights?: readonly [number, number]; readonly active?: number };

function spread(service: VirtualService, rs1: number, rs2: number, said: Said = {}) {
  const table = procTable(SERVERS, service.scheduler, said.weights ?? [1, 1]).replaceAll('      0          3', `      ${String(said.active ?? 0)}          3`);
  const sent = said.connections ?? rs1 + rs2;
  const at = (a: number, b: number) => state('lvs1', { ipvs: table, connections: counters(a, b) });
  return judgeSpread(service, at(100, 7), at(100 + rs1, 7 + rs2), { tries: said.tries ?? sent, connections: sent, clients: said.clients ?? 1 });
}

const PERSISTENCE = { timeout: 300, prefix: 32, engine: undefined };

describe('spread', () => {
  it('takes rr to within one', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), (a, b) => {
        fc.pre(a + b > 0);
        expect(spread(web(), a, b).verdict).toBe(Math.abs(a - b) <= 1 ? 'pass' : 'fail');
      }),
    );
  });

  it.each<[string, Partial<VirtualService>, number, number, Said, string, RegExp]>([
    ['rr with others, whose last ones are counted for one server only', {}, 14, 11, { connections: 20 }, 'pass', /^rs1 14, rs2 11 \(5 of these by other clients\)$/],
    ['rr where not even ours are even', {}, 18, 7, { connections: 20 }, 'fail', /others|other clients/],
    ['weight 0 under rr', {}, 20, 0, { weights: [1, 0] }, 'pass', /rs1 20, rs2 0/],
    ['weight 0 that gets connections', {}, 17, 3, { weights: [1, 0] }, 'fail', /rs1 17, rs2 3/],
    ['weight 0 that got the last ones of others', {}, 20, 3, { weights: [1, 0], connections: 20 }, 'pass', /rs2 3/],
    ['wrr by weight', { scheduler: 'wrr' }, 30, 10, { weights: [3, 1] }, 'pass', /rs1 30, rs2 10/],
    ['wrr off by two', { scheduler: 'wrr' }, 28, 12, { weights: [3, 1] }, 'fail', /rs1 28/],
    ['wrr with few requests', { scheduler: 'wrr' }, 20, 0, { weights: [30, 1] }, 'pass', /rs1 20/],
    ['wrr with weights beyond laying out', { scheduler: 'wrr' }, 20, 0, { weights: [2_000_000_011, 1] }, 'skip', /rs1 20/],
    ['fo: all to the highest', { scheduler: 'fo' }, 20, 0, { weights: [5, 1] }, 'pass', /rs1 20/],
    ['fo: the lower one got some', { scheduler: 'fo' }, 1, 19, { weights: [1, 5] }, 'fail', /rs1 1/],
    ['fo with equal weights: the first', { scheduler: 'fo' }, 20, 0, {}, 'pass', /rs1 20/],
    ['fo with equal weights: the second', { scheduler: 'fo' }, 0, 20, {}, 'fail', /rs2 20/],
    ['ovf: all to the highest', { scheduler: 'ovf' }, 20, 0, { weights: [50, 1] }, 'pass', /rs1 20/],
    ['ovf: the highest was not full', { scheduler: 'ovf' }, 18, 2, { weights: [50, 10] }, 'fail', /rs2 2/],
    ['ovf: the highest may have been full', { scheduler: 'ovf' }, 18, 2, { weights: [50, 10], active: 40 }, 'skip', /rs2 2/],
    ['sh: one server for one client', { scheduler: 'sh' }, 0, 20, {}, 'pass', /rs2 20/],
    ['sh: two for one', { scheduler: 'sh' }, 10, 10, {}, 'fail', /rs1 10/],
    ['sh: two for two', { scheduler: 'sh' }, 10, 10, { clients: 2 }, 'pass', /rs1 10/],
    ['sh with others', { scheduler: 'sh' }, 20, 4, { connections: 20 }, 'skip', /other clients/],
    ['mh: two for one', { scheduler: 'mh' }, 19, 1, {}, 'fail', /rs2 1/],
    ['sh by ports', { scheduler: 'sh', schedulerFlags: ['sh-port'] }, 9, 11, {}, 'pass', /rs1 9/],
    ['sh by ports, all on one', { scheduler: 'sh', schedulerFlags: ['sh-port'] }, 20, 0, {}, 'fail', /rs1 20/],
    ['mh by ports, too few to tell', { scheduler: 'mh', schedulerFlags: ['mh-port'] }, 5, 0, {}, 'skip', /rs1 5/],
    ['mh by ports, one server', { scheduler: 'mh', schedulerFlags: ['mh-port'] }, 20, 0, { weights: [1, 0] }, 'pass', /rs1 20/],
    ['sh by ports with others', { scheduler: 'sh', schedulerFlags: ['sh-port'] }, 15, 15, { connections: 20 }, 'skip', /other clients/],
    ['dh: one server for one address, whoever asks', { scheduler: 'dh' }, 30, 0, { connections: 20 }, 'pass', /other clients/],
    ['dh: two', { scheduler: 'dh' }, 29, 1, { connections: 20 }, 'fail', /rs2 1/],
    ['wlc', { scheduler: 'wlc' }, 13, 7, {}, 'skip', /rs1 13/],
    ['wlc to weight 0', { scheduler: 'wlc' }, 13, 7, { weights: [1, 0] }, 'fail', /rs2 7/],
    ['sed', { scheduler: 'sed' }, 13, 7, {}, 'skip', /rs1 13/],
    ['persistence', { persistence: PERSISTENCE }, 20, 0, {}, 'pass', /rs1 20/],
    ['persistence that does not last', { persistence: PERSISTENCE }, 19, 1, {}, 'fail', /rs2 1/],
    ['persistence, to a server of weight 0 as before', { persistence: PERSISTENCE }, 0, 20, { weights: [1, 0] }, 'pass', /rs2 20/],
    ['nothing passed on', {}, 0, 0, { tries: 20 }, 'fail', /rs1 0, rs2 0/],
    ['somebody else answered some', {}, 5, 5, { connections: 20 }, 'fail', /rs1 5/],
  ])('%s', (_what, change, rs1, rs2, said, verdict, measured) => {
    const check = spread(web(change), rs1, rs2, said);
    expect([check.verdict, check.reason]).toEqual([verdict, verdict === 'pass' ? undefined : expect.stringMatching(/./)]);
    expect(check.measured).toMatch(measured);
  });

  it('tries that came to nothing are no other clients', () => {
    expect(spread(web(), 10, 10, { tries: 20, connections: 18 }).measured).toBe('rs1 10, rs2 10');
  });

  it('goes by the kernel: an inhibited server has weight 0 there', () => {
    const check = spread(web({ inhibitOnFailure: true }), 0, 20, { weights: [0, 1] });
    expect(check).toMatchObject({ verdict: 'pass', measured: 'rs1 0, rs2 20' });
  });

  it('goes by the order of the kernel', () => {
    const at = (a: number, b: number) => state('lvs1', { ipvs: procTable(['C0A8001C', 'C0A80012'], 'fo'), connections: counters(a, b) });
    expect(judgeSpread(web({ scheduler: 'fo' }), at(0, 0), at(0, 20), { tries: 20, connections: 20, clients: 1 })).toMatchObject({ verdict: 'pass', measured: 'rs1 0, rs2 20' });
  });

  it('judges the servers that a health check has left', () => {
    const one = (count: number) => state('lvs1', { ipvs: procTable(['C0A80012']), connections: new Map([[KEY, new Map([['192.168.0.18:80', count]])]]) });
    expect(judgeSpread(web(), one(5), one(25), { tries: 20, connections: 20, clients: 1 })).toMatchObject({ verdict: 'pass', measured: 'rs1 20' });
  });

  it('thresholds let any server be passed over', () => {
    const realServers = web().realServers.map((server) => ({ ...server, upperThreshold: 10 }));
    expect(spread(web({ realServers }), 15, 5)).toMatchObject({ verdict: 'skip' });
  });

  const before = state('lvs1', { connections: counters(100, 7) });
  it.each([
    ['no holder', undefined, undefined, /no director holds/],
    ['the VIP moved', before, undefined, /left lvs1/],
    ['another holder', before, state('lvs2'), /left lvs1/],
    ['no counters', state('lvs1', { connections: new Map() }), state('lvs1', { connections: new Map() }), /no counters/],
    ['a server went', before, state('lvs1', { connections: new Map([[KEY, new Map([['192.168.0.18:80', 120]])]]) }), /meanwhile/],
    ['a server went and came again', before, state('lvs1', { connections: counters(110, 3) }), /added it again/],
    ['weights changed', before, state('lvs1', { ipvs: procTable(SERVERS, 'rr', [1, 4]), connections: counters(110, 17) }), /weights were changed/],
  ])('is not judged: %s', (_what, start, end, reason) => {
    const check = judgeSpread(web(), start, end, { tries: 20, connections: 20, clients: 1 });
    expect(check.verdict).toBe('skip');
    expect(check.reason).toMatch(reason);
  });
});
