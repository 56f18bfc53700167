import { LvsPlayError, messageOf } from '../core/errors.ts';
import { HostsMissing, unknown } from '../observe/missing.ts';
import { hostNames, unansweredWords } from '../observe/words.ts';
import { refuse } from '../drain/refuse.ts';
import { failoverTargetsOf } from '../lvs/failover/record.ts';
import { movedWith } from '../lvs/failover/topology.ts';
import { readinessFaults } from '../apply/pair/director.ts';
import type { FailoverHands, Measured, Measuring, PairsLook } from './hands.ts';
import { membersOf } from './look.ts';
import { boundOf, electionSeconds, synchronised } from './move.ts';
import { chosenTarget, failoverFindings, heldWords, holdersIn, recordsIn, soleHolder } from './preflight.ts';
import { type FailoverReport, namedArps, shownHolders, shownMissing } from './report.ts';

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
  if (before.missing.length > 0 && before.missing.length === before.hosts.length) throw unknown(`who holds ${hostNames(pairs)}`, before.missing);
  const from = soleHolder(hands.topology, pairs, before);
  const to = chosenTarget(hands.topology, pairs, before, from);
  if (to === undefined) throw new LvsPlayError({ code: 'no-member', kind: 'usage', message: `${order.pair} has nobody else who could take over` });
  const findings = failoverFindings(hands.topology, { pairs, from, to }, before, order.by).filter(({ rule }) => rule !== 'other-pairs' && rule !== 'failed-over-by-other');
  refuse(hands, 'drill', order.allow, findings);
  if (from === undefined && before.missing.length > 0) throw unknown(`who holds ${hostNames(pairs)}`, before.missing);
  if (from === undefined) throw new LvsPlayError({ code: 'drill-holders', kind: 'input', message: `no single director holds ${pairs.join(', ')}: there is nobody to do harm to`, hint: 'lvs-play verify says more' });
  const shared = [...hands.topology.pairs.values()].filter(({ name, vips }) => !pairs.includes(name) && vips.some(({ address }) => before.among([from]).each(({ addresses }) => addresses.has(address)).includes(true))).map(({ name }) => name);
  if (shared.length > 0) hands.say('info', `${from} holds ${shared.join(' and ')} as well: ${shared.length === 1 ? 'it moves' : 'they move'} too`);
  const measuring = await hands.measure(pairs);
  const sync = await synchronised(hands, { pairs, from, to, syncWait: order.syncWait, look: before }).catch(async (error: unknown) => {
    await measuring.end();
    throw error;
  });
  const { after, measured } = await whileHarmed(hands, means, from, measuring, async () => {
    const taken = await untilTaken(hands, pairs, from, means.letsGo);
    await hands.sleep(TAIL_MS);
    return taken;
  });
  const mended = await untilAsBefore(hands.insisting(), pairs, from);
  const reached = means.letsGo ? after : after.without([from]);
  const holder = soleHolder(hands.topology, pairs, reached) ?? to;
  const records = recordsIn(before, pairs);
  return {
    version: 1,
    what: `drill ${means.kind}`,
    pairs,
    from,
    to: holder,
    moved: true,
    before: shownHolders(holdersIn(hands.topology, pairs, before)),
    after: shownHolders(holdersIn(hands.topology, pairs, reached)),
    mended: shownHolders(holdersIn(hands.topology, pairs, mended)),
    ...shownMissing(mended.missing),
    sync,
    measured: { ...measured, arps: namedArps(measured.arps, before) },
    bound: boundOf(hands.topology, pairs, holder, failoverTargetsOf(records)),
  };
}

/**
 * Does the harm, and mends it whatever happens: nothing that fails before it, and nothing that cannot be measured, keeps it from being mended.
 * @throws what failed first
 */
