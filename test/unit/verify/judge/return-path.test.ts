import { describe, expect, it } from 'vitest';
import type { Topology } from '../../../../src/lvs/model/topology.ts';
import { answersOf, judgeReturnPath, type Route, routeKey } from '../../../../src/verify/judge/return-path.ts';
import { example, state, VIP } from '../support.ts';

const CLIENT = '203.0.113.7';
const NAT = (text: string): string => `nat_networks:\n  inside: { on: lvs1, network: 192.168.0.0/24, gateway: 192.168.0.48 }\n${text.replace('on: edge', 'on: lvs1\n    interface: eth0').replace('mode: dr', 'mode: nat').replace('192.168.0.38:80', '172.16.0.38:80')}`;

function judged(topology: Topology, route: Route | undefined, states = [state('lvs1'), state('lvs2')]) {
  const vip = topology.services.get('web')?.vip ?? '';
  const answers = answersOf(topology, 'rs1', new Map([[vip, CLIENT]]));
  return judgeReturnPath(topology, 'rs1', 'client1', answers, new Map(answers.map((answer) => [routeKey(answer), route])), states);
}

describe('answers of a DR real server', () => {
  it.each<[string, Route | undefined, 'pass' | 'fail', RegExp]>([
    ['by a router', { via: '192.168.0.254', device: 'eth0' }, 'pass', /^to 203\.0\.113\.7 via 192\.168\.0\.254 by eth0$/],
    ['directly', { via: undefined, device: 'eth0' }, 'pass', /^to 203\.0\.113\.7 directly by eth0$/],
    ['by the director', { via: '192.168.0.48', device: 'eth0' }, 'fail', /192\.168\.0\.48/],
    ['by the other director', { via: '192.168.0.58', device: 'eth0' }, 'fail', /192\.168\.0\.58/],
    ['by an address that moves', { via: VIP, device: 'eth0' }, 'fail', /192\.168\.0\.38/],
    ['nowhere', undefined, 'fail', /^no route to 203\.0\.113\.7$/],
  ])('%s', (_what, route, verdict, measured) => {
    const check = judged(example(), route);
    expect(check).toMatchObject({ name: 'return-path', subject: 'rs1', from: 'client1', verdict });
    expect(check.measured).toMatch(measured);
    expect(check.reason === undefined).toBe(verdict === 'pass');
  });

  it('are asked for by the virtual IP, which they have as source', () => {
    expect(answersOf(example(), 'rs1', new Map([[VIP, CLIENT]])).map(routeKey)).toEqual([`${CLIENT} ${VIP}`]);
    expect(answersOf(example(NAT), 'rs1', new Map([['172.16.0.38', CLIENT]])).map(routeKey)).toEqual([`${CLIENT} 192.168.0.18`]);
  });

  it('are not judged for a vantage that has no way to the virtual IP', () => {
    expect(judgeReturnPath(example(), 'rs1', 'client1', answersOf(example(), 'rs1', new Map()), new Map(), [])).toMatchObject({ verdict: 'skip', reason: 'client1 has no route to a virtual IP of its services' });
  });
});

it('answers of a TUN real server do not go back into the tunnel', () => {
  const topology = example((text) => text.replace('mode: dr', 'mode: tun'));
  expect(judged(topology, { via: undefined, device: 'tunl0' })).toMatchObject({ verdict: 'fail', reason: 'web: answers go back into the tunnel (tunl0)' });
  expect(judged(topology, { via: '192.168.0.254', device: 'eth0' })).toMatchObject({ verdict: 'pass' });
});

describe('answers of a NAT real server', () => {
  const holder = state('lvs1', { addresses: new Map([['192.168.0.48', 'eth0'], ['172.16.0.38', 'eth1']]) });

  it.each<[string, Route | undefined, 'pass' | 'fail', RegExp]>([
    ['by the gateway of their network', { via: '192.168.0.48', device: 'eth0' }, 'pass', /^$/],
    ['by another router', { via: '192.168.0.77', device: 'eth0' }, 'fail', /not via 192\.168\.0\.48/],
    ['directly', { via: undefined, device: 'eth0' }, 'fail', /untranslated/],
    ['nowhere', undefined, 'fail', /no way to/],
  ])('%s', (_what, route, verdict, reason) => {
    const check = judged(example(NAT), route, [holder]);
    expect(check.verdict).toBe(verdict);
    expect(check.reason ?? '').toMatch(reason);
  });

  it('go to who holds the virtual IP, not to a gateway that stayed elsewhere', () => {
    const without = state('lvs1', { addresses: new Map([['172.16.0.38', 'eth1']]) });
    expect(judged(example(NAT), { via: '192.168.0.48', device: 'eth0' }, [without])).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('no address of lvs1, the holder') as string });
    // Nobody holds it: another check says so.
    expect(judged(example(NAT), { via: '192.168.0.48', device: 'eth0' }, [])).toMatchObject({ verdict: 'pass' });
  });
});
