import type { HostAddress } from '../hosts.ts';
import { likelySameNetwork } from '../ip.ts';
import type { Problems } from '../problems.ts';
import type { RawPair } from '../schema/shape.ts';
import { addressesOf, type HaPair } from '../topology.ts';
import { placeOfAddress } from './virtual-addresses.ts';

/** What two HA pairs must not have in common. */
export function checkBetweenPairs(pairs: readonly HaPair[], raw: ReadonlyMap<string, RawPair>, hosts: ReadonlyMap<string, HostAddress>, problems: Problems): void {
  for (const [index, second] of pairs.entries()) {
    for (const first of pairs.slice(0, index)) {
      const path = ['ha_pairs', second.name];
      if (first.virtualRouterId === second.virtualRouterId && sameFamily(first, second) && sameLayer2(first, second, hosts)) {
        problems.add({
          code: 'duplicate-vrid',
          message: `HA pairs ${first.name} and ${second.name} have the same virtual_router_id ${String(second.virtualRouterId)} on one network`,
          path: [...path, 'virtual_router_id'],
          hint: 'give each pair its own, 1-255: each would take the adverts of the other for its own (assumed one network: a shared member with the same interface, or members in one /24 or /64)',
        });
      }
      const vip = addressesOf(second).find(({ address }) => addressesOf(first).some((other) => other.address === address));
      if (vip !== undefined) {
        problems.add({ code: 'duplicate-vip', message: `VIP ${vip.address} belongs to the HA pairs ${first.name} and ${second.name}`, path: placeOfAddress(second.name, raw.get(second.name), vip.address), hint: 'one address, one pair' });
      }
      const [shared] = sharedHosts(first, second);
      if (shared === undefined) continue;
      if (first.connectionSync !== undefined && second.connectionSync !== undefined) {
        problems.add({ code: 'two-connection-syncs', message: `HA pairs ${first.name} and ${second.name} both want the connection sync daemon of ${shared.host}`, path: [...path, 'connection_sync'], of: 'key', hint: 'keep it in one: a director has one daemon, which takes the connections of all its services (keepalived.conf(5), lvs_sync_daemon)' });
      }
      if (first.vmac?.interface !== undefined && first.vmac.interface === second.vmac?.interface) {
        problems.add({ code: 'vmac-interface', message: `HA pairs ${first.name} and ${second.name} share a director and name the same vmac interface`, path: [...path, 'vmac', 'interface'], hint: 'give each its own, e.g. vrrp.51' });
      }
    }
  }
}

/** With the interfaces that each pair uses there. */
function sharedHosts(a: HaPair, b: HaPair): { readonly host: string; readonly a: string; readonly b: string }[] {
  return a.members.flatMap((member) => b.members.filter(({ host }) => host === member.host).map((other) => ({ host: member.host, a: member.interface, b: other.interface })));
}

/** VRRP for IPv4 and for IPv6 are told apart by the kernel: they may share a VRID (RFC 5798, 5.2.3). */
function sameFamily(a: HaPair, b: HaPair): boolean {
  return a.vips[0]?.address.includes(':') === b.vips[0]?.address.includes(':');
}

/**
 * Whether two pairs hear each other's adverts, as far as an inventory can tell. Pairs that share a host do when they use the
 * same interface of it; others are assumed to when any two of their members' addresses are in the same /24 (or /64).
 */
function sameLayer2(a: HaPair, b: HaPair, hosts: ReadonlyMap<string, HostAddress>): boolean {
  const shared = sharedHosts(a, b);
  if (shared.length > 0) return shared.some((interfaces) => interfaces.a === interfaces.b);
  const addresses = (pair: HaPair): string[] => pair.members.map(({ host }) => hosts.get(host)?.address ?? '');
  return addresses(a).some((one) => addresses(b).some((other) => likelySameNetwork(one, other)));
}