async function whileHarmed(hands: FailoverHands, means: DrillMeans, from: string, measuring: Measuring, watched: () => Promise<PairsLook>): Promise<{ readonly after: PairsLook; readonly measured: Measured }> {
  try {
    hands.say('info', means.words(from));
    const begun = hands.now();
    await means.harm(from);
    // Somewhere between the order and its answer.
    if (means.unreachable) measuring.died(from, (begun + hands.now()) / 2, Math.ceil((hands.now() - begun) / 2));
    const after = await watched();
    return { after, measured: await measuring.end() };
  } catch (error) {
    await measuring.end().catch(() => undefined);
    throw error;
  } finally {
    hands.say('info', `mending ${from}`);
    await mend(hands, means, from);
    await measuring.afterwards().catch(() => undefined);
  }
}

/** Tries of mending: the way to a host that was harmed may come back late. */
const MENDS = 3;

/** @throws LvsPlayError when it cannot be mended */
async function mend(hands: FailoverHands, means: DrillMeans, host: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await means.mend(host);
      return;
    } catch (error) {
      if (attempt >= MENDS) {
        hands.say('warning', `${host} could not be mended: ${messageOf(error)}`);
        throw error;
      }
      await hands.insisting().sleep(LOOK_MS);
    }
  }
}

/** Waits until one of the others holds all. @throws LvsPlayError `not-taken-over`, interrupted */
async function untilTaken(hands: FailoverHands, pairs: readonly string[], from: string, letsGo: boolean): Promise<PairsLook> {
  const deadline = hands.now() + SETTLE_MS + 1000 * electionSeconds(hands.topology, pairs);
  for (;;) {
    if (hands.signal.aborted) throw new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: 'interrupted while another director was waited for' });
    const look = await hands.lookAtPairs(pairs, letsGo ? [] : [from]);
    const holder = soleHolder(hands.topology, pairs, look);
    if (holder !== undefined && holder !== from) return look;
    const { missing } = look.without([from]);
    if (hands.now() >= deadline && missing.length > 0) throw new HostsMissing({ code: 'not-taken-over', missing, message: `whether another director took over from ${from} is unknown: ${unansweredWords(missing)}` });
    if (hands.now() >= deadline) throw new LvsPlayError({ code: 'not-taken-over', kind: 'verification', message: `nobody took over from ${from}: ${allHeld(hands, pairs, look)}`, hint: 'lvs-play status shows who is there; journalctl -u keepalived on the others tells why' });
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
    const holder = soleHolder(hands.topology, pairs, look);
    const faults = membersOf(hands.topology, pairs).flatMap((host) => [...readinessFaults(host, look), ...(synchronises && look.among([host]).each(({ sync }) => sync.length === 0).includes(true) ? [`connections are not synchronised on ${host}`] : [])]);
    const away = holder === undefined || (preempts && holder !== from) ? [allHeld(hands, pairs, look)] : [];
    if (faults.length + away.length === 0) {
      if (holder !== from) hands.say('info', `${holder ?? ''} goes on holding ${pairs.join(', ')} (preempt: false); lvs-play failover ${pairs[0] ?? ''} --to ${from} moves ${pairs.length === 1 ? 'it' : 'them'} back`);
      return look;
    }
    if (hands.now() >= deadline && look.missing.length > 0) throw new HostsMissing({ code: 'not-as-before', missing: look.missing, message: `${from} was mended, and whether all is as before is unknown: ${unansweredWords(look.missing)}`, hint: 'lvs-play status says more' });
    if (hands.now() >= deadline) throw new LvsPlayError({ code: 'not-as-before', kind: 'verification', message: `${from} was mended, and not all is as before: ${[...faults, ...away].join('; ')}`, hint: 'lvs-play status and lvs-play verify say more' });
    hands.progress(`until all is as before: ${[...faults, ...away].join('; ')}`);
    await hands.sleep(LOOK_MS);
  }
}

function allHeld({ topology }: FailoverHands, pairs: readonly string[], look: PairsLook): string {
  return holdersIn(topology, pairs, look).map(heldWords).join('; ');
}
