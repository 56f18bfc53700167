import { LvsPlayError } from '../../core/errors.ts';
import type { Topology, VirtualService } from '../../lvs/model/topology.ts';
import type { Left, Sample, SampledService } from './types.ts';
import { type Unit, unitsOf } from './units.ts';

/** A service with the real servers that are booted for it. */
type Chosen = ReadonlyMap<string, readonly string[]>;

/**
 * At most so many hosts of an inventory that still are a cluster: whole HA pairs, and of each service as many real servers as it takes to lose one. What comes first in the
 * inventory is kept first; a service of a pair, then a pair, is left out before a service is rehearsed with too few. What room there is goes to further real servers. Pure.
 * @param hosts that would be booted, in the inventory's order
 * @throws LvsPlayError `sample-too-small`: names the hosts that the first service needs
 */
export function sampleOf(topology: Topology, hosts: readonly string[], most: number): Sample {
  if (hosts.length <= most) return describe(topology, hosts, new Set(hosts), everything(topology));
  let kept: ReadonlySet<string> = new Set();
  let chosen: Chosen = new Map();
  for (const unit of unitsOf(topology).filter(({ services }) => services.length > 0)) {
    for (let count = unit.services.length; count > 0; count--) {
      const taken = leastOf(topology, unit, unit.services.slice(0, count));
      const together = new Set([...kept, ...taken.hosts]);
      if (together.size > most) continue;
      kept = together;
      chosen = new Map([...chosen, ...taken.chosen]);
      break;
    }
  }
  if (chosen.size === 0) throw tooSmall(topology, most);
  return describe(topology, hosts, ...filled(topology, kept, chosen, most));
}

/**
 * The hosts that the operator names, if they are a cluster.
 * @throws LvsPlayError `sample-unsound`: which hosts are needed beside them
 */
export function sampleGiven(topology: Topology, hosts: readonly string[], wanted: readonly string[]): Sample {
  const given = new Set(wanted);
  const chosen = new Map<string, readonly string[]>();
  for (const unit of unitsOf(topology)) {
    const there = unit.directors.filter((host) => given.has(host));
    const absent = unit.directors.filter((host) => !given.has(host));
    if (there.length === 0) continue;
    if (absent.length > 0) throw unsound(`${there.join(', ')} without ${absent.join(', ')} is no whole pair of directors`, `add ${absent.join(', ')}`);
    for (const name of unit.services) {
      const service = serviceOf(topology, name);
      const servers = service.realServers.map(({ host }) => host).filter((host) => given.has(host));
      if (servers.length === 0) continue;
      const sorry = service.sorryServer?.host;
      if (sorry !== undefined && !given.has(sorry)) throw unsound(`service ${name} has its sorry server on ${sorry}`, `add ${sorry}`);
      const more = serversFor(service, servers).filter((host) => !given.has(host));
      if (more.length > 0) throw unsound(`service ${name} needs more real servers than ${servers.join(', ')} to lose one`, `add ${more.join(', ')}`);
      chosen.set(name, servers);
    }
  }
  if (chosen.size === 0) throw unsound(`${wanted.join(', ')} carry no service`, 'name the directors of a service and two of its real servers');
  return describe(topology, hosts, given, chosen);
}

function everything(topology: Topology): Chosen {
  return new Map([...topology.services.values()].map(({ name, realServers }) => [name, realServers.map(({ host }) => host)]));
}

interface Taken {
  readonly hosts: ReadonlySet<string>;
  readonly chosen: Chosen;
}

/** The fewest hosts on which these services of a unit can be rehearsed. Real servers that several of them share are preferred. */
function leastOf(topology: Topology, unit: Unit, names: readonly string[]): Taken {
  const services = names.map((name) => serviceOf(topology, name));
  const uses = (host: string): number => services.filter(({ realServers }) => realServers.some((server) => server.host === host)).length;
  const hosts = new Set(unit.directors);
  const chosen = new Map<string, readonly string[]>();
  // Those with the fewest to choose from choose first.
  for (const service of services.toSorted((a, b) => a.realServers.length - b.realServers.length)) {
    const order = service.realServers.map(({ host }) => host).sort((a, b) => uses(b) - uses(a));
    const servers = serversFor(service, [...order.filter((host) => hosts.has(host)), ...order.filter((host) => !hosts.has(host))], 'fewest');
    for (const host of servers) hosts.add(host);
    if (service.sorryServer?.host !== undefined) hosts.add(service.sorryServer.host);
  }
  // What another service has brought along serves here too.
  for (const { name, realServers } of services) chosen.set(name, realServers.map(({ host }) => host).filter((host) => hosts.has(host)));
  return { hosts, chosen };
}

/**
 * Real servers of a service, in this order, until it can lose any one of them and keeps its quorum; all where even all are not enough for that.
 * @param how `fewest`: no more than needed; else all that are named, and more where needed
 */
