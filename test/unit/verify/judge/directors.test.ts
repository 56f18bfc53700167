import { describe, expect, it } from 'vitest';
import { judgeArp, judgeHolder, judgeReuse, judgeTable, missingServers } from '../../../../src/verify/judge/directors.ts';
import { example, MAC1, MAC2, procTable, state, VIP } from '../support.ts';
import type { Observation } from '../../../../src/observe/observation.ts';
import type { DirectorState } from '../../../../src/verify/types.ts';
import { seen as seenBy } from '../../observe/support.ts';

const BOTH = [state('lvs1'), state('lvs2')];

describe('holder', () => {
  it.each([
    ['one', BOTH, 'pass', 'held by lvs1'],
    ['none', [state('lvs1', { addresses: new Map() }), state('lvs2')], 'fail', 'held by nobody'],
    ['both', [state('lvs1'), state('lvs2', { addresses: new Map([[VIP, 'eth0']]) })], 'fail', 'held by lvs1 and lvs2'],
  ])('%s', (_what, states, verdict, measured) => {
    expect(judgeHolder(VIP, asked(states))).toMatchObject({ name: 'holder', subject: VIP, verdict, measured });
  });
});

/** Directors that answered, and those that did not. */
function asked(states: readonly DirectorState[], silent: readonly string[] = []): Observation<DirectorState> {
  return seenBy({ ...Object.fromEntries(states.map((one) => [one.host, one])), ...Object.fromEntries(silent.map((host) => [host, undefined])) });
}

describe('without all of its directors', () => {
  it.each([
    ['one holds it: the other may, too', asked([state('lvs1')], ['lvs2']), 'unknown', 'held by lvs1'],
    ['nobody who answered holds it', asked([state('lvs2')], ['lvs1']), 'unknown', 'unknown'],
    ['nobody answered', asked([], ['lvs1', 'lvs2']), 'unknown', 'unknown'],
  ] as const)('%s', (_what, states, verdict, measured) => {
    expect(judgeHolder(VIP, states)).toMatchObject({ verdict, measured, missing: states.missing.map(({ host, kind }) => ({ host, kind })) });
  });

  it('whose the MAC should be is known of a holder that answered alone', () => {
    expect(judgeArp(VIP, { macs: [MAC1], all: true }, asked([state('lvs1')], ['lvs2']), 'controller')).toMatchObject({ verdict: 'pass' });
    expect(judgeArp(VIP, { macs: [MAC1], all: true }, asked([state('lvs2')], ['lvs1']), 'controller')).toMatchObject({ verdict: 'unknown', missing: [{ host: 'lvs1', kind: 'unreachable' }] });
    expect(judgeArp(VIP, { macs: [MAC1, MAC2], all: true }, asked([], ['lvs1', 'lvs2']), 'controller')).toMatchObject({ verdict: 'fail' });
  });
});

describe('arp', () => {
  it.each([
    ['the active director alone', { macs: [MAC1], all: true }, 'pass', /^only 52:54:00:00:00:01 answers$/, /^$/],
    ['the other director', { macs: [MAC2], all: true }, 'fail', /MAC|answers/, /not that of lvs1/],
    ['a second one besides', { macs: [MAC1, '52:54:00:00:00:99'], all: true }, 'fail', /answer$/, /2 MACs answer/],
    ['nobody', { macs: [], all: true }, 'fail', /no MAC/, /nobody/],
    ['the right one, with no way to hear others', { macs: [MAC1], all: false }, 'skip', /^52:.* answers$/, /only the first answer/],
    ['the wrong one, even then', { macs: [MAC2], all: false }, 'fail', /answers/, /not that of lvs1/],
    ['not to be seen', { unseen: 'behind a router' }, 'skip', /not measured/, /behind a router/],
  ] as const)('%s', (_what, seen, verdict, measured, reason) => {
    const check = judgeArp(VIP, seen, asked(BOTH), 'controller');
    expect(check).toMatchObject({ name: 'arp', subject: VIP, verdict });
    expect(check.measured).toMatch(measured);
    expect(check.reason ?? '').toMatch(reason);
  });

  it('fails when no director holds the VIP and something answers', () => {
    expect(judgeArp(VIP, { macs: [MAC1], all: true }, asked([state('lvs2')]), 'controller')).toMatchObject({ verdict: 'fail', from: 'controller' });
  });
});

