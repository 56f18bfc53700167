import { LvsPlayError, messageOf } from '../core/errors.ts';
import { destinationIn, directorsOf, type ServerShare, sharesOf } from '../lvs/drain/shares.ts';
import { stepsFor } from '../lvs/drain/ramp.ts';
import { type DrainRecord, type DrainWeight, weightUnder } from '../lvs/drain/record.ts';
import { missingIn, unknown } from '../observe/missing.ts';
import type { Missing } from '../observe/observation.ts';
import { hostNames, unansweredWords } from '../observe/words.ts';
import { answering, type ClusterLook, silentServices } from './cluster.ts';
import { onEachOf, requireDone, requireSomeDirector, unreachableOf } from './drain.ts';
import type { DrainHands } from './hands.ts';
import { notePlays, ownNeedsPlays } from './plays.ts';
import { type Refusal, refuse } from './refuse.ts';

export interface RestoreOrder {
  readonly hosts: readonly string[];
  readonly by: string;
  /** Weights on the way to the whole. */
  readonly ramp: readonly DrainWeight[];
  /** Seconds for which a server has to stay in every director's table before the next step. */
  readonly hold: number;
  /** Seconds that a server has to be found ready. */
  readonly settle: number;
  /** Rules that may be broken: `drained-by-other`, `director-unreachable`, `not-ready`, and guards. */
  readonly allow: readonly string[];
}

export interface RestoreResult {
  /** Those that were drained, and have their weight back. */
  readonly restored: readonly string[];
  readonly steps: readonly DrainWeight[];
  /** Directors that gave no answer, and were allowed to be left out. */
  readonly missing: readonly Missing[];
}

const LOOK_MS = 1000;
/** How long a director may take to have a weight in its table, or a health check to find a server that has just come back. */
const SETTLE_MS = 90_000;

/**
 * Gives real servers their weight back, in steps; between them they have to stay healthy on every director. One that does not is drained again.
 * @throws LvsPlayError: refused (kind `input`), not healthy (kind `verification`), interrupted, or what the run met
 */
export async function restore(hands: DrainHands, order: RestoreOrder): Promise<RestoreResult> {
  const look = await hands.look(order.hosts);
  requireSomeDirector(hands, order.hosts, look, `whether ${hostNames(order.hosts)} ${order.hosts.length === 1 ? 'is' : 'are'} drained`);
  const records = recordsOf(hands, order.hosts, look);
  const hosts = order.hosts.filter((host) => records.has(host));
  requireKnown(hands, order.hosts.filter((host) => !records.has(host)), look);
  for (const host of order.hosts.filter((name) => !records.has(name))) hands.say('info', `${host} is not drained: there is nothing to give back`);
  if (hosts.length === 0) return { restored: [], steps: [], missing: [] };
  refuse(hands, 'restore', order.allow, [...strangers(hosts, records, order.by), ...missing(look, hosts), ...(await settled(hands, hosts, order.settle))]);
  const without = unreachableOf(look);
  const steps = stepsFor(hands.topology, hosts, order.ramp);
  for (const weight of [...steps, undefined]) {
    if (hands.signal.aborted) throw interrupted(hosts);
    const record = weight === undefined ? null : recordAt(weight, order, hosts, records);
    const outcome = await hands.run({ line: `restore ${hosts.join(' ')}${weight === undefined ? '' : ` (${weight})`}`, what: { plays: notePlays(hands.topology, { servers: hosts, record }, without, record === null ? clientsStay(hands, hosts) : undefined) }, allow: order.allow });
    requireDone(outcome, `${hosts.join(', ')} could not be restored`);
    hands.say('info', `${hosts.join(', ')}: ${weight === undefined ? 'the whole weight' : `weight ${weight}`}`);
    await gate(hands, order, hosts, weight ?? '100%', records, without);
  }
  return { restored: hosts, steps, missing: look.directors.missing };
}

