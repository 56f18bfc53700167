import { forgottenDrains } from '../lvs/drain/forgotten.ts';
import { destinationIn } from '../lvs/drain/shares.ts';
import { type DrainRecord, weightUnder } from '../lvs/drain/record.ts';
import { forgottenFailovers } from '../lvs/failover/forgotten.ts';
import type { FailoverRecord } from '../lvs/failover/record.ts';
import type { IpvsCounters } from '../lvs/ipvs/counters.ts';
import { keyOfService } from '../lvs/ipvs/types.ts';
import { formatEndpoint } from '../lvs/model/ip.ts';
import { vipsOf } from '../lvs/model/lookups.ts';
import { addressesOf, type RealServer, type Topology, type VirtualService } from '../lvs/model/topology.ts';
import type { Missing, Observation } from '../observe/observation.ts';
import { hostNames, namesOfMissing, unansweredWords } from '../observe/words.ts';
import type { DirectorStatus } from './look.ts';

/** A cluster as it is right now. A versioned document. */
export interface ClusterStatus {
  readonly version: 1;
  /** ISO 8601. */
  readonly at: string;
  /** Directors that were reached by no way, and those that failed or said what is no answer. */
  readonly unreachable: readonly string[];
  readonly failed: readonly string[];
  /** Both, and with drift the hosts that could not be compared: of them nothing is said. */
  readonly unknown: readonly string[];
  /** Why, in words, each cause once; null: every director answered. */
  readonly why: string | null;
  /** Null: nothing was found amiss, but not every director answered. */
  readonly verdict: 'ok' | 'problems' | null;
  readonly vips: readonly VipStatus[];
  readonly services: readonly ServiceStatus[];
  readonly drains: readonly DrainStatus[];
  readonly failovers: readonly FailoverStatus[];
  readonly directors: readonly { readonly host: string; readonly keepalived: 'runs' | 'stopped' | null; readonly sync: readonly string[] }[];
  /** Absent: it was not asked for. */
  readonly drift?: DriftCount;
  /** What somebody has to see to, in words. */
  readonly problems: readonly string[];
}

/** A virtual IP, and who says that he holds it. */
export interface VipStatus {
  readonly vip: string;
  readonly pair: string | null;
  readonly holders: readonly string[];
  /** Directors that could hold it and gave no answer. */
  readonly unknown: readonly string[];
  /** Null: nobody who answered holds it, and others did not answer. */
  readonly verdict: 'held' | 'nobody' | 'several' | null;
}

/** How many differences there are between hosts and a playbook; `lvs-play drift` names them. */
export interface DriftCount {
  readonly playbook: string;
  readonly differences: number;
  /** Hosts that have any. */
  readonly on: readonly string[];
  /** Hosts that could not be compared, or not in whole. */
  readonly unknown: readonly string[];
  /** How many were compared in whole. */
  readonly compared: number;
  /** Of those that could not be compared: hosts that gave no answer at all. */
  readonly unreachable: readonly string[];
  readonly failed: readonly string[];
}

/** A status that knows of drift too. Pure. */
export function withDrift(status: ClusterStatus, drift: DriftCount): ClusterStatus {
  const { playbook, differences, on, unknown } = drift;
  const found = differences === 0 ? [] : [`${on.join(', ')} ${on.length === 1 ? 'differs' : 'differ'} from ${playbook} in ${String(differences)} ${differences === 1 ? 'thing' : 'things'}: lvs-play drift ${playbook}`];
  const missed = unknown.length === 0 ? [] : [`${hostNames(unknown)} could not be compared with ${playbook}`];
  const problems = [...status.problems, ...found, ...missed];
  return { ...status, drift, problems, unknown: [...new Set([...status.unknown, ...unknown])], verdict: differences > 0 ? 'problems' : unknown.length > 0 && status.verdict === 'ok' ? null : status.verdict };
}

export interface ServiceStatus {
  readonly name: string;
  /** As in `ipvsadm -Ln`. */
  readonly key: string;
  /** Who clients reach; null: nobody, more than one, or nobody knows. */
  readonly holder: string | null;
  /** Its directors that gave no answer. */
  readonly unknown: readonly string[];
  readonly servers: readonly ServerStatus[];
}