describe('table', () => {
  const topology = example();

  it('passes when the kernel has what the topology says', () => {
    expect(judgeTable(topology, state('lvs1'), [])).toMatchObject({ name: 'table', subject: 'lvs1', verdict: 'pass', measured: '1 virtual service, 2 real servers' });
  });

  it('names a real server that its health check removed, and passes', () => {
    const one = state('lvs1', { ipvs: procTable(['C0A80012']) });
    expect(missingServers(topology, one)).toEqual([{ service: 'web', host: 'rs2' }]);
    const check = judgeTable(topology, one, []);
    expect(check).toMatchObject({ verdict: 'pass', measured: '1 virtual service, 1 real server' });
    expect(check.reason).toContain('rs2 is out of web');
  });

  it('fails when a missing real server answers', () => {
    const check = judgeTable(topology, state('lvs1', { ipvs: procTable(['C0A80012']) }), [{ service: 'web', host: 'rs2' }]);
    expect(check).toMatchObject({ verdict: 'fail' });
    expect(check.reason).toMatch(/rs2 is missing in web though it answers/);
  });

  it('fails when a real server is missing that has no health check', () => {
    const unchecked = example((text) => `${text}    health_check: { type: none }\n`);
    const one = state('lvs1', { ipvs: procTable(['C0A80012']) });
    expect(missingServers(unchecked, one)).toEqual([]);
    expect(judgeTable(unchecked, one, [])).toMatchObject({ verdict: 'fail' });
  });

  it('takes weight 0 for a failed check where keepalived drains by flags', () => {
    const zero = procTable().replace('C0A8001C:0050      Route   1', 'C0A8001C:0050      Route   0');
    const old = { major: 2, minor: 1, patch: 5 };
    const drained = { rs2: { version: 1, host: 'rs2', weight: '0', by: 'alice@ops1', reason: '', since: '', until: null, run: null } } as const;
    expect(judgeTable(topology, state('lvs1', { ipvs: zero }), [])).toMatchObject({ verdict: 'fail' });
    expect(missingServers(topology, state('lvs1', { ipvs: zero, keepalived: old }))).toEqual([{ service: 'web', host: 'rs2' }]);
    expect(judgeTable(topology, state('lvs1', { ipvs: zero, keepalived: old }), [])).toMatchObject({ verdict: 'pass', reason: expect.stringContaining('rs2 is out of web') as string });
    for (const keepalived of [old, undefined]) {
      expect(judgeTable(topology, state('lvs1', { ipvs: zero, keepalived, drains: drained }), [])).toEqual({ name: 'table', subject: 'lvs1', expected: 'the topology', verdict: 'pass', measured: '1 virtual service, 2 real servers' });
      expect(judgeTable(topology, state('lvs1', { keepalived, drains: drained }), [])).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('rs2 (192.168.0.28:80) has weight 1, not 0') as string });
    }
  });

  it("names a service of somebody else's on another address, and fails for one on our VIP", () => {
    const with99 = (hex: string) => state('lvs1', { ipvs: `${procTable()}TCP  ${hex}:0063 rr\n` });
    expect(judgeTable(topology, with99('0A090909'), [])).toMatchObject({ verdict: 'pass', reason: 'virtual service TCP 10.9.9.9:99 is not in the topology' });
    expect(judgeTable(topology, with99('C0A80026'), [])).toMatchObject({ verdict: 'fail', reason: 'virtual service TCP 192.168.0.38:99 is not in the topology' });
  });

  it.each([
    ['another scheduler', { ipvs: procTable(undefined, 'wlc') }, /scheduler is wlc, not rr/],
    ['a server too many', { ipvs: procTable(['C0A80012', 'C0A8001C', 'C0A80063']) }, /192\.168\.0\.99:80 is not in the topology/],
    ['another weight', { ipvs: procTable().replace('Route   1', 'Route   5') }, /rs1.*weight 5, not 1/],
    ['another way of forwarding', { ipvs: procTable().replace('Route  ', 'Masq   ') }, /rs1.*by nat, not dr/],
    ['no service', { ipvs: 'IP Virtual Server version 1.2.1 (size=4096)\n' }, /TCP 192\.168\.0\.38:80 \(web\) is missing/],
    ['no IPVS', { ipvs: undefined }, /not loaded/],
  ])('fails with %s', (_what, change, reason) => {
    const check = judgeTable(topology, state('lvs1', change), []);
    expect(check.verdict).toBe('fail');
    expect(check.reason).toMatch(reason);
  });
});

describe('reuse', () => {
  it.each([
    [{ connReuseMode: 3, expireNodestConn: 0 }, 'pass'],
    [{ connReuseMode: 1, expireNodestConn: 1 }, 'pass'],
    [{ connReuseMode: 1, expireNodestConn: 0 }, 'fail'],
    [{ connReuseMode: undefined, expireNodestConn: undefined }, 'fail'],
  ])('%j: %s', (kernel, verdict) => {
    expect(judgeReuse(example(), state('lvs1', kernel))?.verdict).toBe(verdict);
  });

  it('does not concern NAT, where the director sees both halves of a connection', () => {
    expect(judgeReuse(example((text) => text.replace('mode: dr', 'mode: nat')), state('lvs1'))).toBeUndefined();
  });
});

describe('a lost quorum', () => {
  const quorum = example((text) => text.replace('scheduler: rr', 'scheduler: rr\n    quorum: 2\n    sorry_server: { address: 192.168.0.77 }'));
  const both: { service: string; host: string }[] = [{ service: 'web', host: 'rs1' }, { service: 'web', host: 'rs2' }];

  it('is no fault: the sorry server serves, and those that live are out as well', () => {
    const check = judgeTable(quorum, state('lvs1', { ipvs: procTable(['C0A8004D']) }), both);
    expect(check).toMatchObject({ verdict: 'pass', reason: expect.stringMatching(/rs1 is out of web: its quorum is lost.*sorry server 192\.168\.0\.77:80 serves/) as string });
  });

  it('does not excuse a server that is missing without it', () => {
    expect(judgeTable(quorum, state('lvs1', { ipvs: procTable(['C0A80012']) }), both)).toMatchObject({ verdict: 'fail' });
  });
});
