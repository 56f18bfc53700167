import { LvsPlayError } from '../core/errors.ts';
import { type Refusal, refuse } from '../drain/refuse.ts';
import { failBack, failOver, forgetFailover } from '../failover/failover.ts';
import type { FailoverHands, PairsLook } from '../failover/hands.ts';
import { failoverFindings, heldWords, holdersIn, recordsIn, soleHolder } from '../failover/preflight.ts';
import { reportLines } from '../failover/report.ts';
import { catchUp } from '../failover/sync.ts';
import { isInSync, syncWords } from '../lvs/failover/sync.ts';
import { movedWith } from '../lvs/failover/topology.ts';
import type { HaPair, Topology } from '../lvs/model/topology.ts';
import { HostsMissing, unknown } from '../observe/missing.ts';
import { hostNames } from '../observe/words.ts';
import type { MaintenanceOrder } from './maintenance.ts';
import { awayFrom, FORGOTTEN_AFTER, type Turn } from './turn.ts';

/** What maintenance of a director is refused for, beside what its failover is. */
export const STANDBY_RULES = ['no-standby', 'failed-over'] as const;

/** What has just started may need so long until it could take over: VRRP elects, health checks begin anew. */
const READY_MS = 120_000;
/** Where something went wrong, nobody waits that long. */
const RESCUE_MS = 30_000;
const LOOK_MS = 1000;
/** Seconds that connection synchronisation may take to catch up, before a director is given up or gets its virtual IPs back. */
const SYNC_SECONDS = 30;

/** Directors give their virtual IPs away, and get them back as their pair is configured, once they know what they would have to know. */
export const directorTurn: Turn<FailoverHands> = {
  takeOut: async (hands, order, batch) => {
    const said: string[] = [];
    for (const host of batch) said.push(await giveAway(hands, order, host));
    return said.join('\n');
  },
  giveBack: async (hands, order, batch, gently) => {
    for (const host of batch) await takeBack(hands, order, host, gently ? READY_MS : RESCUE_MS);
  },
  away: async (hands, batch) => {
    const away: string[] = [];
    // One that is in no pair is waited for by its restart.
    for (const host of batch) if (pairsWith(hands.topology, host).length > 0) away.push(...awayFrom((await hands.lookAtPairs(namesOf(hands.topology, host))).among([host])));
    return away;
  },
  leftWords: (host, why) => `${host} is not well: ${why}; its virtual IPs stay where they are; when it is well: lvs-play failback of its pairs`,
};

function pairsWith(topology: Topology, host: string): readonly HaPair[] {
  return [...topology.pairs.values()].filter(({ members }) => members.some((member) => member.host === host));
}

function namesOf(topology: Topology, host: string): string[] {
  return pairsWith(topology, host).map(({ name }) => name);
}

/** Whose failover it is, in its record's reason: only that is taken back. */
function reasonOf(host: string, { reason }: MaintenanceOrder): string {
  return `maintenance of ${host}${reason === '' ? '' : `: ${reason}`}`;
}

function isOurs(reason: string, host: string): boolean {
  return reason === `maintenance of ${host}` || reason.startsWith(`maintenance of ${host}: `);
}

/** @returns what to tell of it */
async function giveAway(hands: FailoverHands, order: MaintenanceOrder, host: string): Promise<string> {
  const names = namesOf(hands.topology, host);
  if (names.length === 0) {
    refuse(hands, 'maintain', order.allow, [{ rule: 'no-standby', message: `${host} is in no HA pair: nobody serves while it is worked on`, hint: 'give it a partner' }]);
    return `${host} is in no HA pair`;
  }
  const look = await hands.lookAtPairs(names);
  if (look.at(host)?.kind !== 'answered') throw unknown(`what ${host} holds`, look.missing);
  refuse(hands, 'maintain', order.allow, [...standbyFindings(hands.topology, host, look), ...strangeFailovers(hands.topology, host, look)]);
  const held = heldBy(hands.topology, host, look);
  if (held.length === 0) return `${host} holds no virtual IP of ${names.join(', ')}`;
  const lines: string[] = [];
  const moved = new Set<string>();
  for (const pair of held.filter(({ name }) => !moved.has(name))) {
    for (const name of movedWith(hands.topology, pair.name)) moved.add(name);
    const until = new Date(hands.now() + (order.timeout + FORGOTTEN_AFTER) * 1000).toISOString();
    lines.push(...reportLines(await failOver(hands, { pair: pair.name, to: undefined, by: order.by, reason: reasonOf(host, order), until, allow: order.allow, syncWait: SYNC_SECONDS })));
  }
  return lines.join('\n');
}

function heldBy(topology: Topology, host: string, look: PairsLook): readonly HaPair[] {
  return pairsWith(topology, host).filter(({ vips }) => vips.some(({ address }) => look.among([host]).each(({ addresses }) => addresses.has(address)).includes(true)));
}

