import { LvsPlayError, messageOf } from '../core/errors.ts';
import { onEachOf, requireDone } from '../drain/drain.ts';
import { type Refusal, refuse } from '../drain/refuse.ts';
import { failoverTargetsOf, type FailoverRecord } from '../lvs/failover/record.ts';
import { movedWith } from '../lvs/failover/topology.ts';
import { requireAll, unknown } from '../observe/missing.ts';
import { hostNames, namesOfMissing } from '../observe/words.ts';
import type { FailoverHands, PairsLook } from './hands.ts';
import { membersOf } from './look.ts';
import { boundOf, move, orderOf } from './move.ts';
import { type FailoverNote, notePlays, unrelatedPlays } from './plays.ts';
import { chosenTarget, failoverFindings, holdersIn, needsRestart, recordsIn, soleHolder, type Way } from './preflight.ts';
import { type FailoverReport, namedArps, shownHolders, shownMissing } from './report.ts';

export interface FailoverOrder {
  /** Name of the HA pair; those of its sync group come along. */
  readonly pair: string;
  /** Undefined: the director with the highest priority that could take over. */
  readonly to: string | undefined;
  /** `alice@ops1`. */
  readonly by: string;
  readonly reason: string;
  /** ISO 8601; null: nobody said. */
  readonly until: string | null;
  /** Rules that may be broken: FAILOVER_RULES, and guards. */
  readonly allow: readonly string[];
  /** Seconds that connection synchronisation may take to catch up. */
  readonly syncWait: number;
}

export type FailbackOrder = Pick<FailoverOrder, 'pair' | 'by' | 'allow' | 'syncWait'>;

/**
 * Moves a pair to another director, where it stays until it is failed back. What does not come about, or is interrupted, is taken back.
 * @throws LvsPlayError: refused (kind `input`), not moved (kind `verification`), interrupted, or what the run met
 */
export async function failOver(hands: FailoverHands, order: FailoverOrder): Promise<FailoverReport> {
  const pairs = together(hands, order.pair);
  if (order.to !== undefined) requireMember(hands, order.pair, order.to);
  const look = await hands.lookAtPairs(pairs);
  requireSome(look, pairs);
  const from = soleHolder(hands.topology, pairs, look);
  const to = order.to ?? chosenTarget(hands.topology, pairs, look, from);
  requireMember(hands, order.pair, to);
  if (from === to) {
    requireAll(look, `whether ${from} alone holds ${hostNames(pairs)}`);
    return idle(hands, 'failover', { pairs, from, to }, look);
  }
  const way: Way = { pairs, from, to };
  const earlier = recordsIn(look, pairs);
  refuse(hands, 'failover', order.allow, [...failoverFindings(hands.topology, way, look, order.by), ...(earlier.length > 0 ? [] : await undeployed(hands, way, look))]);
  const note = { to, by: order.by, reason: order.reason, since: new Date(hands.now()).toISOString(), until: order.until };
  const moved = await move(hands, { ...way, line: `failover ${order.pair} --to ${to}`, note, allow: order.allow, syncWait: order.syncWait, look }, async (error) => {
    await takeBack(hands.insisting(), order, way, earlier[0] ?? null, error);
  });
  return reportOf(hands, 'failover', way, look, moved);
}

/**
 * Ends a failover: the director with the highest priority of the inventory holds the pair again.
 * @throws LvsPlayError: refused (kind `input`), not moved (kind `verification`), interrupted, or what the run met
 */
export async function failBack(hands: FailoverHands, order: FailbackOrder): Promise<FailoverReport> {
  const pairs = together(hands, order.pair);
  const look = await hands.lookAtPairs(pairs);
  requireSome(look, pairs);
  const from = soleHolder(hands.topology, pairs, look);
  const [to] = membersOf(hands.topology, [order.pair]);
  requireMember(hands, order.pair, to);
  const way: Way = { pairs, from, to };
  const noted = recordsIn(look, pairs).length > 0;
  // That those who answered have no record says nothing of the others.
  if (!noted) requireAll(look, `whether ${order.pair} is failed over`);
  if (!noted && (from === to || !needsRestart(hands.topology, pairs))) {
    if (from !== to) hands.say('info', `${order.pair} is not failed over: there is nothing to give back${from === undefined ? '' : `; ${from} holds it, and ${to} takes it by itself when it can`}`);
    return idle(hands, 'failback', { ...way, to: from ?? to }, look);
  }
  refuse(hands, 'failback', order.allow, failoverFindings(hands.topology, way, look, order.by));
  const moved = await move(hands, { ...way, line: `failback ${order.pair}`, note: null, allow: order.allow, syncWait: order.syncWait, look }, () => Promise.resolve());
  return reportOf(hands, 'failback', way, look, moved);
}

