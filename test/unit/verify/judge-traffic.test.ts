import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VirtualService } from '../../../src/lvs/model/topology.ts';
import { chiSquareLimit, clientRequest, judgeLarge, judgeRequests, judgeSpread, untried } from '../../../src/verify/judge-traffic.ts';
import type { ClientRequest, RequestSample } from '../../../src/verify/types.ts';
import { counters, example, KEY, state } from './support.ts';

function web(change: Partial<VirtualService> = {}): VirtualService {
  const service = example().services.get('web');
  if (service === undefined) throw new Error('no service web');
  return { ...service, ...change };
}

const HTTP: ClientRequest = { kind: 'http', scheme: 'http', address: '192.168.0.38', port: 80, path: '/' };
const CONNECT: ClientRequest = { kind: 'connect', address: '192.168.0.38', port: 3306 };
const GOOD: RequestSample = { status: 200, bytes: 4000, connected: true, fault: undefined };

const HTTP_CHECK: VirtualService['healthChecks'] = [
  { type: 'http', connectTimeout: 3, retry: 3, delayBeforeRetry: 1, delayLoop: undefined, warmup: undefined, port: undefined, address: undefined, urls: [{ path: '/health', status: ['200'], digest: undefined, regex: undefined, regexAbsent: false }], virtualHost: undefined, httpVersion: undefined },
];

describe('how a service is tried', () => {
  it.each<[string, Partial<VirtualService>, ReturnType<typeof clientRequest>]>([
    ['port 80', {}, HTTP],
    ['port 443', { port: 443 }, { ...HTTP, scheme: 'https', port: 443 }],
    ['any port with an HTTP health check', { port: 9000, healthChecks: HTTP_CHECK }, { ...HTTP, port: 9000 }],
    ['a database', { port: 3306 }, CONNECT],
    ['UDP', { protocol: 'udp', port: 53 }, undefined],
    ['all ports', { port: 0 }, undefined],
  ])('%s', (_what, change, request) => {
    expect(clientRequest(web(change), undefined)).toEqual(request);
  });

  it('asks for the page that was named', () => {
    expect(clientRequest(web(), '/large.bin')).toMatchObject({ path: '/large.bin' });
  });

  it('is said when it is not', () => {
    expect(untried(web(), 'udp')).toMatchObject({ name: 'requests', verdict: 'skip', reason: 'udp' });
  });
});

describe('requests', () => {
  it.each<[string, ClientRequest, readonly RequestSample[], string, RegExp]>([
    ['all answered', HTTP, [GOOD, { ...GOOD, status: 404 }], 'pass', /^2 of 2 answered \(HTTP 200, 404\)$/],
    ["a server's own error", HTTP, [GOOD, { ...GOOD, status: 503 }], 'fail', /^1 of 2/],
    ['refused', HTTP, [{ status: 0, bytes: 0, connected: false, fault: { kind: 'refused', text: 'connection refused' } }], 'fail', /^0 of 1 answered$/],
    ['connected, but no HTTP came', HTTP, [{ status: 0, bytes: 0, connected: true, fault: undefined }], 'fail', /^0 of 1/],
    ['only connected', CONNECT, [{ status: 0, bytes: 0, connected: true, fault: undefined }], 'pass', /^1 of 1 connected/],
    ['nothing sent', HTTP, [], 'fail', /^0 of 0/],
  ])('%s', (_what, request, samples, verdict, measured) => {
    const check = judgeRequests(web(), request, samples);
    expect(check.verdict).toBe(verdict);
    expect(check.measured).toMatch(measured);
    if (verdict === 'fail') expect(check.reason).toMatch(/./);
  });
});

describe('large replies', () => {
  it.each<[string, ClientRequest, readonly RequestSample[], string, RegExp]>([
    ['whole', HTTP, [GOOD, { ...GOOD, bytes: 9000 }], 'pass', /^2 replies of up to 9000 bytes/],
    ['too small to tell', HTTP, [{ ...GOOD, bytes: 1499 }], 'skip', /^1499 bytes$/],
    ['stalled', HTTP, [GOOD, { ...GOOD, bytes: 1448, fault: { kind: 'broken', text: 'the reply stalled' } }], 'fail', /1448 bytes the reply stalled/],
    ['unknown protocol', CONNECT, [GOOD], 'skip', /not measured/],
    ['nothing answered', HTTP, [{ status: 0, bytes: 0, connected: false, fault: { kind: 'timeout', text: 'no answer in time' } }], 'skip', /^0 bytes$/],
  ])('%s', (_what, request, samples, verdict, measured) => {
    const check = judgeLarge(web(), request, samples);
    expect(check.verdict).toBe(verdict);
    expect(check.measured).toMatch(measured);
  });
});

