import type { Topology } from '../../lvs/model/topology.ts';

/** Directors that depend on one another, and what they carry: what is taken of an inventory is taken with all of its directors. */
export interface Unit {
  readonly directors: readonly string[];
  readonly pairs: readonly string[];
  /** In the order they were written. */
  readonly services: readonly string[];
}

/**
 * The parts of a cluster that share no director: pairs with a member in common, the pairs of one sync group and the directors of one NAT network belong together.
 * In the order of their first service; one without a service comes last. Pure.
 */
export function unitsOf(topology: Topology): Unit[] {
  const ties = [
    ...[...topology.pairs.values()].map(({ members }) => members.map(({ host }) => host)),
    ...[...topology.syncGroups.values()].map(({ pairs }) => pairs.flatMap((pair) => topology.pairs.get(pair)?.members.map(({ host }) => host) ?? [])),
    ...[...topology.services.values()].map(({ directors }) => directors),
    ...[...topology.natNetworks.values()].map(({ directors }) => directors),
  ];
  const groups = ties.reduce<readonly ReadonlySet<string>[]>(joined, [...topology.directors.keys()].map((host) => new Set([host])));
  const units = groups.map((group): Unit => ({
    directors: [...topology.directors.keys()].filter((host) => group.has(host)),
    pairs: [...topology.pairs.values()].filter(({ members }) => members.some(({ host }) => group.has(host))).map(({ name }) => name),
    services: [...topology.services.values()].filter(({ directors }) => directors.some((host) => group.has(host))).map(({ name }) => name),
  }));
  const names = [...topology.services.keys()];
  const rank = ({ services: [first] }: Unit): number => (first === undefined ? names.length : names.indexOf(first));
  return units.sort((a, b) => rank(a) - rank(b));
}

function joined(groups: readonly ReadonlySet<string>[], tie: readonly string[]): readonly ReadonlySet<string>[] {
  const touched = groups.filter((group) => tie.some((host) => group.has(host)));
  return [...groups.filter((group) => !touched.includes(group)), ...(touched.length === 0 ? [] : [new Set(touched.flatMap((group) => [...group]))])];
}
