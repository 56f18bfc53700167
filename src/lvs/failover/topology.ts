import type { HaPair, Topology } from '../model/topology.ts';

/**
 * The topology as directors with these failovers have to run it: the director that a pair is moved to has the pair's highest priority, and those that stood above it each
 * move down one place. So the priorities are the same numbers as before: all of them are allowed, none is given twice, the others keep their order, and what weighted
 * trackers add and take is worth what it was.
 * @param targets directors by pair's name; one that is no member of its pair changes nothing. Pure.
 */
export function withFailovers(topology: Topology, targets: ReadonlyMap<string, string>): Topology {
  if (targets.size === 0) return topology;
  const pairs = [...topology.pairs].map(([name, pair]) => [name, raised(pair, targets.get(name))] as const);
  return { ...topology, pairs: new Map(pairs) };
}

function raised(pair: HaPair, target: string | undefined): HaPair {
  const first = pair.members.find(({ host }) => host === target);
  if (first === undefined) return pair;
  const inOrder = [first, ...pair.members.filter((member) => member !== first)];
  return { ...pair, members: inOrder.map((member, place) => ({ ...member, priority: pair.members[place]?.priority ?? member.priority })) };
}

/** Pairs that move when this one does: those of its sync group, itself among them, in the topology's order. Pure. */
export function movedWith(topology: Topology, pair: string): readonly string[] {
  const group = [...topology.syncGroups.values()].find(({ pairs }) => pairs.includes(pair));
  return group === undefined ? [pair] : [...topology.pairs.keys()].filter((name) => group.pairs.includes(name));
}
