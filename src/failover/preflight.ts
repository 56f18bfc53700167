import { readinessFaults } from '../apply/pair/director.ts';
import type { Refusal } from '../drain/refuse.ts';
import type { FailoverRecord } from '../lvs/failover/record.ts';
import { destinationIn } from '../lvs/drain/shares.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { type Missing, Observation } from '../observe/observation.ts';
import { hostNames, namesOfMissing, unansweredWords } from '../observe/words.ts';
import type { MemberLook, PairsLook } from './hands.ts';
import { membersOf, movingAddresses, pairsOf } from './look.ts';

/** What a failover is refused for, unless `--allow` says that it is meant. */
export const FAILOVER_RULES = ['target-unreachable', 'target-not-ready', 'target-no-sync', 'director-unreachable', 'holders', 'tables-differ', 'other-pairs', 'failed-over-by-other', 'undeployed'] as const;

/** From whom to whom; `from` undefined: no single director holds all. */
export interface Way {
  readonly pairs: readonly string[];
  readonly from: string | undefined;
  readonly to: string;
}

/** Who holds an address, by those who answered. */
export interface Held {
  readonly vip: string;
  readonly holders: readonly string[];
  /** Members that gave no answer: they may hold it as well, or be the only one. */
  readonly missing: readonly Missing[];
}

/** Who holds each address that moves with pairs. Pure, as all here. */
export function holdersIn(topology: Topology, pairs: readonly string[], look: PairsLook): Held[] {
  return movingAddresses(topology, pairs).map((vip) => ({ vip, holders: look.each(({ addresses }, host) => (addresses.has(vip) ? [host] : [])).flat(), missing: look.missing }));
}

/** `nobody holds 192.168.0.38`, `lvs1 holds 192.168.0.38`; of one that nobody who answered holds, while others did not, that it is unknown. */
export function heldWords({ vip, holders, missing }: Held): string {
  if (holders.length > 0) return `${holders.join(' and ')} ${holders.length === 1 ? 'holds' : 'both hold'} ${vip}`;
  return missing.length === 0 ? `nobody holds ${vip}` : `who holds ${vip} is unknown, as ${hostNames(namesOfMissing(missing))} did not answer`;
}

/** The one director that holds every address of these pairs, and nobody else who answered any of them. Undefined: nobody, several, or one that gave no answer. */
export function soleHolder(topology: Topology, pairs: readonly string[], look: PairsLook): string | undefined {
  const [first, ...others] = holdersIn(topology, pairs, look);
  const [host] = first?.holders ?? [];
  return [first, ...others].every((one) => one?.holders.length === 1 && one.holders[0] === host) ? host : undefined;
}

/** The director with the highest priority that does not hold them and could take over; where none could, the first: it is refused by name then. */
export function chosenTarget(topology: Topology, pairs: readonly string[], look: PairsLook, from: string | undefined): string | undefined {
  const others = membersOf(topology, pairs).filter((host) => host !== from);
  return others.find((host) => faultsOf(host, pairs, look).length === 0) ?? others[0];
}

/** Whether only a restart makes the holder let go: a higher priority alone moves nothing with nopreempt. */
export function needsRestart(topology: Topology, pairs: readonly string[]): boolean {
  return pairsOf(topology, pairs).some(({ preempt }) => !preempt);
}

export function failoverFindings(topology: Topology, way: Way, look: PairsLook, by: string): Refusal[] {
  // Who holds them already need not take over, only be told.
  if (way.from === way.to) return [...others(topology, way, look), ...strangers(way, look, by)];
  return [...target(topology, way, look), ...others(topology, way, look), ...holders(topology, way, look), ...tables(topology, way, look), ...otherPairs(topology, way, look), ...strangers(way, look, by)];
}

/** Why a director could not take these pairs over. */
function faultsOf(host: string, pairs: readonly string[], look: PairsLook): string[] {
  const seen = look.at(host);
  if (seen?.kind !== 'answered') return readinessFaults(host, look);
  const { running } = seen.value;
  const own = { ...seen.value, running: running && { ...running, instances: running.instances.filter(({ name }) => pairs.includes(name)) } };
  return readinessFaults(host, new Observation([[host, { kind: 'answered', value: own }]]));
}

