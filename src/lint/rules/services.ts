import type { VirtualService } from '../../lvs/model/topology.ts';
import { defineRules, type Hit, type LintContext } from '../types.ts';
import { PAIR, service } from './examples.ts';

/** Rules about scheduling, persistence and ports. */
export const serviceRules = defineRules([
  {
    id: 'hash-without-fallback',
    severity: 'warning',
    summary: 'the scheduler sh or mh has no fallback',
    why: 'A server of weight 0 or over its threshold refuses the clients that are hashed to it, so that it can never be drained without losing them.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_sh.c and ip_vs_mh.c',
    bad: `${PAIR}${service('scheduler: sh')}`,
    good: `${PAIR}${service('scheduler: sh', 'scheduler_flags: [sh-fallback]')}`,
    check: (context) =>
      services(context, ({ scheduler, schedulerFlags }) => (scheduler === 'sh' || scheduler === 'mh') && !schedulerFlags.includes(`${scheduler}-fallback`)).map((one) => ({
        path: at(one, 'scheduler'),
        message: `${one.name} has scheduler ${one.scheduler} without ${one.scheduler}-fallback`,
        hint: `add scheduler_flags: [${one.scheduler}-fallback]`,
      })),
  },
  {
    id: 'inhibit-with-hash',
    severity: 'error',
    summary: 'a failed server of a hashing service gets weight 0, which refuses its clients',
    why: 'inhibit_on_failure leaves a dead server in the table with weight 0. Without fallback sh and mh go on choosing it, and its clients are refused as long as it is dead.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_sh.c; keepalived.conf(5), inhibit_on_failure',
    bad: `${PAIR}${service('scheduler: sh', 'inhibit_on_failure: true')}`,
    good: `${PAIR}${service('scheduler: sh', 'scheduler_flags: [sh-fallback]', 'inhibit_on_failure: true')}`,
    check: (context) =>
      services(context, ({ scheduler, schedulerFlags }) => (scheduler === 'sh' || scheduler === 'mh') && !schedulerFlags.includes(`${scheduler}-fallback`)).flatMap((one) =>
        one.realServers
          .filter((server) => server.inhibitOnFailure || one.sorryServer?.inhibit === true)
          .slice(0, 1)
          .map(() => ({ path: at(one, 'scheduler'), message: `${one.name} refuses the clients of a failed server: it stays with weight 0 under ${one.scheduler}`, hint: `add scheduler_flags: [${one.scheduler}-fallback], or remove inhibit_on_failure` })),
      ),
  },
  {
    id: 'weights-ignored',
    severity: 'warning',
    summary: 'weights differ under a scheduler that does not look at them',
    why: 'rr and lc take a weight of 0 for "no more" and all others alike; lblcr and dh too.',
    source: 'ipvsadm(8), -s; Linux, net/netfilter/ipvs/ip_vs_rr.c and ip_vs_lc.c',
    bad: `${PAIR}${service('scheduler: rr').replace('rs1: { weight: 1 }', 'rs1: { weight: 3 }')}`,
    good: `${PAIR}${service('scheduler: wrr').replace('rs1: { weight: 1 }', 'rs1: { weight: 3 }')}`,
    check: (context) =>
      services(context, (one) => ['rr', 'lc', 'dh'].includes(one.scheduler) && new Set(one.realServers.map(({ weight }) => weight).filter((weight) => weight > 0)).size > 1).map((one) => ({
        path: at(one, 'scheduler'),
        message: `${one.name} has different weights, which ${one.scheduler} ignores`,
        hint: `use ${one.scheduler === 'lc' ? 'wlc' : 'wrr'}, or give all the same weight`,
      })),
  },
  {
    id: 'failover-order',
    severity: 'warning',
    summary: 'scheduler fo has servers of the same highest weight',
    why: 'fo sends everything to the server of the highest weight. Among equals it is the one that came into the table first, which changes whenever one fails and comes back.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_fo.c',
    bad: `${PAIR}${service('scheduler: fo')}`,
    good: `${PAIR}${service('scheduler: fo').replace('rs1: { weight: 1 }', 'rs1: { weight: 2 }')}`,
    check: (context) =>
      services(context, (one) => one.scheduler === 'fo' && new Set(one.realServers.map(({ weight }) => weight)).size < one.realServers.length).map((one) => ({
        path: at(one, 'real_servers'),
        of: 'key',
        message: `${one.name} does not say in which order its servers take over`,
        hint: 'give each its own weight, the highest to the one that serves first',
      })),
  },
  {
    id: 'overflow-at-one',
    severity: 'warning',
    summary: 'scheduler ovf spills over after a single connection',
    why: 'Under ovf a weight is the number of active connections that a server takes before the next one gets the rest.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_ovf.c',
    bad: `${PAIR}${service('scheduler: ovf')}`,
    good: `${PAIR}${service('scheduler: ovf').replace('rs1: { weight: 1 }', 'rs1: { weight: 500 }').replace('rs2: { weight: 1 }', 'rs2: { weight: 200 }')}`,
    check: (context) =>
      services(context, (one) => one.scheduler === 'ovf').flatMap((one) =>
        one.realServers.filter(({ weight }) => weight === 1).map((server) => ({ path: at(one, 'real_servers', server.host), message: `${server.host} of ${one.name} takes one connection before it overflows`, hint: 'write how many connections it can carry as its weight' })),
      ),
  },
  {
    id: 'long-persistence',
    severity: 'warning',
    summary: 'persistence of more than an hour',
    why: 'Draining a real server waits for its persistent clients or moves them all at once, and one server keeps the clients that came while another was away.',
    source: 'Linux, Documentation/networking/ipvs-sysctl.rst, expire_quiescent_template',
    bad: `${PAIR}${service('scheduler: rr', 'persistence: 86400')}`,
    good: `${PAIR}${service('scheduler: rr', 'persistence: 600')}`,
    check: (context) => services(context, (one) => (one.persistence?.timeout ?? 0) > 3600).map((one) => ({ path: at(one, 'persistence'), message: `clients of ${one.name} stay for ${String(one.persistence?.timeout ?? 0)} s`, hint: 'make it as short as a session needs; it begins anew with each connection' })),
  },
  {
    id: 'ftp-without-helper',
    severity: 'error',
    summary: 'FTP by NAT without the kernel\'s helper',
    why: 'The data connection of FTP names an address within the control connection. Without ip_vs_ftp it is the real server\'s own, which clients cannot reach.',
    source: 'LVS-HOWTO, LVS: Services, FTP; Linux, net/netfilter/ipvs/ip_vs_ftp.c',
    bad: `${PAIR}${service('scheduler: rr').replace(':80', ':21').replace('mode: dr', 'mode: nat')}`,
    good: `${PAIR}${service('scheduler: rr', 'helper: ftp').replace(':80', ':21').replace('mode: dr', 'mode: nat')}`,
    check: (context) =>
      services(context, (one) => one.protocol === 'tcp' && one.port === 21 && one.mode === 'nat' && one.helper !== 'ftp').map((one) => ({ path: at(one, 'address'), message: `${one.name} is FTP by NAT, and its data connections would fail`, hint: 'add helper: ftp' })),
  },
  {
    id: 'ftp-without-persistence',
    severity: 'error',
    summary: 'FTP by DR or TUN without persistence',
    why: 'A passive data connection is another connection to the VIP; without persistence it reaches another real server.',
    source: 'LVS-HOWTO, LVS: Services, FTP',
    bad: `${PAIR}${service('scheduler: rr').replace(':80', ':21')}`,
    good: `${PAIR}${service('scheduler: rr', 'persistence: 600').replace(':80', ':21')}`,
    check: (context) =>
      services(context, (one) => one.protocol === 'tcp' && one.port === 21 && one.mode !== 'nat' && one.persistence === undefined).map((one) => ({ path: at(one, 'address'), message: `${one.name} is FTP by ${one.mode}, and its data connections may reach another server`, hint: 'add persistence: 600, with a firewall mark or port 0 for the data ports' })),
  },
  {
    id: 'sip-by-address',
    severity: 'info',
    summary: 'SIP is spread by client address',
    why: 'Behind one proxy all calls come from one address. The engine sip keeps the packets of a call together by its Call-ID instead.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_pe_sip.c; ipvsadm(8), --pe',
    bad: `${PAIR}${service('scheduler: rr', 'protocol: udp', 'health_check: { type: none }').replace(':80', ':5060')}`,
    good: `${PAIR}${service('scheduler: rr', 'protocol: udp', 'health_check: { type: none }', 'persistence: { timeout: 60, engine: sip }').replace(':80', ':5060')}`,
    check: (context) => services(context, (one) => one.protocol === 'udp' && one.port === 5060 && one.persistence?.engine !== 'sip').map((one) => ({ path: at(one, 'address'), message: `${one.name} is SIP without the persistence engine sip`, hint: 'add persistence: { timeout: 60, engine: sip }' })),
  },
  {
    id: 'port-reuse',
    severity: 'error',
    summary: 'a drained server would still get connections of clients that reuse a port',
    why: 'In DR and TUN the director sees only the client\'s half, so a closed connection stays in its table for two minutes. A client that reuses the source port is sent to the old server, weight 0 or not: 536 of 45,000 requests were lost in a measurement.',
    source: 'Linux, Documentation/networking/ipvs-sysctl.rst, conn_reuse_mode; measured on Linux 6.1',
    bad: `ipvs: { sysctls: { conn_reuse_mode: 1 } }\n${PAIR}${service('scheduler: rr')}`,
    good: `${PAIR}${service('scheduler: rr')}`,
    check: ({ topology }) => {
      const mode = topology.ipvs.sysctls['conn_reuse_mode'];
      const safe = mode === undefined || (Number(mode) & 2) === 2 || topology.ipvs.sysctls['expire_nodest_conn'] === '1';
      if (safe || [...topology.services.values()].every((one) => one.mode === 'nat')) return [];
      return [{ path: ['ipvs', 'sysctls', 'conn_reuse_mode'], message: `conn_reuse_mode ${mode} is unsafe for DR and TUN`, hint: 'remove it (the default here is 3), or set expire_nodest_conn: 1' }];
    },
  },
  {
    id: 'templates-never-expire',
    severity: 'warning',
    summary: 'persistent clients keep reaching a drained server',
    why: 'With expire_quiescent_template=0 a client\'s template goes on sending it to a server of weight 0 until it ends.',
    source: 'Linux, Documentation/networking/ipvs-sysctl.rst, expire_quiescent_template',
    bad: `ipvs: { sysctls: { expire_quiescent_template: 0 } }\n${PAIR}${service('scheduler: rr', 'persistence: 600')}`,
    good: `${PAIR}${service('scheduler: rr', 'persistence: 600')}`,
    check: ({ topology }) => {
      if (topology.ipvs.sysctls['expire_quiescent_template'] !== '0' || [...topology.services.values()].every((one) => one.persistence === undefined)) return [];
      return [{ path: ['ipvs', 'sysctls', 'expire_quiescent_template'], message: 'persistent clients would keep reaching a server of weight 0', hint: 'remove it: with persistent services the default here is 1' }];
    },
  },
]);

export function services({ topology }: LintContext, holds: (service: VirtualService) => boolean): readonly VirtualService[] {
  return [...topology.services.values()].filter(holds);
}

export function at(service: VirtualService, ...path: readonly (string | number)[]): Hit['path'] {
  return ['virtual_services', service.name, ...path];
}
