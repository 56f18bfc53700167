import { shellCommand } from '../../core/quote.ts';
import type { Tunnel } from '../model/topology.ts';

/** What a TUN real server needs to take IPVS's packets out of their envelope. Pure; tried in the lab with Linux 6.1. */
export interface TunnelDevice {
  /** Where the packets come out and the VIP must be: with rp_filter=2 the kernel refuses an interface that has no address (fib_validate_source). */
  readonly name: 'tunl0' | 'sit0' | 'ip6tnl0' | 'gre0' | 'ip6gre0' | 'lvs_ip6' | 'lvs_gre' | 'lvs_gre6';
  /** Kernel modules; most make the device when they are loaded. */
  readonly modules: readonly string[];
  /** Lines of sh that make what modules do not; running them again changes nothing. */
  readonly setup: readonly string[];
  /** Lines of sh that undo `setup`. */
  readonly teardown: readonly string[];
  /** Bytes that the envelope adds to each packet. */
  readonly overhead: number;
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
  const port = String(tunnel.port);
  const fou = outer === 6 ? 'ip -6 fou' : 'ip fou';
  return {
    ...device,
    modules: [outer === 6 ? 'fou6' : 'fou', ...device.modules],
    // A port that is open already is an error for ip(8).
    setup: [`${fou} show | grep -q '^port ${port} gue' || ${fou} add port ${port} gue`, ...device.setup],
    teardown: [...device.teardown, `if ${fou} show | grep -q '^port ${port} gue'; then ${fou} del port ${port}; fi`],
    // UDP 8, GUE 4, and with remote checksum offload its flags and field, 8 (net/netfilter/ipvs/ip_vs_xmit.c, ipvs_gue_encap).
    overhead: header + 12 + (tunnel.checksum === 'remcsum' ? 8 : 0),
  };
}

/** IP in IP, as IPVS sends it and as GUE leaves it. */
function ipDevice(inner: 4 | 6, outer: 4 | 6, rip: string): Omit<TunnelDevice, 'overhead'> {
  const plain = { setup: [], teardown: [] };
  if (outer === 4) return inner === 4 ? { name: 'tunl0', modules: ['ipip'], ...plain } : { name: 'sit0', modules: ['sit'], ...plain };
  if (inner === 6) return { name: 'ip6tnl0', modules: ['ip6_tunnel'], ...plain };
  // ip6tnl0 takes IPv6 only.
  return { name: 'lvs_ip6', modules: ['ip6_tunnel'], ...own('lvs_ip6', ['type', 'ip6tnl', 'mode', 'ipip6', 'local', rip]) };
}

/** The kernel's own gre0 drops packets with a checksum, and a device for them those without (ip_tunnel_rcv in net/ipv4/ip_tunnel.c). */
function greDevice(rip: string, outer: 4 | 6, header: number, { checksum }: Tunnel): TunnelDevice {
  const modules = [outer === 6 ? 'ip6_gre' : 'ip_gre'];
  if (checksum === 'none') return { name: outer === 6 ? 'ip6gre0' : 'gre0', modules, setup: [], teardown: [], overhead: header + 4 };
  const [name, type] = outer === 6 ? (['lvs_gre6', 'ip6gre'] as const) : (['lvs_gre', 'gre'] as const);
  return { name, modules, ...own(name, ['type', type, 'local', rip, 'icsum', 'ocsum']), overhead: header + 8 };
}

function own(name: string, words: readonly string[]): Pick<TunnelDevice, 'setup' | 'teardown'> {
  return {
    setup: [`ip link show dev ${name} >/dev/null 2>&1 || ${shellCommand(['ip', 'link', 'add', name, ...words])}`],
    teardown: [`if ip link show dev ${name} >/dev/null 2>&1; then ip link delete ${name}; fi`],
  };
}

/**
 * The largest TCP segment that a client may send through a tunnel, on paths of 1500 bytes: the director puts `overhead` more around each
 * packet. Clients that ICMP reaches learn it from the director's "fragmentation needed"; the others hang with their first large
 * request unless the real server says so when the connection begins (measured).
 */
export function tunnelMss(vip: string, { overhead }: TunnelDevice): number {
  return 1500 - overhead - (vip.includes(':') ? 60 : 40);
}
