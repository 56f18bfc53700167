import type { Scheduler, SchedulerFlag } from '../../lvs/model/topology.ts';
import { fitsCycle, wrrCycle } from './cycle.ts';

/** A real server in the director's list, in its order. */
export interface Share {
  readonly host: string;
  /** The kernel's. */
  readonly weight: number;
  /** Connections that it had open before, by the director's count. */
  readonly active: number;
  /** New connections. */
  readonly count: number;
}

/** What was counted, and what is known of it. */
export interface SpreadCase {
  readonly shares: readonly Share[];
  /** Connections of ours that surely are among those counted. */
  readonly ours: number;
  /** Counted beyond what we sent. */
  readonly others: number;
  /** Vantages: no more client addresses than these are ours. */
  readonly clients: number;
  readonly flags: readonly SchedulerFlag[];
  /** One client stays with one server. */
  readonly persistent: boolean;
  /** Clients ask for one address only. */
  readonly oneAddress: boolean;
}

/** What a spread is judged to be. A reason stands with everything but a plain pass. */
export interface Judgement {
  readonly verdict: 'pass' | 'fail' | 'skip';
  readonly reason?: string;
}

const PASS: Judgement = { verdict: 'pass' };
const fail = (reason: string): Judgement => ({ verdict: 'fail', reason });
const skip = (reason: string): Judgement => ({ verdict: 'skip', reason });

/** The test that fits a scheduler: what its source guarantees, and nothing beyond. Pure, as all here. */
export function judgeShares(scheduler: Scheduler, spread: SpreadCase): Judgement {
  // A template leads to its server until it ends, weight 0 or not.
  if (spread.persistent) return perClient('a persistent client stays with its server', spread);
  const resting = spread.shares.filter(({ weight, count }) => weight === 0 && count > 0);
  // Those of others may have been counted late, from when it still had a weight.
  if (resting.reduce((sum, { count }) => sum + count, 0) > spread.others) return fail(`${resting.map(({ host }) => host).join(', ')} got connections at weight 0`);
  return SCHEDULERS[scheduler].judge(spread);
}

/** What is expected of a scheduler, in words. */
export function schedulerWords(scheduler: Scheduler, flags: readonly SchedulerFlag[]): string {
  return hashesPorts(flags) ? `${scheduler} goes by the client's address and port` : SCHEDULERS[scheduler].words;
}

interface SchedulerRule {
  readonly words: string;
  readonly judge: (spread: SpreadCase) => Judgement;
}

const unforeseen = (words: string): SchedulerRule => ({ words, judge: () => skip(`${words}: the shares of a few short connections foretell nothing`) });

/** By the kernel's sources, net/netfilter/ipvs/ip_vs_NAME.c. */
const SCHEDULERS: Readonly<Record<Scheduler, SchedulerRule>> = {
  rr: { words: 'even, to within one', judge: judgeRoundRobin },
  wrr: { words: 'by weight, in the order of the cycle', judge: judgeCycle },
  fo: { words: 'all to the server of the highest weight', judge: judgeFailover },
  ovf: { words: 'all to the server of the highest weight until it is full', judge: judgeOverflow },
  sh: { words: "goes by the client's address", judge: (spread) => byClient("sh goes by the client's address", spread) },
  mh: { words: "goes by the client's address", judge: (spread) => byClient("mh goes by the client's address", spread) },
  dh: { words: 'goes by the address asked for', judge: judgeDestination },
  // They weigh open connections 256 to 1 against closed ones, which the kernel remembers for minutes: of all clients, from before.
  lc: unforeseen('lc goes by the connections at hand'),
  wlc: unforeseen('wlc goes by the connections at hand'),
  // One after the other, all go to the same server; but whether the last one is closed when the next one comes is not ours to tell.
  sed: unforeseen('sed goes by the delay to be expected'),
  nq: unforeseen('nq goes by who is idle'),
  lblc: unforeseen('lblc goes by the address asked for, and by load'),
  lblcr: unforeseen('lblcr goes by the address asked for, and by load'),
  twos: unforeseen('twos takes the better of two at random'),
};

function hashesPorts(flags: readonly SchedulerFlag[]): boolean {
  return flags.includes('sh-port') || flags.includes('mh-port');
}

