import { describe, expect, it } from 'vitest';
import { fakeTarget, shellReply, type FakeTarget } from '../../../src/transport/fake.ts';
import type { VerifyOptions } from '../../../src/verify/options.ts';
import { runVerification } from '../../../src/verify/run.ts';
import type { ClientRequest, DirectorState, RequestSample, Vantage } from '../../../src/verify/types.ts';
import { answerTo } from '../observe/support.ts';
import { counters, example, MAC1, procTable, state, stateText, VIP } from './support.ts';

const GOOD: RequestSample = { status: 200, bytes: 4000, connected: true, fault: undefined };
const REFUSED: RequestSample = { status: 0, bytes: 0, connected: false, fault: { kind: 'refused', text: 'connection refused or no route' } };

/** A director that gives one state after the other, the last one for ever. */
function director(...states: readonly DirectorState[]): FakeTarget {
  let asked = 0;
  return fakeTarget(states[0]?.host ?? '', (request) => answerTo(request, stateText(states[Math.min(asked++, states.length - 1)] ?? state('lvs1'))));
}

/** The same director after the requests of this test: the kernel has counted them. */
function counted(one: DirectorState): DirectorState {
  return { ...one, connections: counters(10, 10) };
}

/** A client that notes what it was asked for. */
function client(answer: (request: ClientRequest) => RequestSample = () => GOOD, name = 'controller'): Vantage & { readonly asked: ClientRequest[] } {
  const asked: ClientRequest[] = [];
  return {
    name,
    asked,
    sources: () => Promise.resolve(new Map([[VIP, '192.168.0.70']])),
    arp: () => Promise.resolve({ macs: [MAC1], all: true }),
    requests: (request, count) => {
      asked.push(request);
      return Promise.resolve({ samples: Array.from({ length: count }, () => answer(request)) });
    },
  };
}

function options(directors: readonly FakeTarget[], change: Partial<VerifyOptions> = {}): VerifyOptions {
  const target = (host: string) => {
    const found = directors.find((one) => one.host === host);
    return found === undefined ? Promise.reject(new Error(`nobody asks ${host}`)) : Promise.resolve(found);
  };
  return { topology: example(), target, vantages: [client()], requests: 20, path: undefined, settle: 0, signal: new AbortController().signal, ...change };
}

