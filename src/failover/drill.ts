import { LvsPlayError } from '../core/errors.ts';
import { refuse } from '../drain/refuse.ts';
import { failoverTargetsOf } from '../lvs/failover/record.ts';
import { movedWith } from '../lvs/failover/topology.ts';
import { readinessFaults } from '../apply/pair/director.ts';
import type { FailoverHands, Measured, PairsLook } from './hands.ts';
import { membersOf } from './look.ts';
import { boundOf, electionSeconds, synchronised } from './move.ts';
import { chosenTarget, failoverFindings, holdersIn, soleHolder } from './preflight.ts';
import { type FailoverReport, namedArps } from './report.ts';

/** What happens to the director that holds the virtual IPs: its power is cut, keepalived is stopped in order, or nobody hears it any more. */
export const DRILLS = ['crash', 'stop', 'isolate'] as const;
export type DrillKind = (typeof DRILLS)[number];

/** How harm is done and mended, on a real cluster or in the lab. */
export interface DrillMeans {
  readonly kind: DrillKind;
  /** What is done to it, in words: `the power of lvs1 is cut`. */
  words(host: string): string;
  harm(host: string): Promise<void>;
  /** Undoes it, whether it was done in whole or not. */
  mend(host: string): Promise<void>;
  /** Nobody can reach the director meanwhile. */
  readonly unreachable: boolean;
  /** It gives its virtual IPs up; otherwise what it still holds does not count. */
  readonly letsGo: boolean;
}

export interface DrillOrder {
  readonly pair: string;
  /** `alice@ops1`. */
  readonly by: string;
  /** Rules that may be broken: FAILOVER_RULES. */
  readonly allow: readonly string[];
  /** Seconds that connection synchronisation may take to catch up. */
  readonly syncWait: number;
}

const LOOK_MS = 250;
const SETTLE_MS = 15_000;
const TAIL_MS = 1500;
/** A director that boots, with its health checks. */
const BACK_MS = 120_000;

/**
 * A game day: does harm to the director that holds a pair, measures how another takes over, mends the harm, and waits until all is as before. It is mended whatever
 * happens, also when the operator ends it.
 * @throws LvsPlayError: refused (kind `input`), nobody took over or not all is as before (kind `verification`), interrupted
 */
export async function drill(hands: FailoverHands, order: DrillOrder, means: DrillMeans): Promise<FailoverReport> {
  const pairs = movedWith(hands.topology, order.pair);
  const before = await hands.lookAtPairs(pairs);
  const from = soleHolder(hands.topology, pairs, before);
  const to = chosenTarget(hands.topology, pairs, before, from);
  if (to === undefined) throw new LvsPlayError({ code: 'no-member', kind: 'usage', message: `${order.pair} has nobody else who could take over` });
  const findings = failoverFindings(hands.topology, { pairs, from, to }, before, order.by).filter(({ rule }) => rule !== 'other-pairs' && rule !== 'failed-over-by-other');
  refuse(hands, 'drill', order.allow, findings);
  if (from === undefined) throw new LvsPlayError({ code: 'drill-holders', kind: 'input', message: `no single director holds ${pairs.join(', ')}: there is nobody to do harm to`, hint: 'lvs-play verify says more' });
  const shared = [...hands.topology.pairs.values()].filter(({ name, vips }) => !pairs.includes(name) && vips.some(({ address }) => before.get(from)?.addresses.has(address) === true)).map(({ name }) => name);
  if (shared.length > 0) hands.say('info', `${from} holds ${shared.join(' and ')} as well: ${shared.length === 1 ? 'it moves' : 'they move'} too`);
  const measuring = await hands.measure(pairs);
  let measured: Measured | undefined;
  let after: PairsLook;
  const sync = await synchronised(hands, { pairs, from, to, syncWait: order.syncWait, look: before }).catch(async (error: unknown) => {
    await measuring.end();
    throw error;
  });
  try {
    hands.say('info', means.words(from));
    const begun = hands.now();
    await means.harm(from);
    // Somewhere between the order and its answer.
    if (means.unreachable) measuring.died(from, (begun + hands.now()) / 2, Math.ceil((hands.now() - begun) / 2));
    after = await untilTaken(hands, pairs, from, means.letsGo);
    await hands.sleep(TAIL_MS);
    measured = await measuring.end();
  } finally {
    await (measured === undefined ? measuring.end() : Promise.resolve());
    hands.say('info', `mending ${from}`);
    await means.mend(from);
    await measuring.afterwards();
  }
  const mended = await untilAsBefore(hands.insisting(), pairs, from);
  const reached = new Map([...after].filter(([host]) => means.letsGo || host !== from));
  const holder = soleHolder(hands.topology, pairs, reached) ?? to;
  const records = [...before.values()].flatMap((state) => pairs.flatMap((pair) => state?.failovers[pair] ?? []));
  return {
    version: 1,
    what: `drill ${means.kind}`,
    pairs,
    from,
    to: holder,
    moved: true,
    before: holdersIn(hands.topology, pairs, before),
    after: holdersIn(hands.topology, pairs, reached),
    mended: holdersIn(hands.topology, pairs, mended),
    sync,
    measured: { ...measured, arps: namedArps(measured.arps, before) },
    bound: boundOf(hands.topology, pairs, holder, failoverTargetsOf(records)),
  };
}