function judgeRoundRobin({ shares, ours }: SpreadCase): Judgement {
  const serving = shares.filter(({ weight }) => weight > 0);
  const least = Math.floor(ours / serving.length);
  const further = serving.filter(({ count }) => count > least).length;
  if (serving.every(({ count }) => count >= least) && further >= ours % serving.length) return PASS;
  return fail('rr takes servers in turn, so their counts differ by one at most');
}

function judgeCycle({ shares, ours }: SpreadCase): Judgement {
  const weights = shares.map(({ weight }) => weight);
  const cycle = wrrCycle(weights);
  if (cycle === undefined) return skip('the weights are too uneven: their cycle is too long');
  if (fitsCycle(shares, cycle, ours)) return PASS;
  return fail(`wrr gives ${weights.join(':')} in a cycle of ${String(cycle.length)}, and no part of it has these counts`);
}

/** The first of those with the highest weight (ip_vs_fo.c); for every client. */
function highestOf(shares: readonly Share[]): Share | undefined {
  return shares.reduce<Share | undefined>((best, share) => (share.weight > (best?.weight ?? 0) ? share : best), undefined);
}

function astrayFrom({ shares, others }: SpreadCase, target: Share | undefined): readonly Share[] {
  const astray = shares.filter((share) => share !== target && share.count > 0);
  return astray.reduce((sum, { count }) => sum + count, 0) > others ? astray : [];
}

function judgeFailover(spread: SpreadCase): Judgement {
  const target = highestOf(spread.shares);
  const astray = astrayFrom(spread, target);
  if (astray.length === 0) return PASS;
  return fail(`${astray.map(({ host }) => host).join(', ')} got connections though ${target?.host ?? 'another'} is there, with a higher weight or before it in the list`);
}

/** Full is who has more open connections than its weight (ip_vs_ovf.c). */
function judgeOverflow(spread: SpreadCase): Judgement {
  const target = highestOf(spread.shares);
  const astray = astrayFrom(spread, target);
  if (astray.length === 0) return PASS;
  const most = (target?.active ?? 0) + spread.shares.reduce((sum, { count }) => sum + count, 0);
  if (most > (target?.weight ?? 0)) return skip(`${target?.host ?? 'the highest'} may have been full: its weight is ${String(target?.weight ?? 0)}`);
  return fail(`${astray.map(({ host }) => host).join(', ')} got connections though ${target?.host ?? 'another'} has a higher weight and was not full`);
}

function judgeDestination(spread: SpreadCase): Judgement {
  // Clients ask for one address: whose they are makes no difference.
  return spread.oneAddress ? onFew('dh goes by the address asked for', spread, 1) : byClient('dh goes by the address asked for', spread);
}

function byClient(why: string, spread: SpreadCase): Judgement {
  return hashesPorts(spread.flags) ? judgePorts(spread) : perClient(why, spread);
}

/** A client's address leads to one server; how many clients others have is not known. */
function perClient(why: string, spread: SpreadCase): Judgement {
  if (spread.others > 0) return skip(`${why}: which of these were ours cannot be told, as other clients were there too`);
  return onFew(why, spread, spread.clients);
}

function onFew(why: string, { shares }: SpreadCase, most: number): Judgement {
  const used = shares.filter(({ count }) => count > 0);
  if (used.length <= most) return PASS;
  return fail(`${why}, yet connections of ${most === 1 ? 'one' : `${String(most)} clients`} went to ${used.map(({ host }) => host).join(', ')}`);
}

/** By chance all ports may lead to one server; not more often than once in a thousand times, or it is no fault. */
const BY_CHANCE = 0.001;

function judgePorts({ shares, ours, others }: SpreadCase): Judgement {
  const serving = shares.filter(({ weight }) => weight > 0);
  const used = serving.filter(({ count }) => count > 0);
  if (serving.length < 2 || used.length > 1) return others > 0 && serving.length > 1 ? skip('it goes by ports: which of these were ours cannot be told, as other clients were there too') : PASS;
  const sum = serving.reduce((total, { weight }) => total + weight, 0);
  const chance = (Math.max(...serving.map(({ weight }) => weight)) / sum) ** ours;
  if (chance >= BY_CHANCE) return skip('too few requests to tell: ask for more with --requests');
  return fail(`ports of clients count, yet all went to ${used.map(({ host }) => host).join(', ')}`);
}
