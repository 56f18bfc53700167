import { formatEndpoint } from '../model/ip.ts';
import type { ForwardingMode, Tunnel, VirtualService } from '../model/topology.ts';

/** What IPVS holds in a kernel, or shall hold: virtual services with their real servers. Immutable. */
export interface IpvsTable {
  readonly services: readonly IpvsService[];
}

export interface IpvsService {
  /** `fwm`: told by a firewall mark instead of protocol, address and port. */
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'fwm';
  /** Shortest form; '' for a firewall mark. */
  readonly address: string;
  /** 0: all ports. The mark of a `fwm` service. */
  readonly port: number;
  /** Of a `fwm` service: IPVS keeps the marks of IPv4 and IPv6 apart. Undefined: another service, or the source does not tell. */
  readonly family?: 4 | 6 | undefined;
  readonly scheduler: string;
  /** Names as in `ipvsadm -b` (`sh-port`, ...) and `ops`; sorted. Undefined: the source does not tell. */
  readonly flags: readonly string[] | undefined;
  /** Seconds; undefined: none. `unknown`: persistent, but the source does not tell the seconds. */
  readonly persistence: number | 'unknown' | undefined;
  /** Prefix length of the clients that stay together; undefined: not persistent, or the source does not tell. */
  readonly persistencePrefix?: number | undefined;
  /** Undefined: the source does not tell; null: none. */
  readonly engine?: 'sip' | null | undefined;
  readonly destinations: readonly IpvsDestination[];
  /** The topology's: keepalived puts it in when the quorum is lost. A kernel does not know it. */
  readonly sorryServer?: Pick<IpvsDestination, 'address' | 'port'> | undefined;
  /** Its name in the topology; a kernel does not know it. */
  readonly name?: string;
}

export interface IpvsDestination {
  readonly address: string;
  readonly port: number;
  /** `local`: LocalNode, which the kernel makes of any mode when the real server is the director itself (ip_vs_ctl.c). */
  readonly forward: ForwardingMode | 'local';
  readonly weight: number;
  /** Connections; 0: no limit. Undefined: the source does not tell. */
  readonly upperThreshold?: number | undefined;
  readonly lowerThreshold?: number | undefined;
  /** Of `tun`; undefined: the source does not tell. */
  readonly tunnel?: Tunnel | undefined;
  /** Undefined: the source does not tell. */
  readonly activeConnections: number | undefined;
  readonly inactiveConnections: number | undefined;
  /** The topology's: keepalived gives it weight 0 instead of removing it when its check fails. */
  readonly inhibit?: boolean;
  /** Its host in the topology; a kernel does not know it. */
  readonly host?: string;
}

/** `TCP 192.168.0.38:80`, `FWM 7`, `FWM 7 IPv6`: what tells virtual services apart, in the words of `ipvsadm -Ln`. */
export function serviceKey(service: Pick<IpvsService, 'protocol' | 'address' | 'port' | 'family'>): string {
  return service.protocol === 'fwm' ? `FWM ${String(service.port)}${service.family === 6 ? ' IPv6' : ''}` : `${service.protocol.toUpperCase()} ${formatEndpoint(service.address, service.port)}`;
}

/** The key of a service of the topology in its directors' kernel tables. */
export function keyOfService(service: VirtualService): string {
  if (service.match.kind === 'fwmark') return serviceKey({ protocol: 'fwm', address: '', port: service.match.mark, family: service.match.family });
  return serviceKey({ protocol: service.protocol, address: service.vip, port: service.port });
}
