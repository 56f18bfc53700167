import type { DataPath } from '../../core/located.ts';
import type { HaPair, RealServer, Topology, VirtualService } from '../../lvs/model/topology.ts';
import type { Hit } from '../types.ts';
import type { LiveContext, LiveState } from './state.ts';

/** A real server of a service, and what its host answered. */
export interface Served {
  readonly service: VirtualService;
  readonly server: RealServer;
  readonly state: LiveState;
}

/** Every real server of every service; directors that serve themselves are none, as their VIPs are theirs. */
export function realServers({ topology, hosts }: LiveContext, modes: readonly VirtualService['mode'][]): readonly Served[] {
  return [...topology.services.values()]
    .filter(({ mode }) => modes.includes(mode))
    .flatMap((service) => service.realServers.filter(({ host }) => !service.directors.includes(host)).flatMap((server) => stateOf(hosts, server.host).map((state) => ({ service, server, state }))));
}

/** Every member of every pair, and what it answered. */
export function members({ topology, hosts }: LiveContext): readonly { readonly pair: HaPair; readonly member: HaPair['members'][number]; readonly state: LiveState }[] {
  return [...topology.pairs.values()].flatMap((pair) => pair.members.flatMap((member) => stateOf(hosts, member.host).map((state) => ({ pair, member, state }))));
}

/** Every director, and what it answered. */
export function directors({ topology, hosts }: LiveContext): readonly LiveState[] {
  return [...topology.directors.keys()].flatMap((host) => stateOf(hosts, host));
}

export function stateOf(hosts: LiveContext['hosts'], host: string): readonly LiveState[] {
  const seen = hosts.at(host);
  return seen?.kind === 'answered' ? [seen.value] : [];
}

/** Whether all of these hosts answered: what a rule says of a host by what it is not for others takes the answers of these. */
export function allAnswered(hosts: LiveContext['hosts'], names: readonly string[]): boolean {
  return hosts.among(names).judge(() => true).known;
}

/** Where a real server is written in a service. */
export function atServer({ service, server }: Pick<Served, 'service' | 'server'>): Pick<Hit, 'path' | 'of'> {
  return { path: ['virtual_services', service.name, 'real_servers', server.host], of: 'key' };
}

export function atMember(pair: HaPair, host: string): Pick<Hit, 'path' | 'of'> {
  return { path: ['ha_pairs', pair.name, 'members', host], of: 'key' };
}

/** Where a director comes into the topology: its first pair, else its first service. */
export function atDirector({ pairs, services }: Topology, host: string): Pick<Hit, 'path' | 'of'> {
  const pair = [...pairs.values()].find((one) => one.members.some((member) => member.host === host));
  if (pair !== undefined) return atMember(pair, host);
  const service = [...services.values()].find(({ directors: on }) => on.includes(host));
  const path: DataPath = service === undefined ? [] : ['virtual_services', service.name, 'on'];
  return { path };
}

/** The interface that has an address. */
export function deviceOf({ addresses }: LiveState, address: string): string | undefined {
  return addresses.find((one) => one.address === address)?.interface;
}

/** The kernel takes the higher of `all` and the interface for arp_ignore, arp_announce and rp_filter (ip-sysctl); 0 where it has none. */
export function effective({ sysctls }: LiveState, device: string, key: string): number {
  return Math.max(...['all', device].map((name) => Number(sysctls.get(`net/ipv4/conf/${name}/${key}`) ?? '0')));
}