describe('verification', () => {
  it('passes on a sound cluster, asking each director once before the traffic and the active one once after it', async () => {
    const [lvs1, lvs2] = [director(state('lvs1', { connections: counters(5, 5) }), state('lvs1', { connections: counters(15, 15) })), director(state('lvs2'))];
    const report = await runVerification(options([lvs1, lvs2]));
    expect(report).toMatchObject({ version: 3, from: ['controller'], ok: true });
    expect(report.checks.map(({ name, subject, verdict }) => `${name} ${subject} ${verdict}`)).toEqual([
      `holder ${VIP} pass`,
      `arp ${VIP} pass`,
      'table lvs1 pass',
      'table lvs2 pass',
      'reuse lvs1 pass',
      'reuse lvs2 pass',
      'requests web pass',
      'spread web pass',
      'large web pass',
    ]);
    expect([lvs1.requests.length, lvs2.requests.length]).toEqual([2, 1]);
    expect(lvs1.requests.every((request) => request.become === true)).toBe(true);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('waits while VRRP comes to rest', async () => {
    const unborn = state('lvs1', { addresses: new Map() });
    const lvs1 = director(unborn, state('lvs1'), state('lvs1', { connections: counters(10, 10) }));
    expect(await runVerification(options([lvs1, director(state('lvs2'))], { settle: 30 }))).toMatchObject({ ok: true });
    expect(await runVerification(options([director(unborn, unborn), director(state('lvs2'))]))).toMatchObject({ ok: false });
  });

  it('asks the active director again until the kernel has counted all requests', async () => {
    const half = state('lvs1', { connections: counters(5, 5) });
    const lvs1 = director(state('lvs1'), half, counted(half));
    const report = await runVerification(options([lvs1, director(state('lvs2'))]));
    expect(report.checks.find(({ name }) => name === 'spread')).toMatchObject({ verdict: 'pass', measured: 'rs1 10, rs2 10' });
    expect(lvs1.requests).toHaveLength(3);
  });

  it('asks a missing real server itself, as its health check would', async () => {
    const one = state('lvs1', { ipvs: procTable(['C0A80012']) });
    const other = state('lvs2', { ipvs: procTable(['C0A80012']) });
    const answers = client();
    const found = await runVerification(options([director(one, counted(one)), director(other)], { vantages: [answers] }));
    expect(found.checks.filter(({ name }) => name === 'table').map(({ verdict }) => verdict)).toEqual(['fail', 'fail']);
    expect(answers.asked[0]).toEqual({ kind: 'connect', address: '192.168.0.28', port: 80 });
    // Both directors miss it; it is asked once.
    expect(answers.asked).toHaveLength(2);
    const refuses = client((request) => (request.kind === 'connect' ? REFUSED : GOOD));
    const gone = await runVerification(options([director(one, counted(one)), director(other)], { vantages: [refuses] }));
    expect(gone.checks.filter(({ name }) => name === 'table').map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
  });

  it("counts a page with another status than the health check's as no answer", async () => {
    const topology = example((text) => `${text}    health_check: { type: http, path: /health, status: 200, port: 8081 }\n`);
    const one = state('lvs1', { ipvs: procTable(['C0A80012']) });
    const ill = client((request) => (request.kind === 'http' && request.path === '/health' ? { ...GOOD, status: 500 } : GOOD));
    const report = await runVerification(options([director(one, counted(one)), director(state('lvs2'))], { topology, vantages: [ill] }));
    expect(report.checks.find(({ subject }) => subject === 'lvs1')).toMatchObject({ verdict: 'pass' });
    expect(ill.asked[0]).toEqual({ kind: 'http', scheme: 'http', address: '192.168.0.28', port: 8081, path: '/health' });
  });

  it('fails when nothing is answered, and still says all the rest', async () => {
    const report = await runVerification(options([director(state('lvs1')), director(state('lvs2'))], { vantages: [client(() => REFUSED)] }));
    expect(report.ok).toBe(false);
    expect(report.checks.filter(({ verdict }) => verdict === 'fail').map(({ name }) => name)).toEqual(['requests', 'spread']);
  });

  it('names what it cannot try', async () => {
    const topology = example((text) => text.replace('scheduler: rr', 'scheduler: rr\n    protocol: udp').replace('192.168.0.38:80', '192.168.0.38:53'));
    const report = await runVerification(options([director(state('lvs1', { ipvs: undefined })), director(state('lvs2'))], { topology }));
    expect(report.checks.at(-1)).toMatchObject({ name: 'requests', verdict: 'skip' });
  });

  it('says what it does not know when a director does not answer the question', async () => {
    const mute = fakeTarget('lvs1', () => shellReply('', 3, 'cannot fork\n'));
    const report = await runVerification(options([mute, director(state('lvs2'))]));
    expect(report).toMatchObject({ ok: null, unknown: ['lvs1'] });
    expect(report.checks.filter(({ verdict }) => verdict === 'unknown').map(({ name, subject }) => `${name} ${subject}`)).toEqual(['reached lvs1', `holder ${VIP}`, `arp ${VIP}`, 'spread web']);
    expect(report.checks.find(({ name }) => name === 'reached')).toMatchObject({ reason: 'lvs1 gave no usable answer (cannot fork)', missing: [{ host: 'lvs1', kind: 'failed' }] });
    // What clients get is seen all the same.
    expect(report.checks.filter(({ name }) => name === 'requests').map(({ verdict }) => verdict)).toEqual(['pass']);
    expect(mute.requests).toHaveLength(1);
  });

  it('judges each vantage for itself, and what they sent together', async () => {
    const lvs1 = director(state('lvs1'), counted(state('lvs1')));
    const vantages = [client(), client((request) => (request.kind === 'http' ? { ...GOOD, status: 503 } : GOOD), 'client1')];
    const report = await runVerification(options([lvs1, director(state('lvs2'))], { vantages, requests: 10 }));
    expect(report.from).toEqual(['controller', 'client1']);
    expect(report.checks.filter(({ from }) => from !== undefined).map(({ name, from, verdict }) => `${name} ${from ?? ''} ${verdict}`)).toEqual([
      'arp controller pass', 'arp client1 pass', 'requests controller pass', 'requests client1 fail', 'large controller pass', 'large client1 pass',
    ]);
    // Twenty connections, ten from each; asked once after both.
    expect(report.checks.find(({ name }) => name === 'spread')).toMatchObject({ verdict: 'pass', measured: 'rs1 10, rs2 10' });
    expect(lvs1.requests).toHaveLength(2);
  });

  it('a vantage that cannot ask does not hide what the other one saw', async () => {
    const blind: Vantage = { ...client(), name: 'client1', requests: () => Promise.resolve({ unseen: 'curl is not installed on client1' }) };
    const report = await runVerification(options([director(state('lvs1'), counted(state('lvs1'))), director(state('lvs2'))], { vantages: [client(), blind] }));
    expect(report.checks.filter(({ name }) => name === 'requests').map(({ from, verdict }) => [from, verdict])).toEqual([['client1', 'skip'], ['controller', 'pass']]);
    expect(report.ok).toBe(true);
  });

  it('says when each thing was measured, within the whole', async () => {
    const { begun, ended, checks } = await runVerification(options([director(state('lvs1'), counted(state('lvs1'))), director(state('lvs2'))]));
    expect(checks.every(({ at }) => at >= begun && at <= ended)).toBe(true);
  });

  it('a director that is away and holds nothing is unknown, and the others are judged', async () => {
    const mute = fakeTarget('lvs2', () => shellReply('', 3, 'cannot fork\n'));
    const report = await runVerification(options([director(state('lvs1'), counted(state('lvs1'))), mute], { patient: true }));
    expect(report.checks.filter(({ verdict }) => verdict === 'unknown').map(({ name, subject }) => `${name} ${subject}`)).toEqual(['reached lvs2', `holder ${VIP}`]);
    expect(report).toMatchObject({ ok: null, unknown: ['lvs2'] });
    expect(report.checks.find(({ name }) => name === 'spread')).toMatchObject({ verdict: 'pass' });
  });

  it('ends when it is interrupted', async () => {
    await expect(runVerification(options([director(state('lvs1')), director(state('lvs2'))], { signal: AbortSignal.abort() }))).rejects.toThrow();
  });
});
