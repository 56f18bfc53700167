import type { Json } from '../../../src/core/json.ts';
import { explainService } from '../../../src/explain/explain.ts';
import type { Explanation, Hop, Need } from '../../../src/explain/types.ts';
import { buildTopology } from '../../../src/lvs/model/build.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';

const ADDRESSES: Readonly<Record<string, string>> = { lvs1: '10.0.0.1', lvs2: '10.0.0.2', rs1: '10.0.0.11', rs2: '10.0.0.12', six1: 'fd00::1', six2: 'fd00::11' };

/** A topology of two directors and two real servers in 10.0.0.0/24, two of each in fd00::/64 with one host each. */
function topologyOf(lvs: Json): Topology {
  return buildTopology({ value: lvs, locate: () => undefined }, new Map(Object.entries(ADDRESSES).map(([host, address]) => [host, { host, address }])));
}

export const PAIR = { members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }, interface: 'eth0', virtual_router_id: 51, vips: ['10.0.0.100'] } as const;

/** A service `web` on the pair `edge`, other keys as given. */
export function explained(service: Readonly<Record<string, Json>>, rest: Readonly<Record<string, Json>> = {}): Explanation {
  const topology = topologyOf({
    ha_pairs: { edge: PAIR },
    virtual_services: { web: { on: 'edge', address: '10.0.0.100:80', mode: 'dr', scheduler: 'rr', real_servers: { rs1: {}, rs2: {} }, ...service } },
    ...rest,
  });
  const web = topology.services.get('web');
  if (web === undefined) throw new Error('no service');
  return explainService(topology, web);
}

/** `client -> director: CIP:port -> 10.0.0.100:80`, one line a hop of the path to a real server. */
export function way(explanation: Explanation, index = 0): string[] {
  return (explanation.paths[index]?.hops ?? []).map(({ from, to, packet }) => `${from} -> ${to}: ${packet === undefined ? 'stays' : `${packet.outer === undefined ? '' : `[${packet.outer.encapsulation} ${packet.outer.source} -> ${packet.outer.destination}] `}${packet.source} -> ${packet.destination}`}`);
}

/** `rs1 address 10.0.0.100/32 on lo`. */
export function needed(hops: readonly Hop[]): string[] {
  return hops.flatMap((hop) => hop.needs.map(words));
}

export function words(need: Need): string {
  return `${need.hosts.join(',')} ${need.kind} ${need.what}`;
}
