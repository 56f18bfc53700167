import { FIREWALL_PROGRAMS, readRulesets } from '../../import/firewall/read.ts';
import type { Ruleset } from '../../import/firewall/rule.ts';
import { parseAddresses } from '../../lvs/host/addresses.ts';
import { type KeepalivedVersion, keepalivedVersion } from '../../lvs/keepalived/version.ts';
import { parseIp } from '../../lvs/model/ip.ts';
import { parseConnections } from './connections.ts';
import type { LiveQuestion } from './question.ts';
import type { Advert, Link, LiveState, ModuleState, Route, Told } from './state.ts';

/** What `liveScript` printed. Pure. @param nonce that of the script @throws Error when the answer is incomplete */
export function parseLiveState(host: string, question: LiveQuestion, output: string, nonce: string): LiveState {
  const sections = new Map<string, string>();
  const pieces = output.split(new RegExp(`\\n${nonce} ([^\\n]+)\\n`));
  if (pieces.at(-2) !== 'end') throw new Error('the answer is incomplete');
  for (let at = 1; at < pieces.length; at += 2) sections.set(pieces[at] ?? '', pieces[at + 1] ?? '');
  const section = (name: string): string => sections.get(name) ?? '';
  const values = section('values');
  return {
    host,
    addresses: parseAddresses(section('addresses')),
    sysctls: new Map([...values.matchAll(/^\/proc\/sys\/([^:]+):(.*)$/gm)].map(([, key = '', value = '']) => [key, value.trim()])),
    links: linksOf(values),
    routes: new Map([...section('routes').matchAll(/^to (\S+)\n((?!to ).+)/gm)].flatMap(([, address = '', line = '']) => entry(address, routeOf(line)))),
    defaults: new Map(([4, 6] as const).flatMap((family) => entry(family, routeOf(section(`default${String(family)}`).trim().split('\n')[0] ?? '')))),
    neighbours: [...section('neighbours').matchAll(/^(\S+) dev \S+ (?:.* )?lladdr ([0-9a-f:]+)\b/gm)].map(([, address = '', mac = '']) => ({ address, mac })).filter(({ address }) => question.vips.includes(address)),
    modules: modulesOf(question.modules, section('modules')),
    keepalived: question.keepalived ? keepalivedOf(section('keepalived')) : undefined,
    firewall: question.firewall ? firewallOf(sections, host) : undefined,
    adverts: advertsOf(question.vrrpInterfaces, section('adverts')),
    connections: parseConnections(section('connections')),
  };
}

function entry<K, V>(key: K, value: V | undefined): [K, V][] {
  return value === undefined ? [] : [[key, value]];
}

function linksOf(values: string): Map<string, Link> {
  const read = (file: string): Map<string, string> => new Map([...values.matchAll(/^\/sys\/class\/net\/([^/]+)\/([^:]+):(.*)$/gm)].filter(([, , is]) => is === file).map(([, name = '', , value = '']) => [name, value.trim()]));
  const macs = read('address');
  return new Map([...read('mtu')].map(([name, mtu]) => [name, { mtu: Number(mtu), mac: macs.get(name) ?? '' }]));
}

/** A line of `ip route show` or `ip route get`; undefined for a route that leads nowhere. */
function routeOf(line: string): Route | undefined {
  const device = /\bdev (\S+)/.exec(line)?.[1];
  if (device === undefined || /^(unreachable|blackhole|prohibit|throw)\b/.test(line)) return undefined;
  const mtu = /\bmtu (?:lock )?(\d+)/.exec(line)?.[1];
  return { device, via: /\bvia (?:inet6? )?(\S+)/.exec(line)?.[1], mtu: mtu === undefined ? undefined : Number(mtu) };
}

function modulesOf(asked: readonly string[], text: string): Map<string, ModuleState> {
  const plain = (name: string): string => name.replaceAll('-', '_');
  const loaded = new Set([...text.matchAll(/^loaded (\S+)$/gm)].map(([, name = '']) => plain(name)));
  const listed = [...text.matchAll(/^\S+\/modules\.(builtin|dep):(?:\S*\/)?([^/\s]+?)\.ko/gm)];
  const of = (list: string): Set<string> => new Set(listed.filter(([, from]) => from === list).map(([, , name = '']) => plain(name)));
  const [builtIn, files] = [of('builtin'), of('dep')];
  return new Map(asked.map((name) => [name, loaded.has(plain(name)) || builtIn.has(plain(name)) ? 'loaded' : files.has(plain(name)) ? 'available' : 'missing']));
}

/** `Keepalived v2.2.7 (01/16,2022)` is the first line of `keepalived -v`. */
function keepalivedOf(text: string): Told<KeepalivedVersion> {
  if (text.trim() === 'absent') return { untold: 'keepalived is not installed' };
  const version = keepalivedVersion(/^Keepalived (v\S+)/m.exec(text)?.[1] ?? '');
  return version === undefined ? { untold: 'keepalived -v does not tell a version' } : { value: version };
}

function firewallOf(sections: ReadonlyMap<string, string>, host: string): Told<readonly Ruleset[]> {
  const failed = FIREWALL_PROGRAMS.find((program) => sections.has(`${program} failed`));
  if (failed !== undefined) return { untold: `${failed} fails there` };
  const filters = sections.get('filters') ?? '';
  const [nft, save] = [sections.has('nft'), ['iptables-save', 'iptables-legacy-save'].some((name) => sections.has(name))];
  if (filters.includes('nf_tables') && !nft && !save) return { untold: 'nftables is in use and nft is not installed' };
  if (filters.includes('ip_tables') && !save) return { untold: 'iptables is in use and iptables-save is not installed' };
  // Of bridges, ARP and single devices: VRRP and tunnels pass the tables of IP.
  const outputs = new Map(FIREWALL_PROGRAMS.map((program) => [program, program === 'nft' ? withoutOthers(sections.get(program) ?? '') : (sections.get(program) ?? '')]));
  return { value: readRulesets(outputs, host) };
}

/** `nft list ruleset` prints a table from `table FAMILY NAME {` to a `}` at the beginning of a line. */
function withoutOthers(listing: string): string {
  return listing.replaceAll(/^table (?:arp|bridge|netdev) \S+ \{\n[\s\S]*?^\}$/gm, '');
}

function advertsOf(interfaces: readonly string[], text: string): Map<string, Told<readonly Advert[]>> {
  const [head = '', ...parts] = `\n${text}`.split(/\non (\S+)\n/);
  const heard = new Map(parts.flatMap((name, index) => (index % 2 === 0 ? [[name, parts[index + 1] ?? ''] as const] : [])));
  return new Map(
    interfaces.map((name): [string, Told<readonly Advert[]>] => {
      const lines = heard.get(name);
      if (lines === undefined) return [name, { untold: head.trim() === '' ? 'it did not listen' : head.trim() }];
      if (!/^listening on /m.test(lines)) return [name, { untold: lines.trim().split('\n')[0] ?? '' }];
      return [name, { value: parseAdverts(lines) }];
    }),
  );
}

/** `IP 192.168.0.48 > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio 100, ...`, as tcpdump -nn -t prints it. */
function parseAdverts(lines: string): readonly Advert[] {
  return [...lines.matchAll(/^IP6? (\S+) > \S+: VRRPv([23]), Advertisement, (?:\([^)]*\), )?vrid (\d+), prio (\d+)/gm)].flatMap(([, source = '', version, id, priority]) => {
    const ip = parseIp(source);
    return ip === undefined ? [] : [{ source: ip.address, virtualRouterId: Number(id), version: version === '3' ? 3 : 2, priority: Number(priority) }];
  });
}
