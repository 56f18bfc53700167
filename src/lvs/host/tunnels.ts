import { shellCommand } from '../../core/text/quote.ts';
import { hostPrefix } from '../model/ip.ts';
import type { Tunnel } from '../model/topology.ts';

/** What a TUN real server needs to take IPVS's packets out of their envelope. Pure; tried in the lab with Linux 6.1. */
export interface TunnelDevice {
  /** Where the packets come out and the VIP must be: with rp_filter=2 the kernel refuses an interface that has no address (fib_validate_source). */
  readonly name: TunnelDeviceName;
  /** Kernel modules; most make the device when they are loaded. */
  readonly modules: readonly string[];
  /** What modules do not make, in order. */
  readonly parts: readonly TunnelPart[];
  /** Bytes that the envelope adds to each packet. */
  readonly overhead: number;
}

/** Every device that may carry the VIPs of TUN real servers. Those named `lvs_` are made by us. */
export const TUNNEL_DEVICES = ['tunl0', 'sit0', 'ip6tnl0', 'gre0', 'ip6gre0', 'lvs_ip6', 'lvs_gre', 'lvs_gre6'] as const;
export type TunnelDeviceName = (typeof TUNNEL_DEVICES)[number];

/** Devices that are there as soon as a module is loaded. */
export const MODULE_DEVICES: Readonly<Record<string, TunnelDeviceName>> = { ipip: 'tunl0', sit: 'sit0', ip6_tunnel: 'ip6tnl0', ip_gre: 'gre0', ip6_gre: 'ip6gre0' };

/** One thing beside modules and addresses that a TUN real server has to have in its kernel. */
export interface TunnelPart {
  /**
   * `fou 4 6080` (a port for GUE over IPv4), `link lvs_gre`, `mss 192.168.0.38 1440` (the largest segment that connections of the VIP offer). Names it in
   * the script's record and in the fact `tunnel`.
   */
  readonly key: string;
  /** A line of sh that makes it; running it again changes nothing. */
  readonly add: string;
  /** A line of sh that takes it away, if it is there. */
  readonly remove: string;
}

/**
 * The device of one VIP on one real server.
 * @param vip address of the service, which decides the inner protocol
 * @param rip address of the real server, which decides the outer one
 */
export function tunnelDevice(vip: string, rip: string, tunnel: Tunnel): TunnelDevice {
  const inner = vip.includes(':') ? 6 : 4;
  const outer = rip.includes(':') ? 6 : 4;
  const header = outer === 6 ? 40 : 20;
  if (tunnel.type === 'gre') return greDevice(rip, outer, header, tunnel);
  const device = ipDevice(inner, outer, rip);
  if (tunnel.type === 'ipip') return { ...device, overhead: header };
  return {
    ...device,
    modules: [outer === 6 ? 'fou6' : 'fou', ...device.modules],
    parts: [fouPort(outer, tunnel.port ?? 0), ...device.parts],
    // UDP 8, GUE 4, and with remote checksum offload its flags and field, 8 (net/netfilter/ipvs/ip_vs_xmit.c, ipvs_gue_encap).
    overhead: header + 12 + (tunnel.checksum === 'remcsum' ? 8 : 0),
  };
}

/** IP in IP, as IPVS sends it and as GUE leaves it. */
function ipDevice(inner: 4 | 6, outer: 4 | 6, rip: string): Omit<TunnelDevice, 'overhead'> {
  if (outer === 4) return inner === 4 ? { name: 'tunl0', modules: ['ipip'], parts: [] } : { name: 'sit0', modules: ['sit'], parts: [] };
  if (inner === 6) return { name: 'ip6tnl0', modules: ['ip6_tunnel'], parts: [] };
  // ip6tnl0 takes IPv6 only.
  return { name: 'lvs_ip6', modules: ['ip6_tunnel'], parts: [ownLink('lvs_ip6', ['type', 'ip6tnl', 'mode', 'ipip6', 'local', rip])] };
}