describe('spread', () => {
  const before = state('lvs1', { connections: counters(100, 7) });
  const spread = (service: VirtualService, rs1: number, rs2: number) => judgeSpread(service, before, state('lvs1', { connections: counters(100 + rs1, 7 + rs2) }));
  const weights = (a: number, b: number) => web().realServers.map((server, index) => ({ ...server, weight: index === 0 ? a : b }));

  it('takes rr to within one', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), (a, b) => {
        fc.pre(a + b > 0);
        expect(spread(web(), a, b).verdict).toBe(Math.abs(a - b) <= 1 ? 'pass' : 'fail');
      }),
    );
  });

  it.each<[string, Partial<VirtualService>, number, number, string, RegExp]>([
    ['wrr by weight', { scheduler: 'wrr', realServers: weights(3, 1) }, 30, 10, 'pass', /rs1 30, rs2 10/],
    ['wrr against weight', { scheduler: 'wrr', realServers: weights(3, 1) }, 10, 30, 'fail', /chi-square/],
    ['wrr with too few requests', { scheduler: 'wrr', realServers: weights(30, 1) }, 20, 0, 'skip', /rs1 20/],
    ['weight 0 under rr', { realServers: weights(1, 0) }, 20, 0, 'pass', /rs1 20, rs2 0/],
    ['sh', { scheduler: 'sh' }, 20, 0, 'skip', /rs1 20/],
    ['wlc', { scheduler: 'wlc' }, 13, 7, 'skip', /rs1 13/],
    ['persistence', { persistence: { timeout: 300, prefix: 32, engine: undefined } }, 20, 0, 'skip', /rs1 20/],
    ['failover to the highest', { scheduler: 'fo', realServers: weights(5, 1) }, 20, 0, 'pass', /rs1 20/],
    ['failover to the lower', { scheduler: 'fo', realServers: weights(1, 5) }, 1, 19, 'fail', /rs1 1/],
    ['nothing passed on', {}, 0, 0, 'fail', /rs1 0, rs2 0/],
  ])('%s', (_what, change, rs1, rs2, verdict, measured) => {
    const check = spread(web(change), rs1, rs2);
    expect(check.verdict).toBe(verdict);
    expect(check.measured).toMatch(measured);
    if (verdict !== 'pass') expect(check.reason).toMatch(/./);
  });

  it('judges the servers that a health check has left', () => {
    const one = (count: number) => state('lvs1', { connections: new Map([[KEY, new Map([['192.168.0.18:80', count]])]]) });
    expect(judgeSpread(web(), one(5), one(25))).toMatchObject({ verdict: 'pass', measured: 'rs1 20' });
  });

  it.each([
    ['no holder', undefined, undefined, /no director holds/],
    ['the VIP moved', before, undefined, /left lvs1/],
    ['another holder', before, state('lvs2'), /left lvs1/],
    ['no counters', state('lvs1', { connections: new Map() }), state('lvs1', { connections: new Map() }), /no counters/],
    ['a server came or went', before, state('lvs1', { connections: new Map([[KEY, new Map([['192.168.0.18:80', 120]])]]) }), /meanwhile/],
  ])('is not judged: %s', (_what, start, end, reason) => {
    const check = judgeSpread(web(), start, end);
    expect(check.verdict).toBe('skip');
    expect(check.reason).toMatch(reason);
  });

  // Tables of the chi-square distribution, p = 0.001.
  it.each([[1, 10.828], [2, 13.816], [5, 20.515], [11, 31.264], [30, 59.703]])('knows the limit for %i degrees of freedom', (degrees, limit) => {
    expect(Math.abs(chiSquareLimit(degrees) - limit) / limit).toBeLessThan(0.035);
  });
});
