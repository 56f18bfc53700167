import { Address4, Address6 } from 'ip-address';
import type { Located } from '../../../core/located.ts';
import { bare, parseIp, parsePrefixed } from '../ip.ts';
import { checkOn } from './on.ts';
import type { Problems } from '../problems.ts';
import type { ServiceContext } from '../context.ts';
import type { ShapedLvs } from '../schema/shape.ts';
import { addressesOf, type HaPair, type NatNetwork, type SyncGroup, type VirtualService } from '../topology.ts';
import { checkName } from '../ha/trackers.ts';

/** Checks the networks behind NAT directors: the gateway is in the network and moves with the pair (LVS-HOWTO, LVS-NAT). */
export function buildNatNetworks(shaped: ShapedLvs, groups: ReadonlyMap<string, SyncGroup>, context: ServiceContext, lvs: Located): ReadonlyMap<string, NatNetwork> {
  const networks = new Map<string, NatNetwork>();
  for (const [name, raw] of shaped.natNetworks) {
    const path = ['nat_networks', name];
    checkName(name, path, context.problems);
    const pair = context.pairs.get(raw.on);
    const directors = pair === undefined ? checkOn(raw.on, `NAT network ${name}`, [...path, 'on'], shaped, context) : pair.members.map(({ host }) => host);
    const network = parsePrefixed(raw.network);
    const gateway = parseIp(raw.gateway);
    if (network === undefined || !raw.network.includes('/')) {
      context.problems.add({ code: 'bad-network', message: `${raw.network} is no network`, path: [...path, 'network'], hint: 'write the address of the network with its prefix length, e.g. 192.168.0.0/24' });
      continue;
    }
    const canonical = networkOf(network);
    if (gateway === undefined || !isIn(gateway.address, canonical)) {
      context.problems.add({ code: 'gateway-outside', message: `gateway ${raw.gateway} is not in ${canonical}`, path: [...path, 'gateway'], hint: "write the director's inside address: real servers reach their gateway directly" });
      continue;
    }
    const built: NatNetwork = { name, position: lvs.locate(path, 'key'), directors, pair: pair?.name, network: canonical, gateway: gateway.address, masquerade: raw.masquerade ?? true };
    if (pair === undefined) checkFixed(built, context);
    else checkFloating(built, pair, groups, context.pairs, context.problems);
    const other = [...networks.values()].find((one) => overlap(one.network, canonical));
    if (other !== undefined) context.problems.add({ code: 'network-twice', message: `NAT networks ${other.name} (${other.network}) and ${name} (${canonical}) have addresses in common`, path: [...path, 'network'], hint: 'a real server has one default route: keep one' });
    networks.set(name, built);
  }
  return networks;
}

/** On one director the gateway is its own address, or one it alone carries; inventories need not know more than one of a host's addresses. */
function checkFixed({ name, gateway, directors: [director] }: NatNetwork, { hosts, pairs, problems }: ServiceContext): void {
  if (director === undefined) return;
  const path = ['nat_networks', name, 'gateway'];
  const owner = [...hosts.values()].find(({ address }) => parseIp(address ?? '')?.address === gateway);
  if (owner !== undefined && owner.host !== director) {
    problems.add({ code: 'gateway-is-host', message: `gateway ${gateway} is the address of ${owner.host}, not of ${director}`, path, hint: `write the address that ${director} has in this network: replies must pass the director (LVS-HOWTO, LVS-NAT)` });
  }
  const pair = [...pairs.values()].find((one) => addressesOf(one).some(({ address }) => address === gateway));
  if (pair !== undefined) problems.add({ code: 'gateway-of-pair', message: `gateway ${gateway} moves with HA pair ${pair.name}, but NAT network ${name} is on ${director} alone`, path, hint: `write on: ${pair.name}` });
}