/** What becomes of persistent clients is the inventory's again, whatever a drain was asked for; undefined: there are none. */
function clientsStay({ topology }: DrainHands, hosts: readonly string[]): boolean | undefined {
  const persistent = hosts.some((host) => sharesOf(topology, host).some(({ service }) => service.persistence !== undefined));
  return persistent ? topology.ipvs.sysctls['expire_quiescent_template'] === '0' : undefined;
}

function recordsOf(hands: DrainHands, hosts: readonly string[], look: ClusterLook): ReadonlyMap<string, DrainRecord> {
  const directors = answering(directorsOf(hands.topology, hosts), look);
  return new Map(hosts.flatMap((host) => {
    const record = directors.flatMap(({ drains }) => drains.get(host) ?? [])[0];
    return record === undefined ? [] : [[host, record] as const];
  }));
}

/** That no director which answered has a record of a host says nothing of the others. @throws HostsMissing */
function requireKnown({ topology }: DrainHands, hosts: readonly string[], look: ClusterLook): void {
  const doubtful = hosts.filter((host) => look.directors.among(directorsOf(topology, [host])).missing.length > 0);
  if (doubtful.length > 0) throw unknown(`whether ${hostNames(doubtful)} ${doubtful.length === 1 ? 'is' : 'are'} drained`, look.directors.among(directorsOf(topology, doubtful)).missing, 'bring the directors back first');
}

/** The drain at another weight: whose it was before tells why and since when. */
function recordAt(weight: DrainWeight, { by }: RestoreOrder, hosts: readonly string[], records: ReadonlyMap<string, DrainRecord>): Omit<DrainRecord, 'version' | 'host'> {
  const first = records.get(hosts[0] ?? '');
  return { weight, by, reason: first?.reason ?? '', since: first?.since ?? '', until: first?.until ?? null, run: null };
}

function strangers(hosts: readonly string[], records: ReadonlyMap<string, DrainRecord>, by: string): Refusal[] {
  return hosts.flatMap((host): Refusal[] => {
    const record = records.get(host);
    if (record === undefined || record.by === by) return [];
    return [{ rule: 'drained-by-other', message: `${host} was drained by ${record.by} at ${record.since}${record.reason === '' ? '' : `: ${record.reason}`}`, hint: `ask ${record.by}` }];
  });
}

function missing(look: ClusterLook, hosts: readonly string[]): Refusal[] {
  const { missing: gone } = look.directors;
  if (gone.length === 0) return [];
  return [{ rule: 'director-unreachable', missing: gone, message: `${unansweredWords(gone)}: ${hosts.join(', ')} would stay drained there`, hint: `bring ${gone.length === 1 ? 'it' : 'them'} back first` }];
}

/** What has just started may need a moment. */
async function settled(hands: DrainHands, hosts: readonly string[], seconds: number): Promise<Refusal[]> {
  const begun = hands.now();
  for (;;) {
    const found = await unready(hands, hosts);
    if (found.length === 0 || hands.now() - begun >= seconds * 1000 || hands.signal.aborted) return found;
    hands.progress(found.map(({ message }) => message).join('; '));
    await hands.sleep(LOOK_MS);
  }
}

/** What the server itself lacks, seen without the virtual IP. */
async function unready(hands: DrainHands, hosts: readonly string[]): Promise<Refusal[]> {
  const found: Refusal[] = [];
  const add = (message: string, hint: string, gone: readonly Missing[] = []): void => void found.push({ rule: 'not-ready', message, hint, missing: gone });
  const look = await hands.look(hosts);
  for (const host of hosts) {
    const answer = look.servers.at(host);
    if (answer?.kind === 'answered') for (const what of silentServices(hands.topology, host, answer.value)) add(`${host} does not serve ${what}`, 'start its service there');
    else add(`whether ${host} serves is unknown: ${unansweredWords(look.servers.among([host]).missing)}`, 'see whether it is up', look.servers.among([host]).missing);
  }
  if (found.length > 0) return found;
  try {
    for (const change of await hands.plan(ownNeedsPlays(hosts))) add(`not as it has to be: ${change}`, 'deploy with -l first');
  } catch (error) {
    const gone = missingIn(error);
    if (gone.length === 0) throw error;
    add(messageOf(error), 'see whether it is up', gone);
  }
  for (const host of hosts) {
    const why = await hands.checkDirectly(host);
    if (why !== undefined) add(`${host} ${why}`, 'see to its service');
  }
  return found;
}

