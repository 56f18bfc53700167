import { type FactRequest, request } from '../facts/contract.ts';
import { addressFact } from '../facts/network/address.ts';
import { balanceFact } from '../facts/network/balance.ts';
import { unitFact } from '../facts/system/unit.ts';
import { directorAddresses, usesKeepalived } from '../lvs/host/director-script.ts';
import { servicesOf } from '../lvs/model/lookups.ts';
import { addressesOf, type Topology } from '../lvs/model/topology.ts';

/**
 * What a director does right now, which its tasks need not ask: the kernel's table with its connections, who holds the virtual IPs, whether keepalived runs.
 * Impact and saved plans rest on it. Asked along with what the tasks ask: no request of its own, and one process or two. Empty for other hosts.
 */
export function liveRequests(topology: Topology | undefined, host: string): readonly FactRequest[] {
  const director = topology?.directors.get(host);
  if (topology === undefined || director === undefined) return [];
  const persistent = servicesOf(topology, host).some((service) => service.persistence !== undefined);
  return [
    request(balanceFact, persistent ? 'templates' : 'table'),
    ...interfacesOf(topology, host).map((name) => request(addressFact, name)),
    ...(usesKeepalived(topology, host) ? [request(unitFact, 'keepalived.service')] : []),
  ] as never;
}

/** Where a director's virtual IPs are when it holds them. */
function interfacesOf(topology: Topology, host: string): readonly string[] {
  const pairs = (topology.directors.get(host)?.pairs ?? []).flatMap((name) => topology.pairs.get(name) ?? []);
  const ofPairs = pairs.flatMap((pair) => {
    const own = pair.members.find((member) => member.host === host)?.interface ?? pair.interface;
    return addressesOf(pair).map((vip) => vip.interface ?? own);
  });
  return [...new Set([...ofPairs, ...directorAddresses(topology, host).map((one) => one.interface)])];
}