/** That the replies of each NAT real server pass the director that sent the request, after a failover too. */
export function checkNatServices(services: ReadonlyMap<string, VirtualService>, networks: ReadonlyMap<string, NatNetwork>, groups: ReadonlyMap<string, SyncGroup>, problems: Problems): void {
  for (const service of services.values()) {
    if (service.mode !== 'nat') continue;
    for (const { host, address } of service.realServers) {
      const network = [...networks.values()].find((one) => isIn(address, one.network));
      // A wrong `on` of either has its own problem.
      if (network === undefined || network.directors.length === 0 || service.directors.length === 0) continue;
      const at = { path: ['virtual_services', service.name, 'real_servers', host], of: 'key' as const };
      if (!service.directors.every((director) => network.directors.includes(director))) {
        problems.add({ ...at, code: 'gateway-elsewhere', message: `replies of ${host} go to ${network.gateway} on ${network.directors.join(', ')}, but ${service.name} is on ${service.directors.join(', ')}`, hint: `put lvs.nat_networks.${network.name} and the service on the same pair or director: a reply that passes another is not translated back` });
      } else if (network.pair !== undefined && !movesWith(service, network.pair, groups)) {
        problems.add({ ...at, code: 'gateway-moves-apart', message: `gateway ${network.gateway} of ${host} does not move with ${service.name}`, hint: service.pair === undefined ? `put the service on ${network.pair}, as the gateway moves with it` : `put ${service.pair} and the pair that holds ${network.gateway} into one of lvs.sync_groups: if only one of them moves, replies pass the wrong director` });
      }
    }
  }
}

/** A network's gateway moves with its pair (checkFloating), so a service on that pair, or on one of the same group, moves with it. */
function movesWith({ pair }: VirtualService, networkPair: string, groups: ReadonlyMap<string, SyncGroup>): boolean {
  if (pair === undefined) return false;
  return pair === networkPair || [...groups.values()].some((group) => group.pairs.includes(pair) && group.pairs.includes(networkPair));
}

/** With a pair the gateway is an address that moves, with the services' VIPs. */
function checkFloating(network: NatNetwork, pair: HaPair, groups: ReadonlyMap<string, SyncGroup>, pairs: ReadonlyMap<string, HaPair>, problems: Problems): void {
  const holds = (one: HaPair): boolean => addressesOf(one).some(({ address }) => address === network.gateway);
  const group = [...groups.values()].find((one) => one.pairs.includes(pair.name));
  const together = [pair, ...(group?.pairs ?? []).flatMap((name) => pairs.get(name) ?? [])];
  if (together.some(holds)) return;
  const elsewhere = [...pairs.values()].find(holds);
  const hint =
    elsewhere === undefined
      ? `add ${network.gateway} to the vips or excluded_vips of ${pair.name}: with its own address of one director as gateway, replies are lost after a failover`
      : `put ${pair.name} and ${elsewhere.name} into one of lvs.sync_groups: if only one of them moves, replies pass the wrong director`;
  problems.add({ code: 'gateway-does-not-float', message: `gateway ${network.gateway} does not move with HA pair ${pair.name}`, path: ['nat_networks', network.name, 'gateway'], hint });
}

/** The network behind a service's directors that a real server is in; undefined: the inventory names none. */
export function natNetworkOf(networks: ReadonlyMap<string, NatNetwork>, service: VirtualService, rip: string): NatNetwork | undefined {
  return [...networks.values()].find((one) => isIn(rip, one.network) && one.directors.some((host) => service.directors.includes(host)));
}

/** @param network with a prefix length */
export function isIn(address: string, network: string): boolean {
  if (address.includes(':') !== network.includes(':')) return false;
  return address.includes(':') ? new Address6(address).isInSubnet(new Address6(network)) : new Address4(address).isInSubnet(new Address4(network));
}

/** Two networks have addresses in common when one holds the first address of the other. */
function overlap(a: string, b: string): boolean {
  return isIn(bare(a), b) || isIn(bare(b), a);
}

/** The network of an address with its prefix length, `192.168.0.0/24`. */
export function networkOf({ family, address, prefix }: { family: 4 | 6; address: string; prefix: number }): string {
  const text = `${address}/${String(prefix)}`;
  const start = family === 4 ? new Address4(text).startAddress().correctForm() : new Address6(text).startAddress().correctForm();
  return `${start}/${String(prefix)}`;
}
