/** A real server in a scheduler's list: its weight there, and how many connections were counted. */
export interface Counted {
  readonly weight: number;
  readonly count: number;
}

/** Beyond this a cycle is not laid out. */
const LONGEST_CYCLE = 1_000_000;

/**
 * One cycle of weighted round-robin, as indexes of `weights`: the kernel goes down from the highest weight in steps of the greatest common divisor, and takes at each
 * level, in the order of its list, those that have at least so much (net/netfilter/ipvs/ip_vs_wrr.c). Whatever was before, it stands somewhere in this cycle. With equal
 * weights it is plain round-robin. Pure. @returns undefined: none has a weight, or it is too long
 */
export function wrrCycle(weights: readonly number[]): number[] | undefined {
  const step = weights.filter((weight) => weight > 0).reduce(greatestCommonDivisor, 0);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (step === 0 || sum / step > LONGEST_CYCLE) return undefined;
  const cycle: number[] = [];
  for (let level = Math.max(...weights) / step; level > 0; level--) {
    for (const [index, weight] of weights.entries()) if (weight / step >= level) cycle.push(index);
  }
  return cycle;
}

/**
 * Whether weighted round-robin can have come to these counts, of which at least `sure` connections followed one another. The others may be counted for one server and
 * not yet for the next (counters are brought up to date at different moments), but never in place of those: so there must be a place in the cycle from which `sure`
 * steps give no server more than it was counted. Without others this is equality. Pure.
 */
export function fitsCycle(servers: readonly Counted[], cycle: readonly number[], sure: number): boolean {
  const rounds = Math.floor(sure / cycle.length);
  const rest = sure % cycle.length;
  const turns = servers.map(() => 0);
  for (const index of cycle) turns[index] = (turns[index] ?? 0) + 1;
  // What is left for the part of a cycle beyond the whole ones.
  const left = servers.map(({ count }, index) => count - rounds * (turns[index] ?? 0));
  if (left.some((count) => count < 0)) return false;
  const take = (position: number, sign: 1 | -1): void => {
    const index = cycle[position % cycle.length] ?? 0;
    const before = left[index] ?? 0;
    left[index] = before - sign;
    short += Number(before - sign < 0) - Number(before < 0);
  };
  let short = 0;
  for (let position = 0; position < rest; position++) take(position, 1);
  for (let start = 0; start < cycle.length; start++) {
    if (short === 0) return true;
    take(start, -1);
    take(start + rest, 1);
  }
  return false;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
