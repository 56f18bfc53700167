import { formatEndpoint } from '../model/ip.ts';
import { netmaskOf } from '../model/netmask.ts';
import { type IpvsDestination, type IpvsService, type IpvsTable, serviceKey } from './types.ts';

/** One change of a kernel's table. */
export interface IpvsCommand {
  /** Arguments of ipvsadm, `-a -t 192.168.0.38:80 -r ...`. */
  readonly argv: readonly string[];
  /** As `serviceKey` gives it. */
  readonly service: string;
  /** `192.168.0.18:80`, or its inventory name before it; undefined: the virtual service itself. */
  readonly server: string | undefined;
  /** The entry in words; null: not there. */
  readonly before: string | null;
  readonly after: string | null;
  /** What it costs in words; undefined: nothing. */
  readonly impact: string | undefined;
}

/**
 * The fewest commands that make our virtual services what they shall be. Others' services are never touched.
 *
 * Of each service, new real servers come first, then changed ones (weights that grow before weights that shrink), and what goes
 * comes last: there is no moment without a server that both tables have. A change is an edit, never a removal and an addition, so that
 * connections live on. Services that go are removed after all others are as they shall be.
 * @param expected ours as they shall be; taken over when somebody else made them
 * @param actual all that the kernel has; what its source does not tell counts as right
 * @param owned keys (`serviceKey`) of services that are ours: those of them that are not expected are removed
 */
export function ipvsCommands(expected: IpvsTable, actual: IpvsTable, owned: ReadonlySet<string>): readonly IpvsCommand[] {
  const found = new Map(actual.services.map((service) => [serviceKey(service), service]));
  const wanted = new Set(expected.services.map(serviceKey));
  const removed = actual.services.filter((service) => owned.has(serviceKey(service)) && !wanted.has(serviceKey(service)));
  return [...expected.services.flatMap((service) => serviceCommands(service, found.get(serviceKey(service)))), ...removed.map(removal)];
}

/** The table after `ipvsCommands`: ours as expected, others' as they were. Counters of real servers that stay are kept. */
export function tableAfter(expected: IpvsTable, actual: IpvsTable, owned: ReadonlySet<string>): IpvsTable {
  const wanted = new Map(expected.services.map((service) => [serviceKey(service), service]));
  const kept = actual.services
    .filter((service) => wanted.has(serviceKey(service)) || !owned.has(serviceKey(service)))
    .map((service) => {
      const own = wanted.get(serviceKey(service));
      return own === undefined ? service : settled(own, service);
    });
  const known = new Set(actual.services.map(serviceKey));
  return { services: [...kept, ...expected.services.filter((service) => !known.has(serviceKey(service))).map((service) => settled(service, undefined))] };
}

function settled(expected: IpvsService, actual: IpvsService | undefined): IpvsService {
  return {
    ...expected,
    destinations: expected.destinations.map((server): IpvsDestination => {
      const before = actual?.destinations.find((one) => endpointOf(one) === endpointOf(server));
      return {
        ...server,
        upperThreshold: server.upperThreshold ?? 0,
        lowerThreshold: server.lowerThreshold ?? 0,
        activeConnections: before === undefined ? 0 : before.activeConnections,
        inactiveConnections: before === undefined ? 0 : before.inactiveConnections,
      };
    }),
  };
}

function serviceCommands(expected: IpvsService, actual: IpvsService | undefined): IpvsCommand[] {
  const service = serviceKey(expected);
  const command = (verb: string, words: readonly string[], more: Partial<IpvsCommand>): IpvsCommand => ({ argv: [verb, ...serviceName(expected), ...words], service, server: undefined, before: null, after: null, impact: undefined, ...more });
  const own: IpvsCommand[] = [];
  const after = serviceWords(expected).join(' ');
  if (actual === undefined) own.push(command('-A', serviceWords(expected), { after }));
  else if (!sameService(expected, actual)) own.push(command('-E', serviceWords(expected), { before: serviceWords(actual).join(' '), after }));
  const found = new Map((actual?.destinations ?? []).map((server) => [endpointOf(server), server]));
  const added: IpvsCommand[] = [];
  const grown: IpvsCommand[] = [];
  const shrunk: IpvsCommand[] = [];
  for (const server of expected.destinations) {
    const endpoint = endpointOf(server);
    const now = found.get(endpoint);
    const words = serverWords(expected, server);
    const more = { server: server.host === undefined ? endpoint : `${server.host} ${endpoint}`, after: words.join(' ') };
    if (now === undefined) added.push(command('-a', ['-r', endpoint, ...words], more));
    else if (!sameServer(server, now)) {
      const edit = command('-e', ['-r', endpoint, ...words], { ...more, before: serverWords(expected, now).join(' '), impact: drains(server, now) });
      (server.weight > now.weight ? grown : shrunk).push(edit);
    }
  }
  const wanted = new Set(expected.destinations.map(endpointOf));
  const gone = (actual?.destinations ?? [])
    .filter((server) => !wanted.has(endpointOf(server)))
    .map((server) => command('-d', ['-r', endpointOf(server)], { server: endpointOf(server), before: serverWords(expected, server).join(' '), impact: `removes ${endpointOf(server)}: ${connections([server])}` }));
  return [...own, ...added, ...grown, ...shrunk, ...gone];
}

