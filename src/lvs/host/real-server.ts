import { hostPrefix } from '../model/ip.ts';
import type { RealServerHost, Topology } from '../model/topology.ts';
import { renderBootScript, renderBootUnit, sysctlFile } from './boot-script.ts';
import { mssRule, type TunnelDevice, tunnelDevice, type TunnelDeviceName, tunnelMss, type TunnelPart } from './tunnels.ts';

/** The unit that carries the VIPs of a DR or TUN real server over a reboot. */
export const REAL_SERVER_UNIT = 'lvs-real-server.service';
/** The script that it runs: `start|stop|status|reload`. */
export const REAL_SERVER_SCRIPT = '/usr/local/sbin/lvs-real-server';

/** An address that a real server has to carry itself. */
export interface CarriedAddress {
  /** `lo` for DR; for TUN the device on which the tunnel's packets come out, `tunl0` mostly. */
  readonly interface: 'lo' | TunnelDeviceName;
  /** With a host's own prefix length, `192.168.0.38/32` or `2001:db8::38/128`: a wider one would make a route of it. */
  readonly address: string;
}

/** The VIPs that a host must carry, in the topology's order. Empty for NAT, whose packets arrive with the RIP, and for other hosts. */
export function realServerAddresses(topology: Topology, host: string): readonly CarriedAddress[] {
  const all = carried(topology, host).map((one): CarriedAddress => {
    const name = one.mode === 'dr' ? 'lo' : deviceOf(one).name;
    return { interface: name, address: hostPrefix(one.vip) };
  });
  // Two services may come to one VIP by tunnels that end in the same device.
  return [...new Map(all.map((one) => [`${one.interface} ${one.address}`, one])).values()];
}

/**
 * Kernel parameters that must be set before the VIPs are, in this order: a VIP that is there first is answered on ARP and
 * announced, and then clients reach this one real server past the director.
 *
 * - arp_ignore=1 (answer only for addresses of the interface asked) and arp_announce=2 (never announce an address of another
 *   interface) on `all`: the kernel takes the higher of `all` and the receiving interface (ip-sysctl), so that setting them on
 *   `lo` alone, as many guides do, has no effect; seen on Linux 6.1. On `lo` too, against tools that read only that.
 * - rp_filter=2 (loose) on a tunnel: its packets have the client's source, which is routed elsewhere. The higher of `all` and
 *   the interface counts, so 2 works whatever `all` is, and unlike 0 it needs no change of `all` (LVS-HOWTO, LVS-Tun).
 * - IPv6 has no ARP, and a neighbour is only told of addresses of the interface asked on (net/ipv6/ndisc.c): nothing to set.
 */
export function realServerSysctls(topology: Topology, host: string): Readonly<Record<string, string>> {
  const interfaces = new Set(realServerAddresses(topology, host).filter(({ address }) => !address.includes(':')).map((address) => address.interface));
  if (interfaces.size === 0) return {};
  const arp = ['all', ...interfaces].flatMap((name) => [
    [`net.ipv4.conf.${name}.arp_ignore`, '1'],
    [`net.ipv4.conf.${name}.arp_announce`, '2'],
  ]);
  const loose = [...interfaces].filter((name) => name !== 'lo').map((name) => [`net.ipv4.conf.${name}.rp_filter`, '2']);
  return Object.fromEntries([...arp, ...loose]) as Record<string, string>;
}

/** Whether packets come to a host through tunnels. */
export function usesTunnels(topology: Topology, host: string): boolean {
  return tunnelled(topology, host).length > 0;
}

/** Modules that take packets out of tunnels; most make their device, `ipip` tunl0. */
export function realServerKernelModules(topology: Topology, host: string): readonly string[] {
  return [...new Set(tunnelled(topology, host).flatMap((one) => deviceOf(one).modules))];
}

/** What else the tunnels need, in the order in which it is made; of each VIP the rule for the narrowest of its tunnels. */
export function realServerTunnelParts(topology: Topology, host: string): readonly TunnelPart[] {
  const all = tunnelled(topology, host);
  const parts = all.flatMap((one) => deviceOf(one).parts);
  const rules = [...new Set(all.map(({ vip }) => vip))].map((vip) => mssRule(vip, Math.min(...all.filter((one) => one.vip === vip).map((one) => tunnelMss(vip, deviceOf(one))))));
  return [...new Map([...parts, ...rules].map((part) => [part.key, part])).values()];
}

/**
 * The script that sets modules, tunnels, kernel parameters and VIPs in the right order; undefined for a host that carries no VIP. Stopping it
 * removes these addresses and what it made for tunnels, and nothing else: the ARP rules stay, as without VIPs they do no harm and other VIPs may need them.
 */
export function renderRealServerScript(topology: Topology, host: string): string | undefined {
  const addresses = realServerAddresses(topology, host);
  if (addresses.length === 0) return undefined;
  const tunnels = new Set(addresses.map((address) => address.interface).filter((name) => name !== 'lo'));
  const parts = realServerTunnelParts(topology, host);
  return renderBootScript({
    summary: 'Virtual IPs of an LVS real server, silent on ARP: the kernel parameters come before the addresses.',
    modules: realServerKernelModules(topology, host),
    parts: parts.map(({ key }) => key),
    prepare: [...parts.map(({ add }) => add), ...[...tunnels].map((name) => `ip link set ${name} up`)],
    dismantle: parts.map(({ remove }) => remove).reverse(),
    sysctls: Object.fromEntries(Object.entries(realServerSysctls(topology, host)).map(([name, value]) => [sysctlFile(name), value])),
    addresses,
  });
}

/** The unit that runs the script at boot, before any interface comes up. */
export const REAL_SERVER_UNIT_TEXT = renderBootUnit('Virtual IPs of an LVS real server, silent on ARP', REAL_SERVER_SCRIPT, [
  'DefaultDependencies=no',
  'After=systemd-modules-load.service systemd-sysctl.service',
  // They may replace every rule of the firewall when they start, ours of the tunnels included.
  'After=netfilter-persistent.service nftables.service firewalld.service',
  'Before=network-pre.target shutdown.target',
  'Wants=network-pre.target',
  'Conflicts=shutdown.target',
]);

function carried(topology: Topology, host: string): RealServerHost['vips'] {
  return topology.realServers.get(host)?.vips ?? [];
}

function tunnelled(topology: Topology, host: string): RealServerHost['vips'] {
  return carried(topology, host).filter(({ mode }) => mode === 'tun');
}

function deviceOf({ vip, rip, tunnel }: RealServerHost['vips'][number]): TunnelDevice {
  return tunnelDevice(vip, rip, tunnel);
}