function serversFor(service: VirtualService, order: readonly string[], how: 'fewest' | 'all' = 'all'): string[] {
  const weights = new Map(service.realServers.map(({ host, weight }) => [host, weight]));
  const rest = service.realServers.map(({ host }) => host).filter((host) => !order.includes(host));
  // Those of weight 0 get no client: they prove nothing of a loss.
  const usable = [...order, ...rest].filter((host) => (weights.get(host) ?? 0) > 0);
  const { count, hysteresis } = service.quorum;
  const enough = (hosts: readonly string[]): boolean => {
    const given = hosts.map((host) => weights.get(host) ?? 0);
    const sum = given.reduce((total, weight) => total + weight, 0);
    return given.filter((weight) => weight > 0).length >= 2 && sum >= count + hysteresis && sum - Math.max(...given) >= count - hysteresis;
  };
  const picked = how === 'all' ? [...order] : [];
  for (const host of usable) {
    if (enough(picked)) break;
    if (!picked.includes(host)) picked.push(host);
  }
  return picked.length === 0 ? [...order] : picked;
}

/** Further real servers in turn, one of a weight that is not there yet first. */
function filled(topology: Topology, kept: ReadonlySet<string>, chosen: Chosen, most: number): [ReadonlySet<string>, Chosen] {
  const hosts = new Set(kept);
  const servers = (name: string): VirtualService['realServers'] => serviceOf(topology, name).realServers;
  for (let grown = true; grown && hosts.size < most;) {
    grown = false;
    for (const name of chosen.keys()) {
      const there = new Set(servers(name).filter(({ host }) => hosts.has(host)).map(({ weight }) => weight));
      const absent = servers(name).filter(({ host }) => !hosts.has(host));
      const next = absent.find(({ weight }) => !there.has(weight)) ?? absent[0];
      if (next === undefined || hosts.size >= most) continue;
      hosts.add(next.host);
      grown = true;
    }
  }
  return [hosts, new Map([...chosen.keys()].map((name) => [name, servers(name).map(({ host }) => host).filter((host) => hosts.has(host))]))];
}

function describe(topology: Topology, hosts: readonly string[], kept: ReadonlySet<string>, chosen: Chosen): Sample {
  const services = [...topology.services.values()].flatMap((service) => {
    const servers = chosen.get(service.name);
    return servers === undefined ? [] : [sampled(service, servers)];
  });
  const units = unitsOf(topology).filter(({ directors }) => directors.every((host) => kept.has(host)));
  return {
    hosts: hosts.filter((host) => kept.has(host)),
    pairs: [...topology.pairs.keys()].filter((pair) => units.some(({ pairs }) => pairs.includes(pair))),
    services,
    left: leftOut(topology, hosts, kept, chosen),
  };
}

function sampled(service: VirtualService, servers: readonly string[]): SampledService {
  const sum = (hosts: readonly string[]): number => service.realServers.filter(({ host }) => hosts.includes(host)).reduce((total, { weight }) => total + weight, 0);
  const all = service.realServers.map(({ host }) => host);
  return { name: service.name, servers, of: all.length, weight: sum(servers), ofWeight: sum(all), quorum: service.quorum.count };
}

function leftOut(topology: Topology, hosts: readonly string[], kept: ReadonlySet<string>, chosen: Chosen): Left {
  const why = (host: string): string => {
    if (topology.directors.has(host)) return 'director of what is not rehearsed';
    const services = [...topology.services.values()].filter(({ realServers }) => realServers.some((server) => server.host === host)).map(({ name }) => name);
    if (services.length === 0) return 'not part of the cluster';
    return services.some((name) => chosen.has(name)) ? 'others of its services stand for it' : 'serves nothing that is rehearsed';
  };
  const gone = hosts.filter((host) => !kept.has(host));
  return {
    hosts: gone.map((host) => ({ host, why: why(host) })),
    pairs: [...topology.pairs.values()].filter(({ members }) => members.some(({ host }) => !kept.has(host))).map(({ name }) => name),
    services: [...topology.services.keys()].filter((name) => !chosen.has(name)),
  };
}

function tooSmall(topology: Topology, most: number): LvsPlayError {
  const needs = unitsOf(topology).filter(({ services }) => services.length > 0).map((unit) => ({ service: unit.services[0] ?? '', hosts: [...leastOf(topology, unit, unit.services.slice(0, 1)).hosts] }));
  const [first] = needs.toSorted((a, b) => a.hosts.length - b.hosts.length);
  const words = first === undefined ? 'the inventory has no virtual service' : `the least that can be rehearsed is service ${first.service} on ${first.hosts.join(', ')}`;
  return new LvsPlayError({ code: 'sample-too-small', kind: 'input', message: `${String(most)} nodes are too few: ${words}`, hint: first === undefined ? 'describe the cluster in the variable lvs' : `--nodes ${String(first.hosts.length)}` });
}

function unsound(message: string, hint: string): LvsPlayError {
  return new LvsPlayError({ code: 'sample-unsound', kind: 'usage', message: `--hosts: ${message}`, hint });
}

function serviceOf(topology: Topology, name: string): VirtualService {
  const service = topology.services.get(name);
  if (service === undefined) throw new RangeError(`no service ${name}`);
  return service;
}
