import { FIREWALL_PROGRAMS, type FirewallProgram } from '../../import/firewall/read.ts';
import { shellCommand, shellQuote } from '../../core/text/quote.ts';
import { directorModules } from '../../lvs/host/director.ts';
import { realServerKernelModules } from '../../lvs/host/real-server.ts';
import { natNetworksOf, servicesOf, vipsOf } from '../../lvs/model/lookups.ts';
import { isIn, networkOf } from '../../lvs/model/services/nat-networks.ts';
import { addressesOf, type Topology } from '../../lvs/model/topology.ts';
import { clientsOf } from './connections.ts';

/** What one host has to tell, by its part in the cluster. */
export interface LiveQuestion {
  /** Kernel modules that it needs. */
  readonly modules: readonly string[];
  /** Addresses whose route is asked for. */
  readonly towards: readonly string[];
  /** Whose neighbour entries are. */
  readonly vips: readonly string[];
  /** Where VRRP adverts are listened for. */
  readonly vrrpInterfaces: readonly string[];
  readonly keepalived: boolean;
  readonly firewall: boolean;
  /** Networks of NAT real servers, where clients must not be. */
  readonly natNetworks: readonly string[];
}

/** Seconds that a director listens for VRRP adverts: three of the usual intervals. */
const LISTEN_SECONDS = 4;
/** Lines of each network that are taken of a connection table, which may hold millions. */
const CONNECTIONS = 5;

/** Pure. @param host a director, a real server or both */
export function liveQuestion(topology: Topology, host: string): LiveQuestion {
  const pairs = [...topology.pairs.values()].filter((pair) => pair.members.some((member) => member.host === host));
  const directed = servicesOf(topology, host);
  const tunnelled = topology.realServers.get(host)?.vips.some(({ mode }) => mode === 'tun') === true;
  const nat = directed.filter(({ mode }) => mode === 'nat').flatMap(({ realServers }) => realServers.map(({ address }) => address));
  const declared = natNetworksOf(topology, host).map(({ network }) => network);
  // Without a declared one, what nearly all networks of servers are; the real server's own address tells the rest.
  const likely = nat.filter((address) => !declared.some((network) => isIn(address, network))).map((address) => networkOf({ family: address.includes(':') ? 6 : 4, address, prefix: address.includes(':') ? 64 : 24 }));
  return {
    modules: [...new Set([...(directed.length === 0 ? [] : directorModules(topology, host)), ...realServerKernelModules(topology, host)])],
    towards: [...new Set(directed.flatMap((service) => service.realServers.filter((server) => server.host !== host).map(({ address }) => address)))],
    vips: [...new Set([...[...topology.pairs.values()].flatMap((pair) => addressesOf(pair).map(({ address }) => address)), ...[...topology.services.values()].flatMap(vipsOf)])],
    vrrpInterfaces: [...new Set(pairs.flatMap((pair) => pair.members.filter((member) => member.host === host).map((member) => member.interface)))],
    keepalived: pairs.length > 0 || directed.some(({ manager }) => manager === 'keepalived'),
    firewall: pairs.length > 0 || tunnelled,
    natNetworks: [...new Set([...declared, ...likely])],
  };
}

/**
 * Asks all of it in one request, as root, and writes nothing. It takes some seconds where adverts are listened for.
 * @param nonce hexadecimal, unpredictable: what a program prints cannot imitate a section
 */
export function liveScript(question: LiveQuestion, nonce: string): string {
  const section = (name: string): string => `printf '\\n${nonce} %s\\n' ${shellQuote(name)}`;
  return [
    section('addresses'),
    'ip -o addr show || exit 1',
    section('values'),
    // The shell's own `read` takes a byte at a time, and the kernel answers the second with end of file.
    `grep -Hs "" ${VALUES.join(' ')}`,
    section('default4'),
    'ip -4 route show default 2>/dev/null',
    section('default6'),
    'ip -6 route show default 2>/dev/null',
    section('routes'),
    ...question.towards.flatMap((address) => [`echo ${shellQuote(`to ${address}`)}`, `ip -o route get ${shellQuote(address)} 2>/dev/null`]),
    section('neighbours'),
    ...(question.vips.length === 0 ? [] : [`ip neigh show 2>/dev/null | ${shellCommand(['grep', '-F', ...question.vips.flatMap((vip) => ['-e', `${vip} `])])}`]),
    section('modules'),
    ...moduleLines(question.modules),
    ...(question.keepalived ? [section('keepalived'), 'if command -v keepalived >/dev/null 2>&1; then keepalived -v 2>&1; else echo absent; fi'] : []),
    ...(question.firewall ? firewallLines(section) : []),
    ...(question.natNetworks.length === 0 ? [] : [section('connections'), ...question.natNetworks.map((network) => shellCommand(['grep', '-s', '-m', String(CONNECTIONS), '-E', clientsOf(network), '/proc/net/ip_vs_conn']))]),
    ...listenLines(question.vrrpInterfaces, section),
    section('end'),
    'exit 0',
  ].join('\n');
}

