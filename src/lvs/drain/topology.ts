import type { RealServer, Topology } from '../model/topology.ts';
import { type DrainWeight, weightUnder } from './record.ts';

/** The topology as a director with these drains has to balance. @param weights by real server's name. Pure. */
export function withDrains(topology: Topology, weights: ReadonlyMap<string, DrainWeight>): Topology {
  if (weights.size === 0) return topology;
  const lessened = (server: RealServer): RealServer => {
    const weight = weights.get(server.host);
    return weight === undefined ? server : { ...server, weight: weightUnder(weight, server.weight) };
  };
  const services = [...topology.services].map(([name, service]) => [name, { ...service, realServers: service.realServers.map(lessened) }] as const);
  return { ...topology, services: new Map(services) };
}