function target(topology: Topology, { pairs, to }: Way, look: PairsLook): Refusal[] {
  const seen = look.at(to);
  const { missing } = look.among([to]);
  if (seen?.kind !== 'answered') return [{ rule: 'target-unreachable', missing, message: `whether ${to} could take over is unknown: ${unansweredWords(missing)}`, hint: `bring ${to} back first, or name another director with --to` }];
  const state = seen.value;
  const faults = faultsOf(to, pairs, look);
  const synchronised = pairsOf(topology, pairs).some(({ connectionSync }) => connectionSync !== undefined);
  return [
    ...(faults.length === 0 ? [] : [{ rule: 'target-not-ready', message: faults.join('; '), hint: `see to ${to} first (journalctl -u keepalived there tells why), or name another director with --to` }]),
    ...(synchronised && !state.sync.includes('backup') ? [{ rule: 'target-no-sync', message: `${to} has no backup sync daemon: every connection would be cut`, hint: `lvs-play verify says more; systemctl restart keepalived on ${to} starts it` }] : []),
  ];
}

/** One that does not know of it would take the virtual IPs back, or away, with the priority that it had. */
function others(topology: Topology, { pairs, to }: Way, look: PairsLook): Refusal[] {
  const { missing } = look.among(membersOf(topology, pairs)).without([to]);
  if (missing.length === 0) return [];
  const it = missing.length === 1 ? 'it' : 'they';
  return [{ rule: 'director-unreachable', missing, message: `${unansweredWords(missing)}: ${it} would not know of the failover, and take the virtual IPs by the old priority when ${it === 'it' ? 'it is' : 'they are'} back`, hint: `bring ${it === 'it' ? 'it' : 'them'} back first` }];
}

function holders(topology: Topology, { pairs }: Way, look: PairsLook): Refusal[] {
  return holdersIn(topology, pairs, look).flatMap((held): Refusal[] => {
    if (held.holders.length === 1) return [];
    return [{ rule: 'holders', missing: held.holders.length === 0 ? held.missing : [], message: heldWords(held), hint: 'lvs-play verify and lvs-play lint --live say more' }];
  });
}

/** Clients would be balanced otherwise than they are now. */
function tables(topology: Topology, { pairs, from, to }: Way, look: PairsLook): Refusal[] {
  const [holder, next] = [from === undefined ? undefined : answerOf(look, from), answerOf(look, to)];
  if (holder === undefined || next === undefined) return [];
  return [...topology.services.values()]
    .filter(({ pair }) => pair !== undefined && pairs.includes(pair))
    .flatMap((service) =>
      service.realServers.flatMap((server): Refusal[] => {
        const weight = ({ table }: MemberLook): number | undefined => destinationIn(table, { service, server })?.weight;
        if (weight(holder) === weight(next)) return [];
        const words = [holder, next].map((state) => `${weight(state) === undefined ? 'not in the table' : `weight ${String(weight(state))}`} on ${state.host}`);
        return [{ rule: 'tables-differ', message: `${service.name}: ${server.host} has ${words.join(', ')}`, hint: 'see why with lvs-play drift; a deploy makes them equal, and a health check may need a moment' }];
      }),
    );
}

/** A restart of keepalived takes all that the director holds away. */
function otherPairs(topology: Topology, { pairs, from }: Way, look: PairsLook): Refusal[] {
  const state = from === undefined ? undefined : answerOf(look, from);
  if (state === undefined || !needsRestart(topology, pairs)) return [];
  const more = [...topology.pairs.values()].filter(({ name, vips }) => !pairs.includes(name) && vips.some(({ address }) => state.addresses.has(address))).map(({ name }) => name);
  if (more.length === 0) return [];
  return [{ rule: 'other-pairs', message: `with preempt: false keepalived on ${state.host} has to be restarted, which takes ${more.join(' and ')} away from it as well`, hint: `say preempt: true of ${pairs.join(' and ')} and deploy` }];
}

function strangers({ pairs }: Way, look: PairsLook, by: string): Refusal[] {
  const records = recordsIn(look, pairs);
  const other = records.find((record) => record.by !== by);
  if (other === undefined) return [];
  return [{ rule: 'failed-over-by-other', message: `${other.pair} is failed over to ${other.to} by ${other.by} since ${other.since}${other.reason === '' ? '' : `: ${other.reason}`}`, hint: `ask ${other.by}` }];
}

/** Records of these pairs on any member that answered. */
export function recordsIn(look: PairsLook, pairs: readonly string[]): FailoverRecord[] {
  return look.each(({ failovers }) => pairs.flatMap((pair) => failovers[pair] ?? [])).flat();
}

function answerOf(look: PairsLook, host: string): MemberLook | undefined {
  const seen = look.at(host);
  return seen?.kind === 'answered' ? seen.value : undefined;
}