const VALUES: readonly string[] = [
  ...['arp_ignore', 'arp_announce', 'rp_filter'].map((name) => `/proc/sys/net/ipv4/conf/*/${name}`),
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sys/net/ipv6/conf/all/forwarding',
  '/proc/sys/net/ipv4/vs/conn_reuse_mode',
  '/proc/sys/net/ipv4/vs/expire_nodest_conn',
  '/sys/class/net/*/mtu',
  '/sys/class/net/*/address',
];

/** `loaded NAME`, and lines of the kernel's own lists of modules that name it. */
function moduleLines(modules: readonly string[]): string[] {
  if (modules.length === 0) return [];
  return [
    ...modules.map((name) => `[ -d ${shellQuote(`/sys/module/${name.replaceAll('-', '_')}`)} ] && echo ${shellQuote(`loaded ${name}`)}`),
    // Not /proc/sys/kernel/osrelease: the shell reads a byte at a time, and that file ends after the first.
    'read -r _ _ release _ </proc/version',
    `grep -Hs ${modules.map((name) => `-e ${shellQuote(`^[^:]*/${name.replaceAll(/[-_]/g, '[-_]')}\\.ko`)}`).join(' ')} -- "/lib/modules/$release/modules.builtin" "/lib/modules/$release/modules.dep" | cut -d : -f 1,2`,
  ];
}

/** Every rule of every table that is there; none is loaded for being asked. `NAME failed` where a program cannot tell. */
function firewallLines(section: (name: string) => string): string[] {
  const run = (program: FirewallProgram, command: string): string =>
    `if command -v ${command.split(' ')[0] ?? ''} >/dev/null 2>&1; then ${section(program)}; ${command} 2>/dev/null || ${section(`${program} failed`)}; fi`;
  const saves = FIREWALL_PROGRAMS.filter((one) => one !== 'nft');
  return [
    section('filters'),
    '[ -d /sys/module/nf_tables ] && echo nf_tables',
    'for names in /proc/net/ip_tables_names /proc/net/ip6_tables_names; do [ -s "$names" ] && echo ip_tables; done',
    ...saves.filter((one) => !one.includes('legacy')).map((program) => run(program, program)),
    // Legacy tables beside those of iptables-nft are told by programs of their own.
    'case $(iptables -V 2>/dev/null) in *nf_tables*)',
    ...saves.filter((one) => one.includes('legacy')).map((program) => `if [ -s /proc/net/${program.startsWith('ip6') ? 'ip6' : 'ip'}_tables_names ]; then ${run(program, program)}; fi`),
    ';; esac',
    run('nft', 'nft list ruleset'),
  ];
}

/** All interfaces at once. tcpdump says first that it listens; -l and one small answer each keep them apart. */
function listenLines(interfaces: readonly string[], section: (name: string) => string): string[] {
  if (interfaces.length === 0) return [];
  const listen = (name: string): string => {
    const dump = shellCommand(['timeout', String(LISTEN_SECONDS), 'tcpdump', '-l', '-nn', '-t', '-c', '200', '-i', name, 'ip proto 112 or ip6 proto 112']);
    return `heard=$(${dump} 2>&1 | sort -u | head -n 50); printf '%s\\n' ${shellQuote(`on ${name}`)} "$heard"`;
  };
  return [
    section('adverts'),
    'if ! command -v tcpdump >/dev/null 2>&1; then echo "tcpdump is not installed"',
    'elif ! command -v timeout >/dev/null 2>&1; then echo "timeout(1) is not installed"',
    `else ${interfaces.map((name) => `{ ${listen(name)}; } &`).join('\n')}\nwait\nfi`,
  ];
}
