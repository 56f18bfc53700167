import { formatEndpoint } from '../model/ip.ts';
import { servicesOf } from '../model/lookups.ts';
import { type IpvsDestination, type IpvsService, type IpvsTable, serviceKey } from './types.ts';
import type { Topology, Tunnel, VirtualService } from '../model/topology.ts';

export { parseIpvsadmSave, parseProcNetIpVs } from './parse.ts';
export { type IpvsTable, keyOfService, serviceKey } from './types.ts';

/** The kernel table of a director that keepalived has filled and whose real servers are all healthy. Empty for a host that is no director. */
export function expectedTable(topology: Topology, director: string): IpvsTable {
  return { services: servicesOf(topology, director).map((service) => expectedService(service, director)) };
}

function expectedService(service: VirtualService, director: string): IpvsService {
  return {
    name: service.name,
    ...(service.match.kind === 'fwmark'
      ? { protocol: 'fwm' as const, address: '', port: service.match.mark, family: service.match.family }
      : { protocol: service.protocol, address: service.vip, port: service.port }),
    scheduler: service.scheduler,
    flags: [...service.schedulerFlags, ...(service.onePacket ? ['ops'] : [])].sort(),
    persistence: service.persistence?.timeout,
    persistencePrefix: service.persistence?.prefix,
    engine: service.persistence === undefined ? undefined : (service.persistence.engine ?? null),
    sorryServer: service.sorryServer,
    destinations: service.realServers.map(({ host, address, port, weight, upperThreshold, lowerThreshold, inhibitOnFailure }) => ({
      host,
      address,
      port,
      forward: host === director ? 'local' : service.mode,
      weight,
      upperThreshold,
      lowerThreshold,
      // A sorry server with inhibit does so with all of them.
      inhibit: inhibitOnFailure || service.sorryServer?.inhibit === true,
      tunnel: service.mode === 'tun' ? service.tunnel : undefined,
      activeConnections: undefined,
      inactiveConnections: undefined,
    })),
  };
}

/** One way in which a kernel's table is not the expected one. */
export interface IpvsDifference {
  readonly kind:
    | 'missing-service'
    | 'foreign-service'
    | 'scheduler'
    | 'flags'
    | 'persistence'
    /** keepalived takes a server out when its health check fails, so alone this is no proof of a mistake. */
    | 'missing-server'
    /** Likewise, where it gets weight 0 instead (inhibit_on_failure, or a sorry server with inhibit). */
    | 'inhibited-server'
    /** It serves as the quorum is lost. */
    | 'sorry-server'
    | 'foreign-server'
    | 'forward'
    | 'weight'
    | 'thresholds'
    | 'tunnel';
  /** As `serviceKey` gives it. */
  readonly service: string;
  /** `192.168.0.18:80`, when one real server is concerned. */
  readonly server?: string;
  /** The real server's inventory name, when the topology has it. */
  readonly host?: string;
  /** In words. */
  readonly text: string;
}

/**
 * Differences in words, in the order of the expected table, foreign services last; empty when they agree. Counters and order
 * do not count, nor does what the source of a table cannot tell (see the types).
 */
export function compareTables(expected: IpvsTable, actual: IpvsTable): readonly IpvsDifference[] {
  const found = new Map(actual.services.map((service) => [serviceKey(service), service]));
  const wanted = new Set(expected.services.map(serviceKey));
  // /proc/net/ip_vs does not tell the family of a mark: such an entry stands for the mark of either.
  for (const service of actual.services) if (isVagueMark(service)) found.set(serviceKey({ ...service, family: 6 }), service);
  const own = expected.services.flatMap((service): IpvsDifference[] => {
    const key = serviceKey(service);
    const other = found.get(key);
    const named = service.name === undefined ? key : `${key} (${service.name})`;
    return other === undefined ? [{ kind: 'missing-service', service: key, text: `virtual service ${named} is missing` }] : compareServices(service, other, key);
  });
  const foreign = actual.services
    .filter((service) => !wanted.has(serviceKey(service)) && !(isVagueMark(service) && wanted.has(serviceKey({ ...service, family: 6 }))))
    .map(serviceKey)
    .map((key): IpvsDifference => ({ kind: 'foreign-service', service: key, text: `virtual service ${key} is not in the topology` }));
  return [...own, ...foreign];
}

function isVagueMark(service: IpvsService): boolean {
  return service.protocol === 'fwm' && service.family === undefined;
}

