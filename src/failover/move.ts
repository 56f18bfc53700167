import { LvsPlayError } from '../core/errors.ts';
import { HostsMissing } from '../observe/missing.ts';
import { hostNames, unansweredWords } from '../observe/words.ts';
import { requireDone } from '../drain/drain.ts';
import { masterDown } from '../lvs/change/classify.ts';
import { type SyncState, syncWords } from '../lvs/failover/sync.ts';
import { withFailovers } from '../lvs/failover/topology.ts';
import type { Topology } from '../lvs/model/topology.ts';
import type { FailoverHands, Measured, PairsLook } from './hands.ts';
import { pairsOf } from './look.ts';
import { type FailoverNote, notePlays } from './plays.ts';
import { heldWords, holdersIn, needsRestart, soleHolder, type Way } from './preflight.ts';
import type { Bound } from './report.ts';
import { catchUp } from './sync.ts';

/** A move of pairs from the director that holds them to another. */
export interface Move extends Way {
  /** As the journal names it. */
  readonly line: string;
  readonly note: FailoverNote;
  readonly allow: readonly string[];
  /** Seconds that connection synchronisation may take to catch up. */
  readonly syncWait: number;
  /** The look that it was decided on. */
  readonly look: PairsLook;
}

export interface Moved {
  readonly measured: Measured;
  readonly sync: SyncState | null;
  readonly look: PairsLook;
}

const LOOK_MS = 500;
/** A reload or restart takes keepalived a second or two. */
const SETTLE_MS = 10_000;
/** After the last move, for what comes late: clients that were under way, more gratuitous ARP. */
const TAIL_MS = 1500;

/**
 * Moves pairs and measures it. @param failed what is done when it does not come about, before the error goes on
 * @throws LvsPlayError: not moved (kind `verification`), interrupted, or what the run met
 */
export async function move(hands: FailoverHands, order: Move, failed: (error: unknown) => Promise<void>): Promise<Moved> {
  const { topology } = hands;
  const measuring = await hands.measure(order.pairs);
  let measured: Measured | undefined;
  try {
    const sync = await synchronised(hands, order);
    const restarts = needsRestart(topology, order.pairs) && order.from !== order.to ? order.from : undefined;
    requireDone(await hands.run({ line: order.line, what: { plays: notePlays(topology, { pairs: order.pairs, note: order.note, order: orderOf(order), restarts }) }, allow: order.allow }), `${order.pairs.join(', ')} could not be moved`);
    const look = await untilHeld(hands, order);
    await hands.sleep(TAIL_MS);
    measured = await measuring.end();
    return { measured, sync, look };
  } catch (error) {
    await failed(error);
    throw error;
  } finally {
    if (measured === undefined) await measuring.end();
  }
}

/** Those that can be reached: who takes over first, who lets go last, so that the virtual IPs move once, and to one that knows why. */
export function orderOf({ from, to, look }: Pick<Move, 'from' | 'to' | 'look'>): string[] {
  const there = look.each((_state, host) => host);
  return [...there.filter((host) => host === to), ...there.filter((host) => host !== to && host !== from), ...there.filter((host) => host === from && host !== to)];
}

/** What of the connections the target would go on with, said aloud; null: the pairs have no synchronisation, or nobody to compare. */
export async function synchronised(hands: FailoverHands, { pairs, from, to, syncWait, look }: Pick<Move, 'pairs' | 'from' | 'to' | 'syncWait' | 'look'>): Promise<SyncState | null> {
  const wanted = pairsOf(hands.topology, pairs).some(({ connectionSync }) => connectionSync !== undefined);
  if (from === undefined || from === to || look.at(to)?.kind !== 'answered') return null;
  if (!wanted) {
    hands.say('warning', `${pairs.join(', ')}: connections are not synchronised: those that are open will be cut (connection_sync of the pair keeps them)`);
    return null;
  }
  const state = await catchUp(hands, pairs, from, to, syncWait * 1000);
  hands.say(state.known === state.established ? 'info' : 'warning', `${syncWords(state)}${state.known === state.established ? '' : '; the others are cut if anybody still uses them'}`);
  return state;
}

/** Waits as long as an election may take. @throws LvsPlayError `not-moved`, interrupted */
async function untilHeld(hands: FailoverHands, { pairs, from, to }: Move): Promise<PairsLook> {
  const delay = Math.max(0, ...pairsOf(hands.topology, pairs).map(({ preempt, preemptDelay }) => (preempt ? preemptDelay : 0)));
  if (delay > 0 && from !== to) hands.say('info', `${to} waits ${String(delay)} s before it takes over (preempt_delay)`);
  const deadline = hands.now() + SETTLE_MS + 1000 * (delay + electionSeconds(hands.topology, pairs));
  for (;;) {
    if (hands.signal.aborted) throw new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: `interrupted while ${to} was waited for` });
    const look = await hands.lookAtPairs(pairs);
    if (soleHolder(hands.topology, pairs, look) === to) return look;
    const words = holdersIn(hands.topology, pairs, look).map(heldWords).join('; ');
    if (hands.now() >= deadline && look.missing.length > 0) throw new HostsMissing({ code: 'not-moved', missing: look.missing, message: `whether ${to} took ${hostNames(pairs)} over is unknown: ${unansweredWords(look.missing)}` });
    if (hands.now() >= deadline) throw new LvsPlayError({ code: 'not-moved', kind: 'verification', message: `${to} did not take over: ${words}`, hint: `journalctl -u keepalived on ${to} tells why; trackers with a weight may have taken its priority away` });
    hands.progress(`${to} is waited for: ${words}`);
    await hands.sleep(LOOK_MS);
  }
}

/** The longest that an election of these pairs may take. Pure, as what follows. */
export function electionSeconds(topology: Topology, pairs: readonly string[]): number {
  return Math.max(0, ...pairsOf(topology, pairs).flatMap(({ advertInt, members }) => members.map(({ priority }) => masterDown({ advertInterval: advertInt * 1000, priority }))));
}

/** VRRP's bound of a director that takes over, as the one of several pairs that needs longest. @param targets failovers in force, by pair */
export function boundOf(topology: Topology, pairs: readonly string[], host: string, targets: ReadonlyMap<string, string>): Bound {
  const bounds = pairsOf(withFailovers(topology, targets), pairs).flatMap(({ advertInt, members }) =>
    members.filter((member) => member.host === host).map(({ priority }) => ({ milliseconds: Math.round(1000 * masterDown({ advertInterval: advertInt * 1000, priority })), advertInt, priority })),
  );
  return bounds.reduce((most, one) => (one.milliseconds > most.milliseconds ? one : most), { milliseconds: 0, advertInt: 0, priority: 0 });
}
