import { PAIR, service } from '../rules/examples.ts';
import { defineErrors } from './define.ts';

const WEB = `${PAIR}${service()}`;
/** The service with other options of rs1. */
const rs1 = (options: string, ...keys: readonly string[]): string => `${PAIR}${service(...keys).replace('rs1: { weight: 1 }', `rs1: { ${options} }`)}`;

/** Real servers and the sorry server. */
export const realServerErrors = defineErrors([
  {
    id: 'weight-range',
    summary: 'a weight that IPVS does not take',
    why: 'The kernel keeps it as a number of 31 bits; 0 is "no new connections".',
    source: 'ipvsadm(8), -w; ipvsadm 1.31',
    bad: rs1('weight: §-1'),
    good: rs1('weight: 0', 'scheduler: wrr'),
  },
  {
    id: 'weight-zero-hash',
    summary: 'weight 0 under sh or mh without a fallback',
    why: 'Both go on choosing that server for the clients that are hashed to it, and refuse them: sh always, mh when the server had a weight before.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_sh.c and ip_vs_mh.c (last_weight); measured on Linux 6.1',
    bad: rs1('weight: §0', 'scheduler: sh'),
    good: rs1('weight: 0', 'scheduler: sh', 'scheduler_flags: [sh-fallback]'),
  },
  {
    id: 'all-weights-zero',
    summary: 'every real server has weight 0',
    why: 'Nobody would be served, and keepalived cannot reach a quorum of 1.',
    source: 'ipvsadm(8), -w; keepalived.conf(5), quorum',
    bad: WEB.replace('real_servers', '§real_servers').replaceAll('weight: 1', 'weight: 0'),
    good: WEB,
  },
  {
    id: 'port-range',
    summary: 'a port that is not within 0-65535',
    why: 'Ports have 16 bits.',
    source: 'RFC 9293, 3.1',
    bad: rs1('port: §80800', 'mode: nat'),
    good: rs1('port: 8080', 'mode: nat'),
  },
  {
    id: 'port-not-rewritten',
    summary: 'a real server has another port than the service, without NAT',
    why: 'DR and TUN leave the packet as it is, so it arrives at the service\'s port. keepalived would silently use that.',
    source: 'ipvsadm(8), -r; measured with keepalived 2.2.7',
    bad: rs1('port: §8080'),
    good: rs1('port: 8080', 'mode: nat'),
  },
  {
    id: 'threshold-order',
    summary: 'a lower threshold above the upper one, or without it',
    why: 'At the upper threshold a server gets no more connections, below the lower one it gets some again.',
    source: 'ipvsadm(8), -x and -y',
    bad: rs1('upper_threshold: 100, lower_threshold: §200'),
    good: rs1('upper_threshold: 200, lower_threshold: 100'),
  },
  {
    id: 'address-family',
    summary: 'a real server or sorry server is of another address family than the service',
    why: 'DR and NAT stay within one family; TUN may put IPv6 into IPv4 and the other way round.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_ctl.c (ip_vs_add_dest)',
    bad: WEB.replace('rs1', '§rs6'),
    good: `${PAIR}${service('mode: tun').replace('rs1', 'rs6')}`,
  },
  {
    id: 'duplicate-real-server',
    summary: 'two real servers are the same address and port',
    why: 'IPVS tells them apart by these, and keepalived drops the second.',
    source: 'ipvsadm(8), -a; measured with keepalived 2.2.7',
    bad: WEB.replace('rs2: { weight: 1 }', '§rs2: { address: 192.168.0.18 }'),
    good: WEB,
  },
  {
    id: 'real-server-is-vip',
    summary: 'a real server has the service\'s own address',
    why: 'The packet would go to the director that has just balanced it.',
    source: 'LVS-HOWTO, LocalNode',
    bad: `${PAIR}${service().replace('rs1: { weight: 1 }', '§rs1: { address: 192.168.0.38 }')}`,
    good: WEB,
  },
  {
    id: 'director-loop',
    summary: 'a director of the pair is a DR real server of its service',
    why: 'The BACKUP has the IPVS table too and balances what the MASTER sends it, back to where it came from.',
    source: 'LVS-HOWTO, LocalNode',
    bad: WEB.replace('rs1', '§lvs2'),
    good: `${PAIR}${service('mode: nat').replace('rs1', 'lvs2')}`,
  },
]);
