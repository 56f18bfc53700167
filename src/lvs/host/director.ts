import { endpointsOf, natNetworksOf, servicesOf } from '../model/lookups.ts';
import type { Topology, VirtualService } from '../model/topology.ts';

/**
 * Kernel parameters of a director.
 *
 * `net.ipv4.vs.conn_reuse_mode=3` where services are DR or TUN. There the director sees only the client's half of a connection, so
 * that a closed one stays in its table for two minutes; a client that reuses the source port in that time would be sent to the
 * old real server, drained (weight 0) or not. Measured on Linux 6.1 while a server was drained and restarted: 536 of 45,000
 * requests lost with the default 1, none with 3, and none with `expire_nodest_conn=1`. Of the two, 3 does less harm: it
 * concerns only new connections on old entries (ipvs-sysctl), while expire_nodest_conn=1 also cuts living connections at
 * once when a health check takes a server out by mistake for a moment.
 *
 * `net.ipv4.vs.expire_nodest_conn=1` where a service of TCP is persistent, in any mode: a connection that persistence controls is never taken for a new one, whatever conn_reuse_mode says
 * (is_new_conn_expected in net/netfilter/ipvs/ip_vs_core.c), so that clients that reuse ports kept a drained server busy for as long as they came (measured on Linux 6.1). With
 * expire_nodest_conn the weight 0 itself ends such an entry at the next SYN.
 *
 * `net.ipv4.vs.expire_quiescent_template=1` where a service is persistent: else its clients keep reaching a real server of weight 0
 * until their template ends, so that a drain would take as long as they stay (ipvs-sysctl).
 *
 * `net.ipv4.ip_forward=1` for NAT only: the real servers' replies, and what they begin themselves, are forwarded. In DR and TUN they do not come by, and the
 * requests are delivered to the VIP, a local address, and sent on by IPVS itself, so nothing is forwarded and a director need
 * not be a router. `send_redirects=0` for NAT: a director must not tell a real server of a shorter way to the client, past the translation
 * (either of `all` and the interface suffices to send them, so every interface is set: which of them it is, the inventory need not tell).
 *
 * `net.ipv4.vs.conntrack` is left alone. Netfilter needs to know the connections of IPVS only where a user's own rules look at their
 * state or translate them again (ipvs-sysctl): ours mask what real servers begin themselves, which IPVS never sees, and the FTP
 * helper has the connections it reads tracked by itself (ip_vs_ftp.c, IP_VS_CONN_F_NFCT).
 */
export function directorSysctls(topology: Topology, host: string): Readonly<Record<string, string>> {
  const services = servicesOf(topology, host);
  const sysctls: Record<string, string> = {};
  if (services.some((service) => service.mode !== 'nat')) sysctls['net.ipv4.vs.conn_reuse_mode'] = '3';
  if (services.some(reusesUnderPersistence)) sysctls['net.ipv4.vs.expire_nodest_conn'] = '1';
  if (services.some((service) => service.persistence !== undefined)) sysctls['net.ipv4.vs.expire_quiescent_template'] = '1';
  const nat = services.filter((service) => service.mode === 'nat' || service.sorryServer?.mode === 'nat');
  const networks = natNetworksOf(topology, host).map((network) => network.network);
  const forwarded = [...nat.map((service) => service.vip), ...networks];
  if (forwarded.some((address) => !address.includes(':'))) {
    sysctls['net.ipv4.ip_forward'] = '1';
    sysctls['net.ipv4.conf.*.send_redirects'] = '0';
  }
  if (forwarded.some((address) => address.includes(':'))) sysctls['net.ipv6.conf.all.forwarding'] = '1';
  // The user's own win.
  return { ...sysctls, ...Object.fromEntries(Object.entries(topology.ipvs.sysctls).map(([name, value]) => [`net.ipv4.vs.${name}`, value])) };
}

/** A client's port that is used again stays with the real server of its last connection, unless expire_nodest_conn is 1: see directorSysctls. Pure. */
export function reusesUnderPersistence(service: VirtualService): boolean {
  return service.persistence !== undefined && endpointsOf(service).some(({ protocol }) => protocol === 'tcp');
}

/** Why clients that reuse a source port would still reach a drained real server of a director's services; undefined: they would not. @param sysctls of net.ipv4.vs. Pure. */
export function portReuseFault(services: readonly VirtualService[], sysctls: { readonly connReuseMode: number | undefined; readonly expireNodestConn: number | undefined }): { readonly service: string; readonly cure: 'conn_reuse_mode=3' | 'expire_nodest_conn=1' } | undefined {
  if ((sysctls.expireNodestConn ?? 0) >= 1) return undefined;
  const persistent = services.find(reusesUnderPersistence);
  if (persistent !== undefined) return { service: persistent.name, cure: 'expire_nodest_conn=1' };
  const halved = services.find((service) => service.mode !== 'nat');
  return halved === undefined || ((sysctls.connReuseMode ?? 0) & 2) === 2 ? undefined : { service: halved.name, cure: 'conn_reuse_mode=3' };
}

/**
 * Kernel modules of a director: `ip_vs`, whose presence makes net.ipv4.vs exist, and one for each scheduler in use. The kernel
 * loads a scheduler on demand; loaded at boot, keepalived does not depend on that.
 */
export function directorModules(topology: Topology, host: string): readonly string[] {
  const services = servicesOf(topology, host);
  return [
    'ip_vs',
    ...new Set([
      ...services.map((service) => `ip_vs_${service.scheduler}`),
      // DR and TUN packets of the data connection never come back by the director: only NAT has use for the helper.
      ...services.filter((service) => service.helper === 'ftp' && service.mode === 'nat').map(() => 'ip_vs_ftp'),
      ...services.filter((service) => service.persistence?.engine === 'sip').map(() => 'ip_vs_pe_sip'),
    ]),
  ];
}

/** Passwords in a topology, for the mask of secrets. */
export function secretsOf(topology: Topology): readonly string[] {
  return [...topology.pairs.values()].flatMap((pair) => (pair.authPass === undefined ? [] : [pair.authPass]));
}
