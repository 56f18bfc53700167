import type { IpvsDestination, IpvsTable } from '../lvs/ipvs/types.ts';
import { vipsOf } from '../lvs/model/lookups.ts';
import type { Topology, VirtualService } from '../lvs/model/topology.ts';
import { destinationIn, type ServerShare, sharesOf } from '../lvs/drain/shares.ts';
import type { DrainRecord } from '../lvs/drain/record.ts';
import { listensAt, type LocalSockets, localPlaces, openAt } from '../lvs/drain/sockets.ts';
import type { Observation } from '../observe/observation.ts';

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

/** One look at all that takes part. */
export interface ClusterLook {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly directors: Observation<DirectorLook>;
  /** TCP on real servers. */
  readonly servers: Observation<readonly LocalSockets[]>;
}

/** Directors that say of themselves that they hold every virtual IP of a service. That there is none says something only when all of them answered. Pure. */
export function holdersOf(service: VirtualService, look: ClusterLook): DirectorLook[] {
  const vips = vipsOf(service);
  return answering(service.directors, look).filter((director) => vips.every((vip) => director.holds.has(vip)));
}

/** What those of some directors say that answered, in this order. Pure. */
export function answering(directors: readonly string[], look: ClusterLook): DirectorLook[] {
  return directors.flatMap((name) => {
    const seen = look.directors.at(name);
    return seen?.kind === 'answered' ? [seen.value] : [];
  });
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
  /** Nobody could say: neither the real server nor a director that holds the virtual IP. */
  readonly blind: boolean;
}

/** Pure. */
export function drainLeft(topology: Topology, host: string, look: ClusterLook): DrainLeft {
  const shares = sharesOf(topology, host);
  const answer = look.servers.at(host);
  const sockets = answer?.kind === 'answered' ? answer.value : undefined;
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

/** Services whose places nobody listens at on the real server itself. Pure. @param sockets what it says */
export function silentServices(topology: Topology, host: string, sockets: readonly LocalSockets[]): string[] {
  return sharesOf(topology, host).flatMap(({ service, server }) => localPlaces(service, server).filter((place) => !listensAt(sockets, place)).map(({ address, port }) => `${service.name} (nobody listens on ${address}, port ${String(port)})`));
}

/** Whether its end can be seen on the real server. */
function countsTcp({ service, server }: ServerShare): boolean {
  return localPlaces(service, server).length > 0;
}

function weightOn(look: ClusterLook, director: string, share: ServerShare): number | undefined {
  const [state] = answering([director], look);
  return state === undefined ? undefined : destinationIn(state.table, share)?.weight;
}

function most(entry: IpvsDestination | undefined, count: (entry: IpvsDestination) => number): number {
  return entry === undefined ? 0 : count(entry);
}