/** Of pairs that it does not hold: another one has to, alone. */
function standbyFindings(topology: Topology, host: string, look: PairsLook): Refusal[] {
  const held = new Set(heldBy(topology, host, look).map(({ name }) => name));
  return pairsWith(topology, host)
    .filter(({ name }) => !held.has(name))
    .flatMap(({ name }) => holdersIn(topology, [name], look))
    .filter(({ holders }) => holders.length !== 1)
    .map((held) => ({ rule: 'no-standby', missing: held.holders.length === 0 ? held.missing : [], message: heldWords(held), hint: 'lvs-play verify and lvs-play lint --live say more' }));
}

/** Somebody moved a pair to this director on purpose, and would not find it there any more. */
function strangeFailovers(topology: Topology, host: string, look: PairsLook): Refusal[] {
  return heldBy(topology, host, look).flatMap(({ name }): Refusal[] => {
    const [record] = recordsIn(look, [name]);
    if (record === undefined || isOurs(record.reason, host)) return [];
    return [{ rule: 'failed-over', message: `${name} is failed over to ${record.to} by ${record.by}${record.reason === '' ? '' : `: ${record.reason}`}`, hint: `lvs-play failback ${name} first` }];
  });
}

/** It could take over before anything is given to it; then what was given away for it comes back, where its pair says so. */
async function takeBack(hands: FailoverHands, order: MaintenanceOrder, host: string, limitMs: number): Promise<void> {
  const { topology } = hands;
  const names = namesOf(topology, host);
  if (names.length === 0) return;
  const look = await untilReady(hands, order, host, names, limitMs);
  await synchronised(hands, host, names, look);
  const done = new Set<string>();
  for (const pair of pairsWith(topology, host)) {
    const record = recordsIn(look, [pair.name]).find(({ reason }) => isOurs(reason, host));
    if (record === undefined || done.has(pair.name)) continue;
    for (const name of movedWith(topology, pair.name)) done.add(name);
    const back = { pair: pair.name, by: order.by, allow: order.allow, syncWait: SYNC_SECONDS };
    if (pair.preempt) for (const line of reportLines(await failBack(hands, back))) hands.say('info', line);
    else {
      await forgetFailover(hands, back);
      hands.say('info', `${pair.name} stays with ${record.to} (preempt: false)`);
    }
  }
}

/** @throws LvsPlayError `director-not-ready`; interrupted */
async function untilReady(hands: FailoverHands, order: MaintenanceOrder, host: string, names: readonly string[], limitMs: number): Promise<PairsLook> {
  const begun = hands.now();
  for (;;) {
    if (hands.signal.aborted) throw new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: `interrupted while ${host} was waited for`, hint: 'lvs-play resume goes on' });
    const look = await hands.lookAtPairs(names);
    const faults = unreadiness(hands.topology, host, look, order.by);
    if (faults.length === 0) return look;
    if (hands.now() - begun > limitMs && look.missing.length > 0) throw new HostsMissing({ code: 'director-not-ready', missing: look.missing, message: `whether ${host} could take ${hostNames(names)} over is unknown: ${faults.join('; ')}`, hint: 'lvs-play status shows who is there; then lvs-play resume goes on' });
    if (hands.now() - begun > limitMs) throw new LvsPlayError({ code: 'director-not-ready', kind: 'verification', host, message: `${host} could not take over: ${faults.join('; ')}`, hint: `journalctl -u keepalived on ${host} tells why; then lvs-play resume goes on` });
    hands.progress(`${host} cannot take over yet: ${faults.join('; ')}`);
    await hands.sleep(LOOK_MS);
  }
}

/** Why this director could not take each of its pairs over from whoever holds it, as clients are served now. Pure. */
export function unreadiness(topology: Topology, host: string, look: PairsLook, by: string): string[] {
  return [...new Set(namesOf(topology, host).flatMap((name) => {
    const from = soleHolder(topology, [name], look);
    const findings = failoverFindings(topology, { pairs: [name], from, to: host }, look, by).filter(({ rule }) => READINESS.includes(rule));
    // Its own sync daemon is the master's where it holds them.
    return findings.filter(({ rule }) => !(rule === 'target-no-sync' && from === host)).map(({ message }) => message);
  }))];
}

const READINESS: readonly string[] = ['target-unreachable', 'target-not-ready', 'target-no-sync', 'holders', 'tables-differ'];

/** What clients have open now, it knows before it may have to go on with it. What it does not learn in time is said. */
async function synchronised(hands: FailoverHands, host: string, names: readonly string[], look: PairsLook): Promise<void> {
  for (const name of names) {
    const holder = soleHolder(hands.topology, [name], look);
    if (hands.topology.pairs.get(name)?.connectionSync === undefined || holder === undefined || holder === host) continue;
    const state = await catchUp(hands, [name], holder, host, SYNC_SECONDS * 1000);
    hands.say(isInSync(state) ? 'info' : 'warning', syncWords(state));
  }
}

/** The order in which directors are worked on: those that hold nothing now come first, so that virtual IPs move as seldom as can be; one that gave no answer may hold any. Pure. @param hosts BACKUP first */
export function idleFirst(topology: Topology, hosts: readonly string[], look: PairsLook): string[] {
  const holds = (host: string): boolean => look.at(host)?.kind !== 'answered' || heldBy(topology, host, look).length > 0;
  return [...hosts.filter((host) => !holds(host)), ...hosts.filter(holds)];
}
