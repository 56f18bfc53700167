import { PAIR, pairNamed, service } from '../rules/examples.ts';
import { defineErrors } from './define.ts';

const network = (...lines: readonly string[]): string => `nat_networks:\n${lines.map((line) => `  ${line}\n`).join('')}`;
const NAT = service('mode: nat');
const GOOD = `${network('inside: { on: edge, network: 192.168.0.0/24, gateway: 192.168.0.38 }')}${PAIR}`;
/** A pair that holds the inside gateway, beside the one of the service. */
const GATE = pairNamed('gate', 'interface: eth1', 'virtual_router_id: 78', 'vips: [192.168.0.8, 192.168.0.17]');
const APART = `${network('inside: { on: gate, network: 192.168.0.16/29, gateway: 192.168.0.17 }')}${PAIR}${GATE}${NAT}`;

/** The networks behind NAT directors: replies must pass the director that sent the request. */
export const natErrors = defineErrors([
  {
    id: 'bad-network',
    summary: 'a NAT network has no prefix length',
    why: 'Without it nobody knows which real servers are in it.',
    source: 'ip-route(8)',
    bad: GOOD.replace('192.168.0.0/24', '§192.168.0.0'),
    good: GOOD,
  },
  {
    id: 'gateway-outside',
    summary: 'the gateway is not in its network',
    why: 'Real servers reach their gateway directly, so it needs an address of their own network.',
    source: 'ip-route(8)',
    bad: GOOD.replace('gateway: 192.168.0.38', 'gateway: §10.0.0.1'),
    good: GOOD,
  },
  {
    id: 'gateway-does-not-float',
    summary: 'the gateway does not move with the pair',
    why: 'After a failover the real servers would still answer by the director that is gone, and their replies would be lost.',
    source: 'Red Hat Enterprise Linux 5, Virtual Server Administration, NAT routing',
    bad: GOOD.replace('gateway: 192.168.0.38', 'gateway: §192.168.0.48'),
    good: GOOD,
  },
  {
    id: 'gateway-moves-apart',
    summary: 'the gateway moves with another pair than the service',
    why: 'When one of them moves alone, replies pass a director that did not send the request and does not translate them back.',
    source: 'keepalived.conf(5), vrrp_sync_group; Red Hat Enterprise Linux 5, Virtual Server Administration',
    bad: APART.replace('rs1:', '§rs1:'),
    good: `sync_groups:\n  both: { pairs: [edge, gate] }\n${APART}`,
  },
  {
    id: 'gateway-elsewhere',
    summary: 'the gateway is on other directors than the service',
    why: 'A reply that passes another director is not translated back, and the client drops it.',
    source: 'LVS-HOWTO, LVS-NAT',
    bad: `${network('inside: { on: lvs3, network: 192.168.0.16/29, gateway: 192.168.0.17 }')}${PAIR}${NAT.replace('rs1:', '§rs1:')}`,
    good: `${GOOD}${NAT}`,
  },
  {
    id: 'gateway-is-host',
    summary: 'the gateway is the address of another host',
    why: 'Replies would go to that host instead of the director.',
    source: 'LVS-HOWTO, LVS-NAT',
    bad: network('inside: { on: lvs1, network: 192.168.0.0/24, gateway: §192.168.0.18 }'),
    good: network('inside: { on: lvs1, network: 192.168.0.0/24, gateway: 192.168.0.48 }'),
  },
  {
    id: 'gateway-of-pair',
    summary: 'the gateway moves with a pair, but the network is on one director',
    why: 'After a failover the address is elsewhere, and the network is not prepared there.',
    source: 'keepalived.conf(5), virtual_ipaddress',
    bad: GOOD.replace('on: edge', 'on: lvs1').replace('gateway: 192.168.0.38', 'gateway: §192.168.0.38'),
    good: GOOD,
  },
  {
    id: 'network-twice',
    summary: 'two NAT networks have addresses in common',
    why: 'A real server in both would need two default routes.',
    source: 'ip-route(8)',
    bad: `${network('inside: { on: edge, network: 192.168.0.0/24, gateway: 192.168.0.38 }', 'wide: { on: edge, network: §192.168.0.0/16, gateway: 192.168.0.38 }')}${PAIR}`,
    good: GOOD,
  },
]);
