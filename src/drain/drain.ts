import { LvsPlayError, messageOf } from '../core/errors.ts';
import { directorsOf, sharesOf } from '../lvs/drain/shares.ts';
import { HostsMissing, unknown } from '../observe/missing.ts';
import type { Missing } from '../observe/observation.ts';
import { hostNames, namesOfMissing, unansweredWords } from '../observe/words.ts';
import { answering, type ClusterLook, drainLeft, type DrainLeft } from './cluster.ts';
import { counted, type DrainHistory, isDrained, leftWords, NO_LOOKS, oldestPeer, type PersistenceChoice, remaining, secondsLeft, withLook } from './progress.ts';
import { drainFindings, methodFindings, methodWords } from './preflight.ts';
import type { DrainHands, RunOutcome, RunWork } from './hands.ts';
import { notePlays, unrelatedPlays } from './plays.ts';
import { type Refusal, refuse } from './refuse.ts';

export interface DrainOrder {
  readonly hosts: readonly string[];
  readonly by: string;
  readonly reason: string;
  /** ISO 8601; null: nobody said. */
  readonly until: string | null;
  /** Seconds for connections to end by themselves. */
  readonly timeout: number;
  /** abort: they are given their weight back. force: it counts as drained with what is left. continue: it is waited for all the same, aloud. */
  readonly onTimeout: 'abort' | 'force' | 'continue';
  /** Undefined: as the directors' kernels are set. */
  readonly persistence: PersistenceChoice | undefined;
  /** Rules that may be broken: those of drain/preflight.ts, `undeployed`, and guards. */
  readonly allow: readonly string[];
  /** See DrainWish. */
  readonly removedShare: number;
}

export interface DrainResult {
  readonly hosts: readonly string[];
  readonly left: readonly DrainLeft[];
  /** False: it was forced. Null: nobody who counts answered whether clients have connections there; the directors that answered count none. */
  readonly empty: boolean | null;
  readonly seconds: number;
  /** Hosts that gave no answer when it ended. */
  readonly missing: readonly Missing[];
}

/** Between two looks. */
const LOOK_MS = 1000;
/** A drain that waits says so again after so long. */
const TELL_MS = 10_000;

/**
 * Takes real servers out of every service, and waits until no client has a connection there. What fails, or is interrupted, gives them back what they had.
 * @throws LvsPlayError: refused (kind `input`), interrupted, not empty in time (kind `verification`), or what the run met
 */
export async function drain(hands: DrainHands, order: DrainOrder): Promise<DrainResult> {
  const begun = hands.now();
  const first = await hands.look(order.hosts);
  requireSomeDirector(hands, order.hosts, first, `whether ${hostNames(order.hosts)} can be drained`, first.servers.missing);
  const fresh = await preflight(hands, order, first);
  const persistence = order.persistence ?? choiceOf(first);
  const without = unreachableOf(first);
  const record = { weight: '0', by: order.by, reason: order.reason, since: new Date(begun).toISOString(), until: order.until, run: null };
  const outcome = await hands.run({ line: `drain ${order.hosts.join(' ')}`, what: { plays: notePlays(hands.topology, { servers: order.hosts, record }, without, staysOf(order, first)) }, allow: order.allow });
  try {
    requireDone(outcome, `${order.hosts.join(', ')} could not be drained`);
    return await untilEmpty(hands, order, persistence, begun);
  } catch (error) {
    await giveBack(hands.insisting(), order, fresh, staysOf(order, first) === undefined ? undefined : choiceOf(first) === 'wait', error);
    throw error;
  }
}

/** @returns those that are not drained yet: only they are given back what they had when it fails */
async function preflight(hands: DrainHands, order: DrainOrder, look: ClusterLook): Promise<readonly string[]> {
  const seen = await hands.versions(order.hosts);
  const versions = new Map(seen.each((version, host) => (version === undefined ? [] : [[host, version] as const])).flat());
  // What can be seen of it, and not by which method it could drain.
  const silent = seen.without(look.directors.missing.map(({ host }) => host)).missing;
  refuse(hands, 'drain', order.allow, [...(silent.length === 0 ? [] : [{ rule: 'director-unreachable', missing: silent, message: `${unansweredWords(silent)}: how it drains is unknown`, hint: 'bring it back first' }]), ...methodFindings(hands.topology, versions), ...drainFindings(hands.topology, look, order), ...(await undeployed(hands, order, look))]);
  const method = methodWords(hands.topology, versions);
  if (method !== undefined) hands.say('info', method);
  const records = answering(directorsOf(hands.topology, order.hosts), look);
  return order.hosts.filter((host) => !records.some(({ drains }) => drains.get(host)?.weight === '0'));
}

