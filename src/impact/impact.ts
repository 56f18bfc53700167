import type { Templates } from '../facts/network/balance.ts';
import { expectedTable } from '../lvs/ipvs/table.ts';
import { type IpvsDestination, type IpvsService, serviceKey } from '../lvs/ipvs/types.ts';
import { formatEndpoint } from '../lvs/model/ip.ts';
import type { SorryServer, Topology } from '../lvs/model/topology.ts';
import type { HostAnswer } from '../plan/sessions.ts';
import type { Plan } from '../plan/types.ts';
import { pairImpacts } from './pairs.ts';
import { orderOf, unitsOf } from './touched.ts';
import type { Capacity, GoneServer, Impact, ServiceImpact } from './types.ts';
import { type DirectorView, directorViews } from './view.ts';

/**
 * What a plan costs, from the topology as it shall be, the plan's changes, and what the hosts said right before. Pure.
 * Capacity counts what the kernel balances: a real server whose health check fails now does not count, before or after.
 * @param names of hosts by address: a real server that goes is in no topology any more
 */
export function impactOf(topology: Topology | undefined, plan: Plan, answers: readonly HostAnswer[], names: ReadonlyMap<string, string>): Impact {
  const units = unitsOf(plan);
  if (topology === undefined) return { services: [], pairs: [], units, order: [] };
  const directors = directorViews(topology, plan, answers);
  const keys = new Set(directors.flatMap((view) => [...view.before.keys(), ...view.after.keys()]));
  return {
    services: [...keys].flatMap((key) => serviceImpact(key, directors, topology, names) ?? []),
    pairs: pairImpacts(topology, directors, plan),
    units,
    order: orderOf(plan, topology),
  };
}

/** @returns undefined when nothing of the service changes anywhere */
function serviceImpact(key: string, directors: readonly DirectorView[], topology: Topology, names: ReadonlyMap<string, string>): ServiceImpact | undefined {
  const carriers = directors.filter((view) => view.before.has(key) || view.after.has(key));
  const changing = carriers.filter((view) => changesService(key, view));
  if (changing.length === 0) return undefined;
  const counted = carriers.filter((view) => view.before.has(key)).sort((a, b) => rank(b, key) - rank(a, key))[0];
  const holder = counted ?? changing[0];
  // A director of a pair that stops leaves the service to the other one.
  const left = holder?.after.has(key) === true ? holder : (carriers.find((view) => view.after.has(key)) ?? holder);
  if (holder === undefined || left === undefined) return undefined;
  const wanted = left.after.get(key);
  const name = wanted?.name ?? [...topology.services.values()].find((service) => serviceKeyOf(service.name, topology) === key)?.name;
  const service = name === undefined ? undefined : topology.services.get(name);
  const after = capacityAfter(key, left, wanted);
  const quorum = service === undefined ? 0 : Math.max(1, service.quorum.count - service.quorum.hysteresis);
  const hasSorryServer = service?.sorryServer !== undefined;
  return {
    service: name ?? key,
    key,
    directors: changing.map((view) => view.touched.host),
    countedOn: counted?.touched.host,
    change: counted === undefined ? 'new' : wanted === undefined ? 'removed' : 'changed',
    now: counted === undefined ? { servers: 0, weight: 0 } : capacityNow(key, counted, service?.sorryServer),
    after: { servers: after.length, weight: sum(after) },
    gone: counted === undefined ? [] : goneServers(key, counted, wanted, service?.sorryServer, names),
    added: counted === undefined ? (wanted?.destinations ?? []).map(serverName) : (wanted?.destinations ?? []).filter((server) => counted.before.get(key)?.has(endpointOf(server)) !== true && counted.kernel.get(key)?.destinations.some((one) => endpointOf(one) === endpointOf(server)) !== true).map(serverName),
    quorum,
    hasSorryServer,
    afterOneMore: oneMore(after, quorum, hasSorryServer, service?.manager === 'script'),
  };
}

function serviceKeyOf(name: string, topology: Topology): string | undefined {
  const director = topology.services.get(name)?.directors[0];
  const found = director === undefined ? undefined : expectedTable(topology, director).services.find((service) => service.name === name);
  return found === undefined ? undefined : serviceKey(found);
}

