import { type IpvsDestination, type IpvsTable, keyOfService, serviceKey } from '../ipvs/types.ts';
import { vipsOf } from '../model/lookups.ts';
import type { RealServer, Topology, VirtualService } from '../model/topology.ts';
import type { DrainRecord } from './record.ts';
import { listensAt, type LocalSockets, localPlaces, openAt } from './sockets.ts';

/** What a director says of its part in a drain. */
export interface DirectorLook {
  readonly host: string;
  /** The kernel's, with its counts of connections. */
  readonly table: IpvsTable;
  readonly templates: readonly PersistenceTemplates[];
  /** Addresses that it holds, without prefix. */
  readonly holds: ReadonlySet<string>;
  readonly drains: ReadonlyMap<string, DrainRecord>;
  /** Of net.ipv4.vs; undefined: the kernel has none. */
  readonly connReuseMode: number | undefined;
  readonly expireNodestConn: number | undefined;
  readonly expireQuiescentTemplate: number | undefined;
}

/** Clients that stay with a real server. */
export interface PersistenceTemplates {
  /** The real server's address. */
  readonly server: string;
  readonly count: number;
}

/** One look at all that takes part. Undefined: it cannot be reached. */
export interface ClusterLook {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly directors: ReadonlyMap<string, DirectorLook | undefined>;
  /** TCP on real servers, where they were asked. */
  readonly servers: ReadonlyMap<string, readonly LocalSockets[] | undefined>;
}

/** A real server's part in one virtual service. */
export interface ServerShare {
  readonly service: VirtualService;
  readonly server: RealServer;
}

/** Every service that a host serves in, with the entry it has there; several with several ports. Pure. */
export function sharesOf(topology: Topology, host: string): ServerShare[] {
  return [...topology.services.values()].flatMap((service) => service.realServers.filter((server) => server.host === host).map((server) => ({ service, server })));
}

/** Directors that balance to any of these hosts, in the topology's order. Pure. */
export function directorsOf(topology: Topology, hosts: readonly string[]): string[] {
  const wanted = new Set(hosts.flatMap((host) => sharesOf(topology, host).flatMap(({ service }) => service.directors)));
  return [...topology.directors.keys()].filter((director) => wanted.has(director));
}

/** A real server in a kernel's table; undefined: it is not there. A kernel's list does not tell marks of IPv4 and IPv6 apart: the server's address does. Pure. */
export function destinationIn(table: IpvsTable, { service, server }: ServerShare): IpvsDestination | undefined {
  const key = keyOfService(service).replace(/ IPv6$/, '');
  const same = table.services.filter((one) => serviceKey(one).replace(/ IPv6$/, '') === key);
  return same.flatMap(({ destinations }) => destinations).find(({ address, port }) => address === server.address && port === server.port);
}

/** Who holds every virtual IP of a service. Pure. */
export function holdersOf(service: VirtualService, look: ClusterLook): DirectorLook[] {
  const vips = vipsOf(service);
  return service.directors.flatMap((name) => look.directors.get(name) ?? []).filter((director) => vips.every((vip) => director.holds.has(vip)));
}

/** How much of a drain is left on one real server. */
export interface DrainLeft {
  readonly host: string;
  /** Directors whose kernel still sends new clients there: `lvs1 (web: weight 1)`. */
  readonly stillSent: readonly string[];
  /** Of clients, by the real server's own sockets; where it cannot be asked, by the directors. */
  readonly connections: number;
  readonly told: 'server' | 'directors';
  /** The first peers of these connections. */
  readonly peers: readonly string[];
  /** What is no TCP has no end that anybody sees: what the directors still remember of it. */
  readonly flows: number;
  readonly templates: number;
  /** Nobody could tell: neither the real server nor a director that holds the virtual IP. */
  readonly blind: boolean;
}

/** Pure. */
export function drainLeft(topology: Topology, host: string, look: ClusterLook): DrainLeft {
  const shares = sharesOf(topology, host);
  const sockets = look.servers.get(host);
  const stillSent = shares.flatMap((share) =>
    share.service.directors.flatMap((name) => {
      const weight = weightOn(look, name, share);
      return weight === undefined || weight === 0 ? [] : [`${name} (${share.service.name}: weight ${String(weight)})`];
    }),
  );
  const told = sockets === undefined ? 'directors' : 'server';
  const tcp = shares.filter((share) => countsTcp(share));
  const seen = openAt(sockets ?? [], tcp.flatMap(({ service, server }) => localPlaces(service, server)));
  const counted = (of: readonly ServerShare[], count: (entry: IpvsDestination) => number): number => of.reduce((sum, share) => sum + Math.max(0, ...holdersOf(share.service, look).map(({ table }) => most(destinationIn(table, share), count))), 0);
  const connections = told === 'server' ? seen.open : counted(tcp, (entry) => entry.activeConnections ?? 0);
  const flows = counted(shares.filter((share) => !countsTcp(share)), (entry) => (entry.activeConnections ?? 0) + (entry.inactiveConnections ?? 0));
  const persistent = shares.filter(({ service }) => service.persistence !== undefined);
  const addresses = new Set(persistent.map(({ server }) => server.address));
  const templates = Math.max(0, ...[...new Set(persistent.flatMap(({ service }) => holdersOf(service, look)))].map((holder) => holder.templates.filter(({ server }) => addresses.has(server)).reduce((sum, { count }) => sum + count, 0)));
  const unheld = (of: readonly ServerShare[]): boolean => of.some(({ service }) => holdersOf(service, look).length === 0);
  const blind = unheld(told === 'server' ? shares.filter((share) => !countsTcp(share) || share.service.persistence !== undefined) : shares);
  return { host, stillSent, connections, told, peers: seen.peers, flows, templates, blind };
}

/** Services whose places nobody listens at on the real server itself; undefined: it was not or cannot be asked. Pure. */
export function silentServices(topology: Topology, host: string, look: ClusterLook): string[] | undefined {
  const sockets = look.servers.get(host);
  if (sockets === undefined) return undefined;
  return sharesOf(topology, host).flatMap(({ service, server }) => localPlaces(service, server).filter((place) => !listensAt(sockets, place)).map(({ address, port }) => `${service.name} (nobody listens on ${address}, port ${String(port)})`));
}

/** Whether its end can be seen on the real server. */
function countsTcp({ service, server }: ServerShare): boolean {
  return localPlaces(service, server).length > 0;
}

function weightOn(look: ClusterLook, director: string, share: ServerShare): number | undefined {
  const state = look.directors.get(director);
  return state === undefined ? undefined : destinationIn(state.table, share)?.weight;
}

function most(entry: IpvsDestination | undefined, count: (entry: IpvsDestination) => number): number {
  return entry === undefined ? 0 : count(entry);
}
