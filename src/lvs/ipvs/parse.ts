import { Address6 } from 'ip-address';
import { parseEndpoint, parseIp } from '../model/ip.ts';
import { prefixOfMask, prefixOfNetmask } from '../model/netmask.ts';
import type { Tunnel } from '../model/topology.ts';
import type { IpvsDestination, IpvsService, IpvsTable } from './types.ts';

type Draft = Omit<IpvsService, 'destinations'> & { readonly destinations: IpvsDestination[] };

const PROTOCOLS: Readonly<Record<string, IpvsService['protocol']>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp', FWM: 'fwm' };
/** The kernel's words (ip_vs_fwd_name in net/netfilter/ipvs/ip_vs_ctl.c); `Bypass` never stands at a configured destination. */
const FORWARDS: Readonly<Record<string, IpvsDestination['forward']>> = { Route: 'dr', Masq: 'nat', Tunnel: 'tun', Local: 'local' };

/**
 * `/proc/net/ip_vs`, readable without a process: addresses and ports in hex (IPv6 in brackets, in the kernel's `%pI6`).
 * It does not tell `sh-port` and the like, and a persistence time-out is in the kernel's ticks, whose length it does not tell either.
 * @throws Error for a line that is none of the kernel's
 */
export function parseProcNetIpVs(text: string): IpvsTable {
  const services: Draft[] = [];
  // Version and two headings come first; what counts begins with a known protocol or an arrow and hex digits.
  for (const line of text.split('\n')) {
    const [first = '', second = '', ...rest] = line.trim().split(/\s+/);
    if (first === '' || first === 'IP' || first === 'Prot' || second === 'RemoteAddress:Port') continue;
    if (first === '->') {
      services.at(-1)?.destinations.push(procDestination(second, rest, line));
      continue;
    }
    const protocol = PROTOCOLS[first];
    const [scheduler = '', ...flags] = rest;
    if (protocol === undefined) throw unreadable(line);
    const { address, port } = protocol === 'fwm' ? { address: '', port: Number.parseInt(second, 16) } : parseProcEndpoint(second, line);
    services.push({ protocol, address, port, scheduler, flags: undefined, ...procPersistence(flags, address, line), destinations: [] });
  }
  return { services };
}

/**
 * `persistent TICKS NETMASK`: IPv4's mask in hex. For IPv6 the field holds the prefix length, which the kernel prints with its bytes
 * turned round as if it were a mask (ip_vs_info_seq_show in net/netfilter/ipvs/ip_vs_ctl.c); of a mark it does not tell the family.
 */
function procPersistence(flags: readonly string[], address: string, line: string): Pick<IpvsService, 'persistence' | 'persistencePrefix'> {
  const at = flags.indexOf('persistent');
  if (at < 0) return { persistence: undefined };
  const mask = Number.parseInt(flags[at + 2] ?? '', 16);
  if (Number.isNaN(mask)) throw unreadable(line);
  const persistencePrefix = address === '' ? undefined : address.includes(':') ? mask >>> 24 : prefixOfMask(mask);
  return { persistence: 'unknown', persistencePrefix };
}

function procDestination(endpoint: string, [forward = '', weight = '', active = '', inactive = '']: readonly string[], line: string): IpvsDestination {
  const mode = FORWARDS[forward];
  if (mode === undefined) throw unreadable(line);
  return { ...parseProcEndpoint(endpoint, line), forward: mode, weight: whole(weight, line), activeConnections: whole(active, line), inactiveConnections: whole(inactive, line) };
}

/** `C0A80026:0050` or `[...]:0050`, as the kernel writes it. @throws Error with `line` for anything else */
export function parseProcEndpoint(text: string, line: string): { address: string; port: number } {
  const v4 = /^([0-9A-F]{8}):([0-9A-F]{4})$/i.exec(text);
  if (v4 !== null) {
    const [, hex = '', port = ''] = v4;
    const address = [0, 2, 4, 6].map((at) => String(Number.parseInt(hex.slice(at, at + 2), 16))).join('.');
    return { address, port: Number.parseInt(port, 16) };
  }
  const v6 = /^\[([0-9A-F:]+)\]:([0-9A-F]{4})$/i.exec(text);
  const [, address = '', port = ''] = v6 ?? [];
  if (v6 === null || !Address6.isValid(address)) throw unreadable(line);
  return { address: new Address6(address).correctForm(), port: Number.parseInt(port, 16) };
}

