import type { Topology } from './topology.ts';

/** A name as Ansible allows it for a group: word characters only. */
function groupName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, '_');
}

/**
 * Groups that the topology defines, so that plays can say `hosts: lvs_directors` whatever the inventory calls its own
 * groups: `lvs_directors`, `lvs_real_servers` and one `lvs_pair_<name>` per HA pair (highest priority first).
 */
export function lvsGroups(topology: Topology): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>([
    ['lvs_directors', [...topology.directors.keys()]],
    ['lvs_real_servers', [...topology.realServers.keys()]],
  ]);
  for (const pair of topology.pairs.values()) {
    const name = `lvs_pair_${groupName(pair.name)}`;
    const others = groups.get(name) ?? [];
    // Two pairs whose names differ only in such characters share the group rather than hiding one another.
    groups.set(name, [...new Set([...others, ...pair.members.map((member) => member.host)])]);
  }
  return groups;
}

/**
 * The order in which directors may be changed one at a time: BACKUP before MASTER, told by the highest VRRP priority a
 * host has in any pair, rising; so a mistake is met where no VIP is held. Hosts of no pair stay at the end in the order given.
 * Equal priorities (members of different pairs) also keep the order given.
 */
export function backupFirst(topology: Topology, hosts: readonly string[]): string[] {
  const highest = new Map<string, number>();
  for (const pair of topology.pairs.values()) {
    for (const { host, priority } of pair.members) highest.set(host, Math.max(priority, highest.get(host) ?? 0));
  }
  const rank = (host: string): number => highest.get(host) ?? Number.MAX_SAFE_INTEGER;
  return [...hosts].sort((a, b) => rank(a) - rank(b));
}