function compareServices(expected: IpvsService, actual: IpvsService, key: string): IpvsDifference[] {
  const differences: IpvsDifference[] = [];
  const differs = (kind: IpvsDifference['kind'], what: string, is: string, shall: string): void => {
    if (is !== shall) differences.push({ kind, service: key, text: `${key}: ${what} is ${is}, not ${shall}` });
  };
  differs('scheduler', 'the scheduler', actual.scheduler, expected.scheduler);
  if (actual.flags !== undefined && expected.flags !== undefined) differs('flags', 'flags', listed(actual.flags), listed(expected.flags));
  differs('persistence', 'persistence', persistenceWords(actual, expected), persistenceWords(expected, actual));
  if (actual.persistencePrefix !== undefined && expected.persistencePrefix !== undefined) {
    differs('persistence', 'the prefix length of persistence', String(actual.persistencePrefix), String(expected.persistencePrefix));
  }
  if (actual.engine !== undefined && expected.engine !== undefined) differs('persistence', 'the persistence engine', actual.engine ?? 'none', expected.engine ?? 'none');
  const found = new Map(actual.destinations.map((server) => [endpointOf(server), server]));
  const wanted = new Set(expected.destinations.map(endpointOf));
  for (const server of expected.destinations) differences.push(...compareServers(server, found.get(endpointOf(server)), key));
  for (const server of actual.destinations.map(endpointOf)) {
    if (wanted.has(server)) continue;
    if (expected.sorryServer !== undefined && server === endpointOf(expected.sorryServer)) differences.push({ kind: 'sorry-server', service: key, server, text: `${key}: the sorry server ${server} serves, as the quorum is lost` });
    else differences.push({ kind: 'foreign-server', service: key, server, text: `${key}: real server ${server} is not in the topology` });
  }
  return differences;
}

function compareServers(expected: IpvsDestination, actual: IpvsDestination | undefined, key: string): IpvsDifference[] {
  const server = endpointOf(expected);
  const about = { service: key, server, ...(expected.host === undefined ? {} : { host: expected.host }) };
  const named = `${key}: real server ${expected.host === undefined ? server : `${expected.host} (${server})`}`;
  if (actual === undefined) return [{ ...about, kind: 'missing-server', text: `${named} is missing; a failed health check takes a real server out` }];
  const differences: IpvsDifference[] = [];
  // Of a local real server the kernel makes LocalNode and ipvsadm -S writes some mode: it makes no difference to packets.
  if (actual.forward !== expected.forward && expected.forward !== 'local') {
    differences.push({ ...about, kind: 'forward', text: `${named} is reached by ${actual.forward}, not ${expected.forward}` });
  }
  if (actual.weight === 0 && expected.weight !== 0 && expected.inhibit === true) differences.push({ ...about, kind: 'inhibited-server', text: `${named} has weight 0; a failed health check does that` });
  else if (actual.weight !== expected.weight) differences.push({ ...about, kind: 'weight', text: `${named} has weight ${String(actual.weight)}, not ${String(expected.weight)}` });
  for (const [is, shall] of [[actual.upperThreshold, expected.upperThreshold], [actual.lowerThreshold, expected.lowerThreshold]] as const) {
    if (is === undefined || shall === undefined || is === shall) continue;
    differences.push({ ...about, kind: 'thresholds', text: `${named} has connection thresholds ${thresholds(actual)}, not ${thresholds(expected)}` });
    break;
  }
  if (actual.tunnel !== undefined && expected.tunnel !== undefined && tunnelWords(actual.tunnel) !== tunnelWords(expected.tunnel)) {
    differences.push({ ...about, kind: 'tunnel', text: `${named} is reached by ${tunnelWords(actual.tunnel)}, not ${tunnelWords(expected.tunnel)}` });
  }
  return differences;
}

function endpointOf(server: Pick<IpvsDestination, 'address' | 'port'>): string {
  return formatEndpoint(server.address, server.port);
}

function thresholds({ upperThreshold, lowerThreshold }: IpvsDestination): string {
  return `${String(upperThreshold ?? 0)}/${String(lowerThreshold ?? 0)}`;
}

function tunnelWords({ type, port, checksum }: Tunnel): string {
  return [type, ...(port === undefined ? [] : [`port ${String(port)}`]), ...(checksum === 'none' ? [] : [checksum])].join(' ');
}

function listed(flags: readonly string[]): string {
  return flags.length === 0 ? 'none' : flags.join(',');
}

/** Only as exact as the less exact of the two tables is. */
function persistenceWords(one: IpvsService, other: IpvsService): string {
  if (one.persistence === undefined) return 'off';
  return one.persistence === 'unknown' || other.persistence === 'unknown' ? 'on' : `${String(one.persistence)} s`;
}
