import type { RealServer, Topology } from '../model/topology.ts';
import { withFlags } from './flags.ts';
import type { DrainMethod } from './method.ts';
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

/** The topology that keepalived's file is written from: what a flag takes away stands in it whole. @param weights by real server's name. Pure. */
export function withWritten(topology: Topology, weights: ReadonlyMap<string, DrainWeight>, method: DrainMethod): Topology {
  return withDrains(topology, method === 'reload' ? weights : new Map([...weights].filter(([, weight]) => weight !== '0')));
}

/** Real servers on their way back, at a lesser weight. Pure. */
export function lessenedHosts(weights: ReadonlyMap<string, DrainWeight>): ReadonlySet<string> {
  return new Set([...weights].flatMap(([host, weight]) => (weight === '0' ? [] : [host])));
}

/** The topology as the kernel's table of a director shows it. @param weights by real server's name. Pure. */
export function withTable(topology: Topology, weights: ReadonlyMap<string, DrainWeight>, method: DrainMethod): Topology {
  return withDrains(method === 'flag' ? withFlags(topology) : topology, weights);
}
