import { LvsPlayError } from '../core/errors.ts';
import { formatEndpoint, parseIp } from './ip.ts';
import type { ForwardingMode, Protocol, Topology } from './topology.ts';

/** How the kernel names forwarding; a destination on the director itself is Local whatever was asked. */
export type Forwarding = 'Masq' | 'Route' | 'Tunnel' | 'Local' | 'Bypass';

export interface IpvsDestination {
  readonly address: string;
  readonly port: number;
  readonly forwarding: Forwarding;
  readonly weight: number;
  /** Counters; 0 in an expected table. */
  readonly activeConnections: number;
  readonly inactiveConnections: number;
}

export interface IpvsService {
  readonly protocol: Protocol | 'fwmark';
  /** IP address, or the mark in decimal. */
  readonly address: string;
  /** 0 for a mark. */
  readonly port: number;
  readonly scheduler: string;
  /** Time-out of persistence. In an expected table in seconds; as /proc gives it, in ticks of a kernel whose HZ is not known. */
  readonly persistence: { readonly seconds: number } | { readonly ticks: number } | undefined;
  readonly destinations: readonly IpvsDestination[];
}

/** An IPVS table: what one director's kernel balances. */
export interface IpvsTable {
  readonly services: readonly IpvsService[];
}

const FORWARDING: Readonly<Record<ForwardingMode, Forwarding>> = { dr: 'Route', nat: 'Masq', tun: 'Tunnel' };
const KNOWN_FORWARDING: readonly Forwarding[] = ['Masq', 'Route', 'Tunnel', 'Local', 'Bypass'];

/**
 * Reads /proc/net/ip_vs (kernel, ip_vs_ctl.c, ip_vs_info_seq_show): addresses and ports in hex, IPv6 in brackets.
 * @throws LvsPlayError kind `host`, `bad-ipvs-table`, when a line is not understood: half a table would be judged wrongly
 */
export function parseProcNetIpVs(text: string): IpvsTable {
  const services: (IpvsService & { readonly destinations: IpvsDestination[] })[] = [];
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const [first = '', second = '', ...rest] = words;
    if (first === '' || first === 'IP' || first === 'Prot' || (first === '->' && second === 'RemoteAddress:Port')) continue;
    if (first === '->') {
      const service = services.at(-1);
      if (service === undefined) throw notUnderstood(line);
      service.destinations.push(destination(second, rest, line));
    } else {
      services.push({ ...serviceHead(first, second, rest, line), destinations: [] });
    }
  }
  return { services };
}

function serviceHead(kind: string, where: string, rest: readonly string[], line: string): Omit<IpvsService, 'destinations'> {
  const [scheduler = ''] = rest;
  const at = rest.indexOf('persistent');
  const ticks = Number(rest[at + 1]);
  if (scheduler === '' || (at >= 0 && !Number.isInteger(ticks))) throw notUnderstood(line);
  const common = { scheduler, persistence: at < 0 ? undefined : { ticks } };
  if (kind === 'FWM') {
    if (!/^[0-9A-F]{1,8}$/i.test(where)) throw notUnderstood(line);
    return { protocol: 'fwmark', address: String(Number.parseInt(where, 16)), port: 0, ...common };
  }
  const protocol = (['tcp', 'udp', 'sctp'] as const).find((known) => known.toUpperCase() === kind);
  if (protocol === undefined) throw notUnderstood(line);
  return { protocol, ...hexEndpoint(where, line), ...common };
}

function destination(where: string, rest: readonly string[], line: string): IpvsDestination {
  const [method = '', weight = '', active = '', inactive = ''] = rest;
  const forwarding = KNOWN_FORWARDING.find((known) => known === method);
  if (forwarding === undefined || ![weight, active, inactive].every((digits) => /^-?\d+$/.test(digits))) throw notUnderstood(line);
  return { ...hexEndpoint(where, line), forwarding, weight: Number(weight), activeConnections: Number(active), inactiveConnections: Number(inactive) };
}

/** `C0A80026:0050` or `[2001:0db8:0000:0000:0000:0000:0000:0001]:0050`. */
function hexEndpoint(text: string, line: string): { address: string; port: number } {
  const match = /^(?:([0-9A-F]{8})|\[([0-9A-F:]+)\]):([0-9A-F]{4})$/i.exec(text);
  if (match === null) throw notUnderstood(line);
  const [, v4, v6 = '', port = ''] = match;
  const address = v4 === undefined ? parseIp(v6)?.address : (v4.match(/../g) ?? []).map((byte) => String(Number.parseInt(byte, 16))).join('.');
  if (address === undefined) throw notUnderstood(line);
  return { address, port: Number.parseInt(port, 16) };
}

function notUnderstood(line: string): LvsPlayError {
  return new LvsPlayError({
    code: 'bad-ipvs-table',
    kind: 'host',
    message: `a line of /proc/net/ip_vs is not understood: ${JSON.stringify(line.slice(0, 120))}`,
    hint: 'compare with `ipvsadm -Ln` on the director',
  });
}

/** The table that a director must have, every real server healthy. */
export function expectedTable(topology: Topology, director: string): IpvsTable {
  const services = [...topology.services.values()].filter((service) => service.directors.includes(director));
  return {
    services: services.map((service) => ({
      protocol: service.protocol,
      address: service.vip,
      port: service.port,
      scheduler: service.scheduler,
      persistence: service.persistence === undefined ? undefined : { seconds: service.persistence },
      destinations: service.realServers.map((server) => ({
        address: server.address,
        port: server.port,
        forwarding: FORWARDING[service.mode],
        weight: server.weight,
        activeConnections: 0,
        inactiveConnections: 0,
      })),
    })),
  };
}

/** `tcp 192.168.0.38:80` or `fwmark 7`. */
export function serviceName(service: Pick<IpvsService, 'protocol' | 'address' | 'port'>): string {
  return service.protocol === 'fwmark' ? `fwmark ${service.address}` : `${service.protocol} ${formatEndpoint(service.address, service.port)}`;
}