/**
 * The output of `ipvsadm -Sn` (ipvsadm 1.31): one `-A` per virtual service, one `-a` per real server. Counters are not in it.
 * @throws Error for a line that ipvsadm does not write
 */
export function parseIpvsadmSave(text: string): IpvsTable {
  const services = new Map<string, Draft>();
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const words = line.trim().split(/\s+/);
    const option = (...names: string[]): string | undefined => {
      const at = words.findIndex((word) => names.includes(word));
      return at < 0 ? undefined : (words[at + 1] ?? '');
    };
    const [command = '', kind = '', name = ''] = words;
    // Of IPv4 and IPv6 services with the same mark, only -6 tells.
    const key = `${kind} ${name} ${kind === '-f' && words.includes('-6') ? '6' : ''}`;
    if (command === '-A') {
      const flags = [...(option('-b') ?? '').split(',').filter((flag) => flag !== ''), ...(words.includes('-o') || words.includes('--ops') ? ['ops'] : [])].sort();
      const persistence = option('-p');
      const service = saveService(kind, name, line, words.includes('-6'));
      services.set(key, { ...service, scheduler: option('-s') ?? '', flags, ...savePersistence(persistence, option('-M', '--netmask'), option('--pe'), service, line), destinations: [] });
    } else if (command === '-a') {
      const service = services.get(key);
      if (service === undefined) throw unreadable(line);
      const forward = words.includes('-g') ? 'dr' : words.includes('-i') ? 'tun' : words.includes('-m') ? 'nat' : undefined;
      if (forward === undefined) throw unreadable(line);
      service.destinations.push({ ...saveEndpoint(option('-r') ?? '', line), forward, weight: whole(option('-w') ?? '', line), tunnel: forward === 'tun' ? saveTunnel(option('--tun-type'), option('--tun-port'), words) : undefined, activeConnections: undefined, inactiveConnections: undefined });
    } else {
      throw unreadable(line);
    }
  }
  return { services: [...services.values()] };
}

function savePersistence(timeout: string | undefined, mask: string | undefined, engine: string | undefined, { address, family }: Pick<IpvsService, 'address' | 'family'>, line: string): Pick<IpvsService, 'persistence' | 'persistencePrefix' | 'engine'> {
  if (timeout === undefined) return { persistence: undefined };
  const ipv6 = address.includes(':') || family === 6;
  const persistencePrefix = mask === undefined ? (ipv6 ? 128 : 32) : ipv6 ? whole(mask, line) : prefixOfNetmask(mask);
  return { persistence: whole(timeout, line), persistencePrefix, engine: engine === 'sip' ? 'sip' : null };
}

/** Without `--tun-type` it is ipip. */
function saveTunnel(type: string | undefined, port: string | undefined, words: readonly string[]): Tunnel {
  return {
    type: type === 'gue' || type === 'gre' ? type : 'ipip',
    port: port === undefined ? undefined : Number(port),
    checksum: words.includes('--tun-csum') ? 'csum' : words.includes('--tun-remcsum') ? 'remcsum' : 'none',
  };
}

function saveService(kind: string, name: string, line: string, six: boolean): Pick<IpvsService, 'protocol' | 'address' | 'port' | 'family'> {
  if (kind === '-f') return { protocol: 'fwm', address: '', port: whole(name, line), family: six ? 6 : 4 };
  const protocol = ({ '-t': 'tcp', '-u': 'udp', '--sctp-service': 'sctp' } as const)[kind];
  if (protocol === undefined) throw unreadable(line);
  return { protocol, ...saveEndpoint(name, line) };
}

function saveEndpoint(text: string, line: string): { address: string; port: number } {
  const endpoint = parseEndpoint(text) ?? { ...parseIp(text.replace(/^\[|\]$/g, '')), port: 0 };
  if (endpoint.address === undefined) throw unreadable(line);
  return { address: endpoint.address, port: endpoint.port };
}

function whole(text: string, line: string): number {
  if (!/^-?\d+$/.test(text)) throw unreadable(line);
  return Number(text);
}

function unreadable(line: string): Error {
  return new Error(`unreadable line of the IPVS table: ${line.trim()}`);
}