/** Who holds the address counts; of those who do, or if nobody does, the busiest. */
function rank(view: DirectorView, key: string): number {
  const service = view.kernel.get(key);
  const connections = (service?.destinations ?? []).reduce((total, server) => total + (server.activeConnections ?? 0) + (server.inactiveConnections ?? 0), 0);
  return (service !== undefined && view.holds.has(service.address) ? 1e12 : 0) + connections;
}

function changesService(key: string, view: DirectorView): boolean {
  const [before, after] = [view.before.get(key), view.after.get(key)];
  if (before === undefined || after === undefined) return true;
  // As it stands in the kernel: nothing touches it.
  if (after === view.kernel.get(key)) return false;
  const wanted = new Map(after.destinations.map((server) => [endpointOf(server), server.weight]));
  return wanted.size !== before.size || [...wanted].some(([endpoint, weight]) => before.get(endpoint) !== weight);
}

function capacityNow(key: string, view: DirectorView, sorry: { readonly address: string; readonly port: number } | undefined): Capacity {
  const serving = (view.kernel.get(key)?.destinations ?? []).filter((server) => server.weight > 0 && (sorry === undefined || endpointOf(server) !== formatEndpoint(sorry.address, sorry.port)));
  return { servers: serving.length, weight: sum(serving.map((server) => server.weight)) };
}

/** Weights of the real servers that serve afterwards. One that is down now stays down. */
function capacityAfter(key: string, view: DirectorView, wanted: IpvsService | undefined): number[] {
  const [before, kernel] = [view.before.get(key), view.kernel.get(key)];
  return (wanted?.destinations ?? []).filter((server) => server.weight > 0 && !isDown(server, before, kernel)).map((server) => server.weight);
}

function isDown(server: IpvsDestination, before: ReadonlyMap<string, number> | undefined, kernel: IpvsService | undefined): boolean {
  const configured = before?.get(endpointOf(server)) ?? 0;
  const now = kernel?.destinations.find((one) => endpointOf(one) === endpointOf(server))?.weight ?? 0;
  return configured > 0 && now === 0;
}

function goneServers(key: string, view: DirectorView, wanted: IpvsService | undefined, sorry: SorryServer | undefined, names: ReadonlyMap<string, string>): GoneServer[] {
  const weights = new Map((wanted?.destinations ?? []).map((server) => [endpointOf(server), server.weight]));
  const service = view.kernel.get(key);
  return (service?.destinations ?? []).flatMap((server): GoneServer[] => {
    const endpoint = endpointOf(server);
    const weight = weights.get(endpoint);
    const isSorry = sorry !== undefined && endpoint === formatEndpoint(sorry.address, sorry.port);
    if (isSorry || (weight !== undefined && (weight > 0 || server.weight === 0))) return [];
    return [
      {
        server: wanted?.destinations.find((one) => endpointOf(one) === endpoint)?.host ?? names.get(server.address) ?? endpoint,
        how: weight === undefined ? 'removed' : 'weight 0',
        active: server.activeConnections ?? 0,
        inactive: server.inactiveConnections ?? 0,
        templates: service?.persistence === undefined ? null : templatesOf(service, server, view.templates),
      },
    ];
  });
}

/** A mark's templates have it for an address; those of FTP have no port. */
function templatesOf(service: IpvsService, server: IpvsDestination, templates: readonly Templates[]): number {
  const mark = [24, 16, 8, 0].map((shift) => String((service.port >>> shift) & 255)).join('.');
  const own = templates.filter((one) => one.server === server.address && (service.protocol === 'fwm' ? one.protocol === 'IP' && one.address === mark : one.protocol === service.protocol.toUpperCase() && one.address === service.address && (one.port === service.port || one.port === 0)));
  return sum(own.map((one) => one.count));
}

function oneMore(weights: readonly number[], quorum: number, sorry: boolean, unchecked: boolean): ServiceImpact['afterOneMore'] {
  const left = sum(weights) - Math.max(0, ...weights);
  // A director without health checks knows of no quorum.
  if (unchecked) return left > 0 ? 'served' : 'nobody';
  if (sorry && left < quorum) return 'sorry server';
  return left > 0 ? 'served' : 'nobody';
}

function serverName(server: IpvsDestination): string {
  return server.host ?? endpointOf(server);
}

function endpointOf(server: IpvsDestination): string {
  return formatEndpoint(server.address, server.port);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