/** A drain brings the whole of what a director balances into force: what else the inventory says and nobody deployed would come with it, unseen. */
async function undeployed(hands: DrainHands, order: DrainOrder, look: ClusterLook): Promise<Refusal[]> {
  // One that was cut short has left something to be done as well: it cannot be told apart.
  const records = look.directors.each(({ drains }) => [...drains.keys()]).flat();
  if (order.hosts.some((host) => records.includes(host))) return [];
  const changes = await hands.plan(unrelatedPlays(hands.topology, order.hosts, unreachableOf(look)));
  if (changes.length === 0) return [];
  return [{ rule: 'undeployed', message: `the directors are not as the inventory says, and the drain would bring that along: ${changes.slice(0, 3).join(', ')}${changes.length > 3 ? ` and ${String(changes.length - 3)} more` : ''}`, hint: 'see it with lvs-play plan, and deploy it first' }];
}

async function untilEmpty(hands: DrainHands, order: DrainOrder, persistence: PersistenceChoice, begun: number): Promise<DrainResult> {
  let history: DrainHistory = NO_LOOKS;
  let told = -Infinity;
  let late = false;
  for (;;) {
    if (hands.signal.aborted) throw new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: 'interrupted while connections were waited for' });
    const look = await hands.look(order.hosts);
    requireHolders(hands, order, look);
    const left = order.hosts.map((host) => drainLeft(hands.topology, host, look));
    history = withLook(history, look.at, left);
    const seconds = Math.round((hands.now() - begun) / 1000);
    if (isDrained(history, persistence)) return resultOf(hands, order, look, { left, empty: true, seconds });
    const words = waitingWords(history, left, persistence, hands.now());
    hands.progress(words);
    if (hands.now() - told >= TELL_MS) {
      hands.say('info', words);
      told = hands.now();
    }
    if (!late && seconds >= order.timeout) {
      late = true;
      const said = `not empty after ${String(order.timeout)} s: ${leftWords(left, persistence)}`;
      const sent = left.some(({ stillSent }) => stillSent.length > 0);
      if (order.onTimeout === 'force' && !sent) {
        hands.say('warning', `${said}; it counts as drained, and what is left will be cut by what is done there`);
        return resultOf(hands, order, look, { left, empty: false, seconds });
      }
      const silent = silentIn(hands, order, look);
      if ((order.onTimeout !== 'continue' || sent) && silent.length > 0) throw new HostsMissing({ code: 'drain-timeout', missing: silent, message: `${said}; ${unansweredWords(silent)}`, hint: 'they have their weight back' });
      if (order.onTimeout !== 'continue' || sent) throw new LvsPlayError({ code: 'drain-timeout', kind: 'verification', message: said, hint: 'they have their weight back; --timeout gives them longer, --on-timeout force goes on all the same' });
      hands.say('warning', `${said}; it is waited for (--on-timeout continue)`);
    }
    await hands.sleep(LOOK_MS);
  }
}

/** Without a holder nobody knows what is left; that may pass, with a failover. */
function requireHolders(hands: DrainHands, order: DrainOrder, look: ClusterLook): void {
  const services = [...new Set(order.hosts.flatMap((host) => sharesOf(hands.topology, host).map(({ service }) => service)))];
  const lost = services.find(({ directors }) => answering(directors, look).length === 0);
  if (lost === undefined) return;
  const { missing } = look.directors.among(lost.directors);
  throw new HostsMissing({ code: 'directors-lost', missing, message: `no director of ${lost.name} answers any more: ${unansweredWords(missing)}`, hint: 'lvs-play status shows who is there' });
}

function waitingWords(history: DrainHistory, left: readonly DrainLeft[], persistence: PersistenceChoice, now: number): string {
  const eta = secondsLeft(history, persistence);
  const oldest = oldestPeer(history);
  const parts = [leftWords(left, persistence)];
  if (remaining(left, persistence) > 0) parts.push(eta === undefined ? 'it does not get less' : `empty in about ${String(eta)} s`);
  if (oldest !== undefined) parts.push(`the oldest is ${oldest.peer} on ${oldest.host}, seen for ${String(Math.round((now - oldest.since) / 1000))} s`);
  return parts.join('; ');
}

/** What was not drained before gets its weight back. That it could not is said beside why. Never throws. */
async function giveBack(hands: DrainHands, order: DrainOrder, hosts: readonly string[], clientsStay: boolean | undefined, why: unknown): Promise<void> {
  const before = order.hosts.filter((host) => !hosts.includes(host));
  if (before.length > 0) hands.say('warning', `${before.join(', ')} ${before.length === 1 ? 'stays' : 'stay'} drained, as before: lvs-play restore ${before.join(' ')} gives back`);
  if (hosts.length === 0) return;
  hands.say('warning', `${messageOf(why)}: ${hosts.join(', ')} ${hosts.length === 1 ? 'gets its' : 'get their'} weight back`);
  const line = `restore ${hosts.join(' ')}`;
  const left = await onEachOf(hands, directorsOf(hands.topology, hosts), async () => (await hands.look(hosts)).directors.missing.map(({ host }) => host), (without) => ({ line, what: { plays: notePlays(hands.topology, { servers: hosts, record: null }, without, clientsStay) }, allow: order.allow }));
  if (left.length > 0) hands.say('warning', `${hosts.join(', ')} may still be drained on ${hostNames(left)}, which did not take it: ${line.replace('restore', 'lvs-play restore')}`);
}

