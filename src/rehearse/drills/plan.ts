import type { RealServer, Topology, VirtualService } from '../../lvs/model/topology.ts';
import type { Unit } from '../sample/units.ts';
import { detection, handover, number, portOn, readmission, takeover } from './bounds.ts';
import type { Hit, Promised } from './types.ts';

/** The real server that a drill hits in a unit: the one that most services lose, so that it proves most. Pure, as all here. */
export function victimOf(topology: Topology, unit: Unit): string | undefined {
  const services = unit.services.flatMap((name) => topology.services.get(name) ?? []);
  const serving = services.flatMap(({ realServers }) => realServers.filter(({ weight }) => weight > 0).map(({ host }) => host));
  const count = (host: string): number => serving.filter((one) => one === host).length;
  return [...new Set(serving)].sort((a, b) => count(b) - count(a))[0];
}

/** Ports on a real server on which something must listen, each with its services. */
export function portsOf(topology: Topology, unit: Unit, host: string): ReadonlyMap<number, readonly string[]> {
  const ports = new Map<number, string[]>();
  for (const { service, server } of servedBy(topology, unit.services, host)) {
    const port = portOn(service, server);
    if (port !== 0) ports.set(port, [...(ports.get(port) ?? []), service.name]);
  }
  return ports;
}

export function servedBy(topology: Topology, services: readonly string[], host: string): { service: VirtualService; server: RealServer }[] {
  return services.flatMap((name) => {
    const service = topology.services.get(name);
    const server = service?.realServers.find((one) => one.host === host);
    return service === undefined || server === undefined ? [] : [{ service, server }];
  });
}

/** What each service is promised when the drill hits; services of other units, and those that it does not reach, lose nothing. */
export function promisesOf(topology: Topology, hits: readonly Hit[]): ReadonlyMap<string, Promised> {
  return new Map([...topology.services.values()].map((service) => [service.name, promiseOf(topology, service, hits.find(({ services }) => services.includes(service.name)))]));
}

function promiseOf(topology: Topology, service: VirtualService, hit: Hit | undefined): Promised {
  if (hit?.reached.includes(service.name) !== true) return { kind: 'nothing', words: 'nothing lost' };
  if (hit.drill === 'server-killed' || hit.drill === 'service-stopped') return serverPromise(topology, service, hit);
  if (hit.drill === 'controller-killed') return { kind: 'nothing', words: 'nothing lost' };
  return directorPromise(topology, service, hit);
}

function serverPromise(topology: Topology, service: VirtualService, { drill, host }: Hit): Promised {
  const server = service.realServers.find((one) => one.host === host);
  const others = service.realServers.filter((one) => one.host !== host && one.weight > 0);
  if (server === undefined) return { kind: 'nothing', words: 'nothing lost' };
  if (others.length === 0 && service.sorryServer === undefined) return { kind: 'until-back', words: 'no other real server' };
  const bound = detection(service, server, drill === 'server-killed' ? 'host' : 'port', topology.bfd);
  if (bound === undefined) return { kind: 'until-back', words: 'no health check: lost as long as it is away' };
  return { kind: 'lost-within', seconds: bound.seconds, words: `lost within ${number(bound.seconds)} s (${bound.words})` };
}

/** A director that was cut off comes back with real servers that its own checks have found dead meanwhile. */
function directorPromise(topology: Topology, service: VirtualService, { drill, host }: Hit): Promised {
  const pair = service.pair === undefined ? undefined : topology.pairs.get(service.pair);
  if (pair === undefined) return { kind: 'until-back', words: 'one director: lost as long as it is away' };
  const bound = drill === 'director-rebooted' ? handover(pair, host) : takeover(pair, host);
  const back = drill === 'link-cut' ? readmission(service) : undefined;
  const onReturn = back?.seconds ?? 0;
  return { kind: 'gap-within', seconds: bound.seconds, onReturn, words: `gap within ${number(bound.seconds)} s (${bound.words})${back === undefined ? '' : `; when it is back, ${back.words}`}` };
}