/** Ends a failover and moves nothing: without preemption the pair stays where it is. @throws LvsPlayError what the run met */
export async function forgetFailover(hands: FailoverHands, { pair, allow }: Pick<FailbackOrder, 'pair' | 'allow'>): Promise<void> {
  const pairs = movedWith(hands.topology, pair);
  const look = await hands.lookAtPairs(pairs);
  const from = soleHolder(hands.topology, pairs, look);
  const plays = notePlays(hands.topology, { pairs, note: null, order: orderOf({ from, to: '', look }), restarts: undefined });
  requireDone(await hands.run({ line: `failback ${pair} (it stays)`, what: { plays }, allow }), `the failover of ${pairs.join(', ')} could not be forgotten`);
}

/** Pairs that move with this one, said aloud. @throws LvsPlayError kind `usage` */
function together(hands: FailoverHands, pair: string): readonly string[] {
  if (!hands.topology.pairs.has(pair)) throw new LvsPlayError({ code: 'no-pair', kind: 'usage', message: `${pair} is no HA pair`, hint: `the pairs are ${[...hands.topology.pairs.keys()].join(', ')}` });
  const pairs = movedWith(hands.topology, pair);
  if (pairs.length > 1) hands.say('info', `${pairs.join(' and ')} are in one vrrp_sync_group: they move together`);
  return pairs;
}

function requireMember({ topology }: FailoverHands, pair: string, to: string | undefined): asserts to is string {
  const members = membersOf(topology, [pair]);
  if (to !== undefined && members.includes(to)) return;
  throw new LvsPlayError({ code: 'no-member', kind: 'usage', message: `${to ?? 'nobody'} is no member of ${pair} that it could move to`, hint: `its members are ${members.join(', ')}` });
}

/** Without a single member there is nothing to begin with. @throws HostsMissing */
function requireSome(look: PairsLook, pairs: readonly string[]): void {
  if (look.missing.length > 0 && look.missing.length === look.hosts.length) throw unknown(`who holds ${hostNames(pairs)}`, look.missing);
}

/** A failover brings the whole of a keepalived.conf into force: what else the inventory says and nobody deployed would come with it, unseen. */
async function undeployed(hands: FailoverHands, way: Way, look: PairsLook): Promise<Refusal[]> {
  const changes = await hands.plan(unrelatedPlays(hands.topology, orderOf({ ...way, look })));
  if (changes.length === 0) return [];
  return [{ rule: 'undeployed', message: `the directors are not as the inventory says, and the failover would bring that along: ${changes.slice(0, 3).join(', ')}${changes.length > 3 ? ` and ${String(changes.length - 3)} more` : ''}`, hint: 'see it with lvs-play plan, and deploy it first' }];
}

/** What was there before is noted again, on each member that takes it. That it could not is said beside why. Never throws. */
async function takeBack(hands: FailoverHands, order: FailoverOrder, way: Way, earlier: FailoverRecord | null, why: unknown): Promise<void> {
  hands.say('warning', `${messageOf(why)}: the failover of ${way.pairs.join(', ')} is taken back`);
  const note: FailoverNote = earlier;
  const last = way.from ?? way.to;
  const members = membersOf(hands.topology, way.pairs);
  const inOrder = [...members.filter((host) => host === last), ...members.filter((host) => host !== last && host !== way.to), ...members.filter((host) => host === way.to && host !== last)];
  const left = await onEachOf(hands, members, async () => namesOfMissing((await hands.lookAtPairs(way.pairs)).missing), (without) => ({
    line: `failback ${order.pair}`,
    what: { plays: notePlays(hands.topology, { pairs: way.pairs, note, order: inOrder.filter((host) => !without.has(host)), restarts: undefined }) },
    allow: order.allow,
  }));
  if (left.length > 0) hands.say('warning', `${way.pairs.join(', ')} may still be noted as failed over on ${hostNames(left)}, which did not take it back: lvs-play failback ${order.pair}`);
}

function idle({ topology }: FailoverHands, what: string, { pairs, from, to }: Way, look: PairsLook): FailoverReport {
  const holders = shownHolders(holdersIn(topology, pairs, look));
  return { version: 1, what, pairs, from: from ?? null, to, moved: false, before: holders, after: holders, ...shownMissing([]), sync: null, measured: null, bound: boundOf(topology, pairs, to, failoverTargetsOf(recordsIn(look, pairs))) };
}

function reportOf({ topology }: FailoverHands, what: string, { pairs, from, to }: Way, before: PairsLook, { measured, sync, look }: Awaited<ReturnType<typeof move>>): FailoverReport {
  return {
    version: 1,
    what,
    pairs,
    from: from ?? null,
    to,
    moved: from !== to,
    before: shownHolders(holdersIn(topology, pairs, before)),
    after: shownHolders(holdersIn(topology, pairs, look)),
    ...shownMissing(look.missing),
    sync,
    measured: { ...measured, arps: namedArps(measured.arps, look) },
    bound: boundOf(topology, pairs, to, failoverTargetsOf(recordsIn(look, pairs))),
  };
}
