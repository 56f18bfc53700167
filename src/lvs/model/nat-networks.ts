import { Address4, Address6 } from 'ip-address';
import type { Located } from '../../core/located.ts';
import { parseIp, parsePrefixed } from './ip.ts';
import { checkOn } from './on.ts';
import type { Problems } from './problems.ts';
import type { ServiceContext } from './real-server-rules.ts';
import type { ShapedLvs } from './schema/shape.ts';
import { addressesOf, type HaPair, type NatNetwork, type SyncGroup } from './topology.ts';

/** Checks the networks behind NAT directors: the gateway is in the network and moves with the pair (LVS-HOWTO, LVS-NAT). */
export function buildNatNetworks(shaped: ShapedLvs, groups: ReadonlyMap<string, SyncGroup>, context: ServiceContext, lvs: Located): ReadonlyMap<string, NatNetwork> {
  const networks = new Map<string, NatNetwork>();
  for (const [name, raw] of shaped.natNetworks) {
    const path = ['nat_networks', name];
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
    if (pair !== undefined) checkFloating(built, pair, groups, context.pairs, context.problems);
    const other = [...networks.values()].find((one) => one.network === canonical);
    if (other !== undefined) context.problems.add({ code: 'network-twice', message: `NAT networks ${other.name} and ${name} are both ${canonical}`, path: [...path, 'network'], hint: 'a real server has one default route: keep one' });
    networks.set(name, built);
  }
  return networks;
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

/** @param network with a prefix length */
export function isIn(address: string, network: string): boolean {
  if (address.includes(':') !== network.includes(':')) return false;
  return address.includes(':') ? new Address6(address).isInSubnet(new Address6(network)) : new Address4(address).isInSubnet(new Address4(network));
}

function networkOf({ family, address, prefix }: { family: 4 | 6; address: string; prefix: number }): string {
  const text = `${address}/${String(prefix)}`;
  const start = family === 4 ? new Address4(text).startAddress().correctForm() : new Address6(text).startAddress().correctForm();
  return `${start}/${String(prefix)}`;
}