export interface ServerStatus {
  readonly host: string;
  readonly endpoint: string;
  /** The inventory's. */
  readonly weight: number;
  /** The kernels'; null: it is not in the table. Of directors that answered. */
  readonly weights: Readonly<Record<string, number | null>>;
  /** On the holder; null: there is none. */
  readonly active: number | null;
  readonly inactive: number | null;
  readonly rate: IpvsCounters | null;
  /** serves; drained or restoring, by a record; out: its health check took it out, or somebody else did; differs: directors disagree, or the weight is nobody's. */
  readonly state: 'serves' | 'drained' | 'restoring' | 'out' | 'differs' | 'unknown';
}

export interface DrainStatus extends Omit<DrainRecord, 'version'> {
  /** Directors that have the record. */
  readonly on: readonly string[];
  /** Why nobody seems to think of it any more; null: somebody does. */
  readonly forgotten: string | null;
}

export interface FailoverStatus extends Omit<FailoverRecord, 'version'> {
  /** Directors that have the record. */
  readonly on: readonly string[];
  /** Why nobody seems to think of it any more; null: somebody does. */
  readonly forgotten: string | null;
}

/** Pure. @param now milliseconds since the epoch */
export function clusterStatus(topology: Topology, looks: Observation<DirectorStatus>, now: number): ClusterStatus {
  const asked = looks.each((look) => look);
  const { missing } = looks;
  const hostsOf = (kind: Missing['kind']): string[] => namesOfMissing(missing.filter((one) => one.kind === kind));
  const vips = vipsIn(topology).map(({ vip, pair, carriers }) => vipStatus(vip, pair, looks.among(carriers)));
  const services = [...topology.services.values()].map((service) => serviceStatus(service, looks.among(service.directors)));
  const drains = drainStatus(topology, asked, now);
  const failovers = forgottenFailovers(topology, asked, now).map(({ record: { pair, to, by, reason, since, until }, on, forgotten }) => ({ pair, to, by, reason, since, until, on, forgotten }));
  const directors = asked.map(({ host, keepalived, sync }) => ({ host, keepalived, sync }));
  const found = { version: 1 as const, at: new Date(now).toISOString(), unreachable: hostsOf('unreachable'), failed: hostsOf('failed'), unknown: namesOfMissing(missing), why: missing.length === 0 ? null : unansweredWords(missing), vips, services, drains, failovers, directors };
  const faults = problemsIn(topology, found);
  return { ...found, verdict: faults.length > 0 ? 'problems' : missing.length > 0 ? null : 'ok', problems: [...(found.why === null ? [] : [found.why]), ...faults] };
}

function vipStatus(vip: string, pair: string | null, carriers: Observation<DirectorStatus>): VipStatus {
  const holders = carriers.each(({ holds }, host) => (holds.has(vip) ? [host] : [])).flat();
  const verdict = holders.length === 1 ? 'held' : holders.length > 1 ? 'several' : carriers.missing.length > 0 ? null : 'nobody';
  return { vip, pair, holders, unknown: namesOfMissing(carriers.missing), verdict };
}

/** Virtual IPs with those who may hold them. */
function vipsIn(topology: Topology): { readonly vip: string; readonly pair: string | null; readonly carriers: readonly string[] }[] {
  const ofPairs = [...topology.pairs.values()].flatMap((pair) => addressesOf(pair).map(({ address }) => ({ vip: address, pair: pair.name, carriers: pair.members.map(({ host }) => host) })));
  const known = new Set(ofPairs.map(({ vip }) => vip));
  const others = [...topology.services.values()].flatMap((service) => vipsOf(service).filter((vip) => !known.has(vip)).map((vip) => ({ vip, pair: service.pair ?? null, carriers: service.directors })));
  return [...ofPairs, ...new Map(others.map((one) => [one.vip, one])).values()];
}

