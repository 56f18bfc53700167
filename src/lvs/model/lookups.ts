import type { MarkedEndpoint, NatNetwork, Topology, VirtualService } from './topology.ts';

/** What others than the topology's builder ask of a topology again and again. Pure. */

/** A director's virtual services, in the topology's order. */
export function servicesOf(topology: Topology, director: string): readonly VirtualService[] {
  return [...topology.services.values()].filter((service) => service.directors.includes(director));
}

/** Networks of real servers behind a director. */
export function natNetworksOf(topology: Topology, director: string): readonly NatNetwork[] {
  return [...topology.natNetworks.values()].filter((network) => network.directors.includes(director));
}

/** What clients ask for: several with a firewall mark. */
export function endpointsOf(service: VirtualService): readonly MarkedEndpoint[] {
  return service.match.kind === 'fwmark' ? service.match.endpoints : [{ protocol: service.protocol, address: service.vip, port: service.port }];
}

/** Every VIP of a service, once. */
export function vipsOf(service: VirtualService): readonly string[] {
  return [...new Set(endpointsOf(service).map(({ address }) => address))];
}