/** Waits until one of the others holds all. @throws LvsPlayError `not-taken-over`, interrupted */
async function untilTaken(hands: FailoverHands, pairs: readonly string[], from: string, letsGo: boolean): Promise<PairsLook> {
  const deadline = hands.now() + SETTLE_MS + 1000 * electionSeconds(hands.topology, pairs);
  for (;;) {
    if (hands.signal.aborted) throw new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: 'interrupted while another director was waited for' });
    const look = await hands.lookAtPairs(pairs, letsGo ? [] : [from]);
    const holder = soleHolder(hands.topology, pairs, look);
    if (holder !== undefined && holder !== from) return look;
    if (hands.now() >= deadline) throw new LvsPlayError({ code: 'not-taken-over', kind: 'verification', message: `nobody took over from ${from}: ${heldWords(hands, pairs, look)}`, hint: 'lvs-play status shows who is there; journalctl -u keepalived on the others tells why' });
    await hands.sleep(LOOK_MS);
  }
}

/** Everybody is able to take over, and one holds all: with preemption the one that did before. @throws LvsPlayError `not-as-before` */
async function untilAsBefore(hands: FailoverHands, pairs: readonly string[], from: string): Promise<PairsLook> {
  const preempts = pairs.every((pair) => hands.topology.pairs.get(pair)?.preempt === true);
  const delay = Math.max(0, ...pairs.map((pair) => hands.topology.pairs.get(pair)?.preemptDelay ?? 0));
  const synchronises = pairs.some((pair) => hands.topology.pairs.get(pair)?.connectionSync !== undefined);
  const deadline = hands.now() + BACK_MS + 1000 * (delay + electionSeconds(hands.topology, pairs));
  for (;;) {
    const look = await hands.lookAtPairs(pairs);
    const states = [...look.values()].filter((state) => state !== undefined);
    const holder = soleHolder(hands.topology, pairs, look);
    const faults = membersOf(hands.topology, pairs).flatMap((host) => [...readinessFaults(host, states), ...(synchronises && (look.get(host)?.sync.length ?? 0) === 0 ? [`connections are not synchronised on ${host}`] : [])]);
    const away = holder === undefined || (preempts && holder !== from) ? [heldWords(hands, pairs, look)] : [];
    if (faults.length + away.length === 0) {
      if (holder !== from) hands.say('info', `${holder ?? ''} goes on holding ${pairs.join(', ')} (preempt: false); lvs-play failover ${pairs[0] ?? ''} --to ${from} moves ${pairs.length === 1 ? 'it' : 'them'} back`);
      return look;
    }
    if (hands.now() >= deadline) throw new LvsPlayError({ code: 'not-as-before', kind: 'verification', message: `${from} was mended, and not all is as before: ${[...faults, ...away].join('; ')}`, hint: 'lvs-play status and lvs-play verify say more' });
    hands.progress(`until all is as before: ${[...faults, ...away].join('; ')}`);
    await hands.sleep(LOOK_MS);
  }
}

function heldWords({ topology }: FailoverHands, pairs: readonly string[], look: PairsLook): string {
  return holdersIn(topology, pairs, look).map(({ vip, holders }) => `${holders.length === 0 ? 'nobody holds' : `${holders.join(' and ')} ${holders.length === 1 ? 'holds' : 'hold'}`} ${vip}`).join('; ');
}