function serviceStatus(service: VirtualService, looks: Observation<DirectorStatus>): ServiceStatus {
  const directors = looks.each((look) => look);
  const holders = directors.filter(({ holds }) => vipsOf(service).every((vip) => holds.has(vip)));
  const holder = holders.length === 1 ? holders[0] : undefined;
  const servers = service.realServers.map((server): ServerStatus => {
    const weights = Object.fromEntries(directors.map((director) => [director.host, destinationIn(director.table, { service, server })?.weight ?? null]));
    const entry = holder === undefined ? undefined : destinationIn(holder.table, { service, server });
    const endpoint = formatEndpoint(server.address, server.port);
    const rate = holder?.rates.get(keyOfService(service))?.get(endpoint) ?? null;
    const counts = holder === undefined ? { active: null, inactive: null } : { active: entry?.activeConnections ?? 0, inactive: entry?.inactiveConnections ?? 0 };
    return { host: server.host, endpoint, weight: server.weight, weights, ...counts, rate, state: stateOf(server, directors, weights) };
  });
  return { name: service.name, key: keyOfService(service), holder: holder?.host ?? null, unknown: namesOfMissing(looks.missing), servers };
}

function stateOf(server: RealServer, directors: readonly DirectorStatus[], weights: Readonly<Record<string, number | null>>): ServerStatus['state'] {
  if (directors.length === 0) return 'unknown';
  const is = directors.map(({ host }) => weights[host] ?? null);
  const records = directors.map(({ drains }) => drains[server.host]);
  const wanted = records.map((record) => (record === undefined ? server.weight : weightUnder(record.weight, server.weight)));
  if (is.every((weight, index) => weight === wanted[index]) && new Set(records.map((record) => record?.weight)).size === 1) {
    const [record] = records;
    return record === undefined ? 'serves' : record.weight === '0' ? 'drained' : 'restoring';
  }
  // keepalived removes what fails its check, or gives it weight 0.
  const taken = is.every((weight, index) => weight === null || (weight === 0 && (server.inhibitOnFailure || directors[index]?.method === 'flag')));
  return taken ? 'out' : 'differs';
}

function drainStatus(topology: Topology, asked: readonly DirectorStatus[], now: number): DrainStatus[] {
  return forgottenDrains(topology, asked, now).map(({ record: { host, weight, by, reason, since, until, run }, on, forgotten }) => ({ host, weight, by, reason, since, until, run, on, forgotten }));
}

/** What is amiss on directors that answered. */
function problemsIn(topology: Topology, { vips, services, drains, failovers, directors }: Omit<ClusterStatus, 'problems' | 'verdict'>): string[] {
  return [
    ...vips.flatMap(({ vip, holders, verdict }) => (verdict === 'nobody' ? [`nobody holds ${vip}`] : verdict === 'several' ? [`${holders.join(' and ')} both hold ${vip}`] : [])),
    ...services.flatMap((service) => [...emptyService(service), ...service.servers.flatMap((server) => serverProblem(service, server))]),
    ...drains.flatMap(({ host, by, forgotten }) => (forgotten === null ? [] : [`the drain of ${host} by ${by} is forgotten: ${forgotten}`])),
    ...failovers.flatMap(({ pair, to, by, forgotten }) => (forgotten === null ? [] : [`the failover of ${pair} to ${to} by ${by} is forgotten: ${forgotten}`])),
    ...directors.flatMap(({ host, keepalived }) => (keepalived === 'stopped' ? [`keepalived does not run on ${host}`] : [])),
    ...[...topology.pairs.values()].filter(({ connectionSync }) => connectionSync !== undefined).flatMap(({ members }) => members.flatMap((member) => (directors.some(({ host, sync }) => host === member.host && sync.length === 0) ? [`connections are not synchronised on ${member.host}`] : []))),
  ];
}

function emptyService({ name, holder, servers }: ServiceStatus): string[] {
  if (holder === null) return [];
  return servers.some(({ weights }) => (weights[holder] ?? 0) > 0) ? [] : [`${name} has no real server`];
}

function serverProblem({ name }: ServiceStatus, { host, state, weights, weight }: ServerStatus): string[] {
  if (state === 'out' && weight > 0) return [`${name}: ${host} is out: its health check failed`];
  if (state !== 'differs') return [];
  return [`${name}: ${host} has ${Object.entries(weights).map(([director, is]) => `${is === null ? 'no entry' : `weight ${String(is)}`} on ${director}`).join(', ')}, and should have ${String(weight)}`];
}
