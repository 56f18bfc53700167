import { type IpvsDestination, type IpvsTable, keyOfService, serviceKey } from '../ipvs/types.ts';
import type { RealServer, Topology, VirtualService } from '../model/topology.ts';

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