/**
 * Puts something back on hosts, whatever happens: on all that answer in one run; where that fails, and on those that did not answer, on each by itself, so that none
 * is left out as another one fails. Never throws.
 * @param absent hosts that do not answer now @param work for all but some hosts @returns hosts that did not take it
 */
export async function onEachOf(hands: Pick<DrainHands, 'run'>, hosts: readonly string[], absent: () => Promise<readonly string[]>, work: (without: ReadonlySet<string>) => RunWork): Promise<readonly string[]> {
  const attempt = async (some: readonly string[]): Promise<boolean> => {
    if (some.length === 0) return false;
    const outcome = await hands.run(work(new Set(hosts.filter((host) => !some.includes(host))))).catch(() => undefined);
    return outcome?.code === 0;
  };
  // A look that fails says nothing of anybody.
  const gone = await absent().catch(() => hosts);
  const there = hosts.filter((host) => !gone.includes(host));
  const open = (await attempt(there)) ? hosts.filter((host) => gone.includes(host)) : hosts;
  const left: string[] = [];
  for (const host of open) if (!(await attempt([host]))) left.push(host);
  return left;
}

/** Without a single director there is nothing to begin with. @param also others that gave no answer, to be named @throws HostsMissing */
export function requireSomeDirector({ topology }: Pick<DrainHands, 'topology'>, hosts: readonly string[], look: ClusterLook, about: string, also: readonly Missing[] = []): void {
  const directors = look.directors.among(directorsOf(topology, hosts));
  if (directors.missing.length > 0 && directors.missing.length === directors.hosts.length) throw unknown(about, [...directors.missing, ...also]);
}

/** @throws LvsPlayError what the run met */
export function requireDone(outcome: RunOutcome, message: string): void {
  if (outcome.code === 0) return;
  const [error] = outcome.errors;
  if (error !== undefined) throw error;
  const { missing = [] } = outcome;
  if (missing.length > 0 && outcome.code !== 130) throw new HostsMissing({ code: 'run-failed', missing, message: `${message}: ${unansweredWords(missing)}`, hint: outcome.id === undefined ? undefined : `lvs-play history show ${outcome.id}` });
  const kind = outcome.code === 130 ? 'interrupted' : outcome.code === 4 ? 'unreachable' : 'host';
  throw new LvsPlayError({ code: 'run-failed', kind, message: `${message}${outcome.bad.length === 0 ? '' : `: ${outcome.bad.join(', ')} failed`}`, hint: outcome.id === undefined ? undefined : `lvs-play history show ${outcome.id}` });
}

/** Directors that give no answer. */
export function unreachableOf(look: ClusterLook): ReadonlySet<string> {
  return new Set(namesOfMissing(look.directors.missing));
}

/** As the kernels are set. */
function choiceOf(look: ClusterLook): PersistenceChoice {
  return look.directors.each(({ expireQuiescentTemplate }) => expireQuiescentTemplate === 0).includes(true) ? 'wait' : 'expire';
}

/** What expire_quiescent_template has to be made; undefined: it stays. */
function staysOf({ persistence }: DrainOrder, look: ClusterLook): boolean | undefined {
  return persistence === undefined || persistence === choiceOf(look) ? undefined : persistence === 'wait';
}

/** Hosts that a drain is about and that gave no answer. */
function silentIn({ topology }: DrainHands, { hosts }: DrainOrder, look: ClusterLook): readonly Missing[] {
  return [...look.directors.among(directorsOf(topology, hosts)).missing, ...look.servers.missing];
}

function resultOf(hands: DrainHands, order: DrainOrder, look: ClusterLook, { left, empty, seconds }: Pick<DrainResult, 'left' | 'seconds'> & { readonly empty: boolean }): DrainResult {
  const { hosts } = order;
  const missing = silentIn(hands, order, look);
  return { hosts, left, empty: empty && look.servers.missing.length > 0 ? null : empty, seconds, missing };
}

/** For the end of a drain: `rs1 is drained after 12 s`. */
export function drainedWords({ hosts, left, empty, seconds, missing }: DrainResult): string {
  const rest = left.reduce((sum, { connections }) => sum + connections, 0);
  const unseen = missing.length === 0 ? '' : `; ${unansweredWords(missing)}`;
  if (empty === null) return `${hosts.join(', ')} ${hosts.length === 1 ? 'gets' : 'get'} no new clients, after ${String(seconds)} s; the directors that answered count no connection, and whether a client has one there is unknown${unseen}`;
  return `${hosts.join(', ')} ${hosts.length === 1 ? 'is' : 'are'} drained after ${String(seconds)} s${empty ? ': no client has a connection there' : `, with ${counted(rest, 'connection')} left`}${unseen}`;
}
