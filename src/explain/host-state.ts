import { type InterfaceAddress, parseAddresses } from '../lvs/host/addresses.ts';
import { parseProcNetIpVs } from '../lvs/ipvs/table.ts';
import type { IpvsTable } from '../lvs/ipvs/types.ts';
import { shellQuote } from '../core/text/quote.ts';
import type { Need } from './types.ts';

/** What a host answered, for judging needs. */
export interface HostState {
  readonly host: string;
  readonly addresses: readonly InterfaceAddress[];
  /** /proc/sys by path below it: `net/ipv4/ip_forward` -> `1`. */
  readonly sysctls: ReadonlyMap<string, string>;
  readonly modules: ReadonlySet<string>;
  /** Asked address -> the line of `ip route get`; '' for none. */
  readonly routes: ReadonlyMap<string, string>;
  /** Default routes by family, lines of ip(8). */
  readonly defaults: ReadonlyMap<4 | 6, readonly string[]>;
  /** Undefined: IPVS is not loaded. */
  readonly table: IpvsTable | undefined;
  readonly sockets: readonly { readonly protocol: 'tcp' | 'udp'; readonly address: string; readonly port: number }[];
  /** The rule set of nftables and the mangle table of iptables. */
  readonly firewall: string;
}

/**
 * Everything the needs ask of one host, in one request. A process each for addresses, routes, parameters and sockets; the firewall
 * only where a mark is looked for.
 */
export function hostStateScript(host: string, needs: readonly Need[]): string {
  const own = needs.filter((need) => need.hosts.includes(host)).map((need) => need.probe);
  const towards = [...new Set(own.flatMap((probe) => (probe.type === 'on-link' || probe.type === 'reachable' ? [probe.address] : probe.type === 'no-redirects' ? [probe.towards] : [])))];
  const modules = [...new Set(own.flatMap((probe) => (probe.type === 'module' ? [probe.name] : [])))];
  const keys = [...new Set(own.flatMap((probe) => (probe.type === 'sysctl' ? [probe.key.replaceAll('.', '/')] : [])))].map((key) => shellQuote(`/proc/sys/${key}`));
  return [
    'ip -o addr show || exit 1',
    "echo '--- sysctl'",
    // The shell's own `read` takes a byte at a time, and the kernel answers the second with end of file.
    `grep -Hs "" /proc/sys/net/ipv4/conf/*/arp_ignore /proc/sys/net/ipv4/conf/*/arp_announce /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/send_redirects ${keys.join(' ')}`,
    "echo '--- modules'",
    ...modules.map((name) => `[ -d ${shellQuote(`/sys/module/${name}`)} ] && echo ${shellQuote(name)}`),
    // A module that is built in and has no parameters is not in /sys/module.
    ...(modules.length === 0 ? [] : ['grep -hs "" "/lib/modules/$(uname -r)/modules.builtin"']),
    "echo '--- routes'",
    ...towards.flatMap((address) => [`echo ${shellQuote(`to ${address}`)}`, `ip -o route get ${shellQuote(address)} 2>/dev/null`]),
    "echo '--- default4'",
    'ip -4 route show default 2>/dev/null',
    "echo '--- default6'",
    'ip -6 route show default 2>/dev/null',
    "echo '--- ipvs'",
    'if [ -r /proc/net/ip_vs ]; then while IFS= read -r line; do printf "%s\\n" "$line"; done </proc/net/ip_vs; fi',
    "echo '--- sockets'",
    'grep -s "" /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6',
    "echo '--- firewall'",
    ...(own.some((probe) => probe.type === 'mark')
      ? ['if command -v nft >/dev/null 2>&1; then nft list ruleset 2>/dev/null; fi', 'for save in iptables-save ip6tables-save; do if command -v $save >/dev/null 2>&1; then $save -t mangle 2>/dev/null; fi; done']
      : []),
    'exit 0',
  ].join('\n');
}

/** Pure. @throws Error for an IPVS table that is none of the kernel's */
export function parseHostState(host: string, output: string): HostState {
  const [addresses = '', sysctl = '', modules = '', routes = '', default4 = '', default6 = '', ipvs = '', sockets = '', firewall = ''] = output.split(/^--- \w+\n/m);
  return {
    host,
    addresses: parseAddresses(addresses),
    sysctls: new Map([...sysctl.matchAll(/^\/proc\/sys\/([^:]+):(.*)$/gm)].map(([, key = '', value = '']) => [key, value.trim()])),
    modules: new Set(modules.split('\n').map((line) => (/([^/]+?)(?:\.ko\S*)?$/.exec(line.trim())?.[1] ?? '').replaceAll('-', '_'))),
    routes: new Map([...routes.matchAll(/^to (\S+)\n((?:(?!to ).+\n?)*)/gm)].map(([, address = '', line = '']) => [address, line.trim()])),
    defaults: new Map([
      [4, lines(default4)],
      [6, lines(default6)],
    ]),
    table: ipvs.trim() === '' ? undefined : parseProcNetIpVs(ipvs),
    sockets: [...sockets.matchAll(/^\/proc\/net\/(tcp|udp)6?:\s*\d+:\s+([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})\s+\S+\s+([0-9A-F]{2})\s/gm)]
      // 0A: a TCP socket that listens; 07: a UDP socket without a peer (include/net/tcp_states.h).
      .filter(([, protocol, , , state]) => state === (protocol === 'tcp' ? '0A' : '07'))
      .map(([, protocol, address = '', port = '']) => ({ protocol: protocol === 'udp' ? 'udp' : 'tcp', address: hexAddress(address), port: Number.parseInt(port, 16) })),
    firewall,
  };
}

function lines(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

/** Words of 32 bits in the byte order of little-endian hosts; `*` for all addresses. */
function hexAddress(hex: string): string {
  if (/^0+$/.test(hex)) return '*';
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => String(Number.parseInt(byte, 16))).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => `${bytes[2 * i] ?? ''}${bytes[2 * i + 1] ?? ''}`);
  return groups.join(':').toLowerCase();
}
