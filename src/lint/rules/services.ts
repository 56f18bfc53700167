import { reusesUnderPersistence } from '../../lvs/host/director.ts';
import type { VirtualService } from '../../lvs/model/topology.ts';
import { defineRules, type Hit, type LintContext } from '../types.ts';
import { PAIR, service } from './examples.ts';

/** Rules about persistence, protocols and connections that end. */
export const serviceRules = defineRules([
  {
    id: 'long-persistence',
    severity: 'warning',
    summary: 'persistence of more than an hour',
    why: 'Draining a real server waits for its persistent clients or moves them all at once, and one server keeps the clients that came while another was away.',
    source: 'Linux, Documentation/networking/ipvs-sysctl.rst, expire_quiescent_template',
    bad: `${PAIR}${service('scheduler: rr', 'persistence: §86400')}`,
    good: `${PAIR}${service('scheduler: rr', 'persistence: 600')}`,
    check: (context) => services(context, (one) => (one.persistence?.timeout ?? 0) > 3600).map((one) => ({ path: at(one, 'persistence'), message: `clients of ${one.name} stay for ${String(one.persistence?.timeout ?? 0)} s`, hint: 'make it as short as a session needs; it begins anew with each connection' })),
  },
  {
    id: 'ftp-without-helper',
    severity: 'error',
    summary: 'FTP by NAT without the kernel\'s helper',
    why: 'The data connection of FTP names an address within the control connection. Without ip_vs_ftp it is the real server\'s own, which clients cannot reach.',
    source: 'LVS-HOWTO, LVS: Services, FTP; Linux, net/netfilter/ipvs/ip_vs_ftp.c',
    bad: `${PAIR}${service('scheduler: rr', 'address: §192.168.0.38:21', 'mode: nat')}`,
    good: `${PAIR}${service('scheduler: rr', 'address: 192.168.0.38:21', 'mode: nat', 'helper: ftp')}`,
    check: (context) =>
      services(context, (one) => one.protocol === 'tcp' && one.port === 21 && one.mode === 'nat' && one.helper !== 'ftp').map((one) => ({ path: at(one, 'address'), message: `${one.name} is FTP by NAT, and its data connections would fail`, hint: 'add helper: ftp' })),
  },
  {
    id: 'ftp-without-persistence',
    severity: 'error',
    summary: 'FTP by DR or TUN without persistence',
    why: 'A passive data connection is another connection to the VIP. The kernel counts those to port 20 and to 1024 and up to the service of port 21, but only persistence leads them to the same real server.',
    source: 'LVS-HOWTO, LVS: Services, FTP; Linux, net/netfilter/ipvs/ip_vs_ctl.c (ip_vs_service_find)',
    bad: `${PAIR}${service('scheduler: rr', 'address: §192.168.0.38:21')}`,
    good: `${PAIR}${service('scheduler: rr', 'address: 192.168.0.38:21', 'persistence: 600')}`,
    check: (context) =>
      services(context, (one) => one.protocol === 'tcp' && one.port === 21 && one.mode !== 'nat' && one.persistence === undefined).map((one) => ({ path: at(one, 'address'), message: `${one.name} is FTP by ${one.mode}, and its data connections may reach another server`, hint: 'add persistence: 600, longer than a session waits between two files' })),
  },
  {
    id: 'sip-by-address',
    severity: 'info',
    summary: 'SIP is spread by the address and port of the client',
    why: 'A proxy sends all its calls from one address and port, which IPVS takes for one connection, to one server. The engine sip tells calls apart by their Call-ID instead.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_pe_sip.c; ipvsadm(8), --pe',
    bad: `${PAIR}${service('scheduler: rr', 'address: §192.168.0.38:5060', 'protocol: udp', 'health_check: { type: none }')}`,
    good: `${PAIR}${service('scheduler: rr', 'address: 192.168.0.38:5060', 'protocol: udp', 'health_check: { type: none }', 'persistence: { timeout: 60, engine: sip }')}`,
    check: (context) => services(context, (one) => one.protocol === 'udp' && one.port === 5060 && one.persistence?.engine !== 'sip').map((one) => ({ path: at(one, 'address'), message: `${one.name} is SIP without the persistence engine sip`, hint: 'add persistence: { timeout: 60, engine: sip }' })),
  },
  {
    id: 'port-reuse',
    severity: 'error',
    summary: 'a drained server would still get connections of clients that reuse a port',
    why: 'In DR and TUN the director sees only the client\'s half, so a closed connection stays in its table for two minutes. A client that reuses the source port is sent to the old server, weight 0 or not: 536 of 45,000 requests were lost in a measurement.',
    source: 'Linux, Documentation/networking/ipvs-sysctl.rst, conn_reuse_mode; measured on Linux 6.1',
    bad: `ipvs: { sysctls: { conn_reuse_mode: §1 } }\n${PAIR}${service('scheduler: rr')}`,
    good: `${PAIR}${service('scheduler: rr')}`,
    check: ({ topology }) => {
      const mode = topology.ipvs.sysctls['conn_reuse_mode'];
      const safe = mode === undefined || (Number(mode) & 2) === 2 || topology.ipvs.sysctls['expire_nodest_conn'] === '1';
      const persistent = [...topology.services.values()].find(reusesUnderPersistence);
      if (persistent !== undefined && topology.ipvs.sysctls['expire_nodest_conn'] === '0') return [{ path: ['ipvs', 'sysctls', 'expire_nodest_conn'], message: `expire_nodest_conn 0 is unsafe for ${persistent.name}, which is persistent: conn_reuse_mode does nothing for it`, hint: 'remove it (the default here is 1)' }];
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
    bad: `ipvs: { sysctls: { expire_quiescent_template: §0 } }\n${PAIR}${service('scheduler: rr', 'persistence: 600')}`,
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