function removal(service: IpvsService): IpvsCommand {
  const count = String(service.destinations.length);
  return {
    argv: ['-D', ...serviceName(service)],
    service: serviceKey(service),
    server: undefined,
    before: serviceWords(service).join(' '),
    after: null,
    impact: `removes ${serviceKey(service)} with its ${count} real server${count === '1' ? '' : 's'}: ${connections(service.destinations)}`,
  };
}

function drains(expected: IpvsDestination, actual: IpvsDestination): string | undefined {
  return expected.weight === 0 && actual.weight > 0 ? `drains ${expected.host ?? endpointOf(expected)}: ${connections([actual])}` : undefined;
}

function connections(servers: readonly IpvsDestination[]): string {
  if (servers.some((server) => server.activeConnections === undefined)) return 'an unknown number of active connections';
  const count = servers.reduce((sum, server) => sum + (server.activeConnections ?? 0), 0);
  return `${String(count)} active connection${count === 1 ? '' : 's'}`;
}

/** Words that name a virtual service for ipvsadm: `-t 192.168.0.38:80`, `-f 7 -6`. */
export function serviceName(service: Pick<IpvsService, 'protocol' | 'address' | 'port' | 'family'>): readonly string[] {
  if (service.protocol === 'fwm') return ['-f', String(service.port), ...(service.family === 6 ? ['-6'] : [])];
  const option = { tcp: '-t', udp: '-u', sctp: '--sctp-service' }[service.protocol];
  return [option, formatEndpoint(service.address, service.port)];
}

/** Options of a virtual service in the order of `ipvsadm -Sn` (ipvsadm 1.31): scheduler, persistence, one-packet, flags. */
export function serviceWords(service: IpvsService): readonly string[] {
  const flags = (service.flags ?? []).filter((flag) => flag !== 'ops');
  return [
    '-s',
    service.scheduler,
    ...persistenceWords(service),
    ...(service.flags?.includes('ops') === true ? ['-o'] : []),
    ...(flags.length === 0 ? [] : ['-b', flags.join(',')]),
  ];
}

function persistenceWords(service: IpvsService): string[] {
  const { persistence, persistencePrefix, engine } = service;
  if (persistence === undefined) return [];
  const ipv6 = service.address.includes(':') || service.family === 6;
  const whole = ipv6 ? 128 : 32;
  const prefix = persistencePrefix ?? whole;
  const mask = prefix === whole ? [] : ['-M', ipv6 ? String(prefix) : netmaskOf(prefix)];
  return ['-p', ...(persistence === 'unknown' ? [] : [String(persistence)]), ...mask, ...(engine === 'sip' ? ['--pe', 'sip'] : [])];
}

/** Options of a real server in the order of `ipvsadm -Sn`, which leaves out thresholds, and here also what is the default. */
export function serverWords(service: Pick<IpvsService, 'port' | 'protocol'>, server: IpvsDestination): readonly string[] {
  const { forward, upperThreshold: upper = 0, lowerThreshold: lower = 0 } = server;
  // The kernel makes LocalNode of its own address whatever is asked for, but without -m ipvsadm puts the service's port in.
  const local = service.protocol !== 'fwm' && server.port !== service.port ? '-m' : '-g';
  return [
    { dr: '-g', tun: '-i', nat: '-m', local }[forward],
    '-w',
    String(server.weight),
    ...(forward === 'tun' ? tunnelWords(server) : []),
    ...(upper === 0 ? [] : ['-x', String(upper)]),
    ...(lower === 0 ? [] : ['-y', String(lower)]),
  ];
}

/** ipip is every ipvsadm's; the others need 1.30 (gue) and 1.31 (gre). */
function tunnelWords({ tunnel }: IpvsDestination): string[] {
  if (tunnel === undefined || tunnel.type === 'ipip') return [];
  const port = tunnel.type === 'gue' && tunnel.port !== undefined ? ['--tun-port', String(tunnel.port)] : [];
  return ['--tun-type', tunnel.type, ...port, { none: '--tun-nocsum', csum: '--tun-csum', remcsum: '--tun-remcsum' }[tunnel.checksum]];
}

function sameService(expected: IpvsService, actual: IpvsService): boolean {
  return (
    expected.scheduler === actual.scheduler &&
    (expected.flags === undefined || actual.flags === undefined || [...expected.flags].sort().join() === [...actual.flags].sort().join()) &&
    samePersistence(expected, actual)
  );
}

function samePersistence(expected: IpvsService, actual: IpvsService): boolean {
  if (expected.persistence === undefined || actual.persistence === undefined) return expected.persistence === actual.persistence;
  return (
    (expected.persistence === actual.persistence || actual.persistence === 'unknown') &&
    same(expected.persistencePrefix, actual.persistencePrefix) &&
    same(expected.engine, actual.engine)
  );
}

function sameServer(expected: IpvsDestination, actual: IpvsDestination): boolean {
  return (
    expected.weight === actual.weight &&
    // LocalNode: the kernel's own doing, see serverWords.
    (expected.forward === 'local' || expected.forward === actual.forward) &&
    (actual.upperThreshold === undefined || actual.upperThreshold === (expected.upperThreshold ?? 0)) &&
    (actual.lowerThreshold === undefined || actual.lowerThreshold === (expected.lowerThreshold ?? 0)) &&
    (expected.forward !== 'tun' || actual.tunnel === undefined || tunnelWords(expected).join() === tunnelWords(actual).join())
  );
}

function same<T>(expected: T | undefined, actual: T | undefined): boolean {
  return expected === undefined || actual === undefined || expected === actual;
}

function endpointOf(server: IpvsDestination): string {
  return formatEndpoint(server.address, server.port);
}
