import { describe, expect, it } from 'vitest';
import type { VirtualService } from '../../../../src/lvs/model/topology.ts';
import { clientRequest, judgeLarge, judgeRequests, untried } from '../../../../src/verify/judge/requests.ts';
import type { ClientRequest, RequestSample } from '../../../../src/verify/types.ts';
import { example } from '../support.ts';

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
    expect(untried(web(), 'udp')).toEqual({ name: 'requests', subject: 'web', verdict: 'skip', measured: 'not measured', expected: 'all answered', reason: 'udp' });
    expect(untried(web(), 'no curl', 'client1')).toMatchObject({ from: 'client1' });
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
    const check = judgeRequests(web(), request, samples, 'client1');
    expect(check.verdict).toBe(verdict);
    expect(check.measured).toMatch(measured);
    expect(check.from).toBe('client1');
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
    const check = judgeLarge(web(), request, samples, 'client1');
    expect(check.verdict).toBe(verdict);
    expect(check.measured).toMatch(measured);
  });
});