/** Every director has the server at its weight, and goes on having it for a while; else it is drained again. */
async function gate(hands: DrainHands, order: RestoreOrder, hosts: readonly string[], weight: DrainWeight, records: ReadonlyMap<string, DrainRecord>, without: ReadonlySet<string>): Promise<void> {
  const begun = hands.now();
  let since: number | undefined;
  for (;;) {
    if (hands.signal.aborted) throw interrupted(hosts);
    const look = await hands.look(hosts);
    const amiss = amissIn(hands, hosts, weight, look);
    // A director that was there when this began has to be heard, too.
    const { missing: gone } = look.directors.without(without);
    if (gone.length > 0 && amiss.length === 0) {
      since = undefined;
      if (hands.now() - begun > SETTLE_MS) throw unknown(`whether ${hosts.join(', ')} ${hosts.length === 1 ? 'serves' : 'serve'} everywhere`, gone, `lvs-play status shows who is there; lvs-play restore ${hosts.join(' ')} goes on`);
    } else if (amiss.length > 0) {
      if (since !== undefined || hands.now() - begun > SETTLE_MS) {
        await drainAgain(hands.insisting(), order, hosts, records, amiss[0] ?? '');
        throw new LvsPlayError({ code: 'not-healthy', kind: 'verification', message: `${amiss.join('; ')}: ${hosts.join(', ')} ${hosts.length === 1 ? 'is' : 'are'} drained again`, hint: 'see to the service and its health check, then restore again' });
      }
    } else {
      since ??= hands.now();
      if (hands.now() - since >= order.hold * 1000) return;
    }
    hands.progress(amiss.length > 0 ? amiss.join('; ') : gone.length > 0 ? unansweredWords(gone) : `${hosts.join(', ')} at ${weight}: healthy on every director that takes part`);
    await hands.sleep(LOOK_MS);
  }
}

/** What is not as it shall be on directors that can be asked. */
function amissIn(hands: DrainHands, hosts: readonly string[], weight: DrainWeight, look: ClusterLook): string[] {
  return hosts.flatMap((host) => sharesOf(hands.topology, host).flatMap((share) => share.service.directors.flatMap((name) => amissOn(look, name, share, weight))));
}

function amissOn(look: ClusterLook, name: string, share: ServerShare, weight: DrainWeight): string[] {
  const [director] = answering([name], look);
  if (director === undefined) return [];
  const is = destinationIn(director.table, share)?.weight;
  const wanted = weightUnder(weight, share.server.weight);
  if (is === wanted) return [];
  return [`${share.service.name}: ${share.server.host} ${is === undefined ? 'was taken out by its health check' : `has weight ${String(is)} instead of ${String(wanted)}`} on ${name}`];
}

async function drainAgain(hands: DrainHands, order: RestoreOrder, hosts: readonly string[], records: ReadonlyMap<string, DrainRecord>, why: string): Promise<void> {
  hands.say('warning', `${why}: no new clients for ${hosts.join(', ')} again`);
  const record = recordAt('0', order, hosts, records);
  const line = `drain ${hosts.join(' ')}`;
  const left = await onEachOf(hands, directorsOf(hands.topology, hosts), async () => [...unreachableOf(await hands.look(hosts))], (without) => ({ line, what: { plays: notePlays(hands.topology, { servers: hosts, record }, without) }, allow: order.allow }));
  if (left.length > 0) hands.say('warning', `${hosts.join(', ')} could not be drained again on ${hostNames(left)}: lvs-play ${line}`);
}

function interrupted(hosts: readonly string[]): LvsPlayError {
  return new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: `interrupted while ${hosts.join(', ')} got ${hosts.length === 1 ? 'its' : 'their'} weight back`, hint: `lvs-play restore ${hosts.join(' ')} goes on` });
}