/** The kernel's own gre0 drops packets with a checksum, and a device for them those without (ip_tunnel_rcv in net/ipv4/ip_tunnel.c). */
function greDevice(rip: string, outer: 4 | 6, header: number, { checksum }: Tunnel): TunnelDevice {
  const modules = [outer === 6 ? 'ip6_gre' : 'ip_gre'];
  if (checksum === 'none') return { name: outer === 6 ? 'ip6gre0' : 'gre0', modules, parts: [], overhead: header + 4 };
  const [name, type] = outer === 6 ? (['lvs_gre6', 'ip6gre'] as const) : (['lvs_gre', 'gre'] as const);
  return { name, modules, parts: [ownLink(name, ['type', type, 'local', rip, 'icsum', 'ocsum'])], overhead: header + 8 };
}

function fouPort(family: 4 | 6, port: number): TunnelPart {
  const fou = family === 6 ? 'ip -6 fou' : 'ip fou';
  const line = `port ${String(port)} gue`;
  // A port that is open already is an error for ip(8). It lists the ports of both families, IPv6's with -6.
  const open = `ip fou show | grep -q -e '^${line}${family === 6 ? ' -6' : '$'}'`;
  return { key: `fou ${String(family)} ${String(port)}`, add: `${open} || ${fou} add ${line}`, remove: `if ${open}; then ${fou} del port ${String(port)}; fi` };
}

function ownLink(name: string, words: readonly string[]): TunnelPart {
  const there = `ip link show dev ${name} >/dev/null 2>&1`;
  return { key: `link ${name}`, add: `${there} || ${shellCommand(['ip', 'link', 'add', name, ...words])}`, remove: `if ${there}; then ip link delete ${name}; fi` };
}

/**
 * The largest TCP segment that a client may send through a tunnel, on paths of 1500 bytes: the director puts `overhead` more around each
 * packet. Clients that ICMP reaches learn it from the director's "fragmentation needed"; the others hang with their first large
 * request unless the real server says so when the connection begins (measured).
 */
export function tunnelMss(vip: string, { overhead }: Pick<TunnelDevice, 'overhead'>): number {
  return 1500 - overhead - (vip.includes(':') ? 60 : 40);
}

/**
 * A rule for the SYN-ACKs of a VIP. They leave by the real server's own NIC, so that neither the tunnel device's MTU nor a route to it is asked; the
 * mangle table's OUTPUT sees them all. The kernel only ever lowers the offer (xt_TCPMSS). The comment says that the rule is ours.
 */
export function mssRule(vip: string, mss: number): TunnelPart {
  const program = vip.includes(':') ? 'ip6tables' : 'iptables';
  const rule = `OUTPUT -s ${hostPrefix(vip)} -p tcp --tcp-flags SYN,RST SYN -m comment --comment ${RULE_COMMENT} -j TCPMSS --set-mss ${String(mss)}`;
  const there = `${program} -w -t mangle -C ${rule} 2>/dev/null`;
  return { key: `mss ${vip} ${String(mss)}`, add: `${there} || ${program} -w -t mangle -A ${rule}`, remove: `if ${there}; then ${program} -w -t mangle -D ${rule}; fi` };
}

/** On every rule of ours in a firewall. */
const RULE_COMMENT = 'lvs-play';

/** The part that a record names, to be taken away; undefined for anything else. Only what is checked here reaches a shell. */
export function recordedPart(key: string): TunnelPart | undefined {
  const [, family, port] = /^fou ([46]) (\d{1,5})$/.exec(key) ?? [];
  if (port !== undefined) return fouPort(family === '6' ? 6 : 4, Number(port));
  const [, name] = /^link (lvs_ip6|lvs_gre6?)$/.exec(key) ?? [];
  if (name !== undefined) return ownLink(name, []);
  const [, vip, mss] = /^mss ([0-9a-f.:]{2,45}) (\d{3,5})$/.exec(key) ?? [];
  return vip === undefined ? undefined : mssRule(vip, Number(mss));
}

/** POSIX sh: the rules of the mangle table, none where the program is missing. The legacy iptables-save would load the table's module where it is not: looking must change nothing. */
export function mangleListing(family: '4' | '6'): string {
  const six = family === '6' ? '6' : '';
  return `if grep -qs '^mangle$' /proc/net/ip${six}_tables_names || ! ip${six}tables -V 2>/dev/null | grep -q legacy; then ip${six}tables-save -t mangle 2>/dev/null; fi`;
}
