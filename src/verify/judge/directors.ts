import { compareTables, expectedTable, type IpvsDifference, type IpvsTable, keyOfService, parseProcNetIpVs, serviceKey } from '../../lvs/ipvs/table.ts';
import { forgottenDrains } from '../../lvs/drain/forgotten.ts';
import { drainWords } from '../../lvs/drain/record.ts';
import { drainMethodOf } from '../../lvs/drain/method.ts';
import { withTable } from '../../lvs/drain/topology.ts';
import { forgottenFailovers } from '../../lvs/failover/forgotten.ts';
import { failoverWords } from '../../lvs/failover/record.ts';
import { portReuseFault, reusesUnderPersistence } from '../../lvs/host/director.ts';
import { servicesOf, vipsOf } from '../../lvs/model/lookups.ts';
import { checksOf, type Topology } from '../../lvs/model/topology.ts';
import type { Observation } from '../../observe/observation.ts';
import { unknownCheck } from '../report.ts';
import type { ArpSeen, Check, DirectorState } from '../types.ts';

/** Exactly one of a VIP's directors holds it. One that gave no answer may hold it as well, or be the one. Pure, like all judges. */
export function judgeHolder(vip: string, states: Observation<DirectorState>): Check {
  const holders = states.each(({ addresses }, host) => (addresses.has(vip) ? [host] : [])).flat();
  const check = { name: 'holder', subject: vip, expected: 'held by exactly one director', measured: holders.length === 0 ? 'held by nobody' : `held by ${holders.join(' and ')}` } as const;
  if (holders.length < 2 && states.missing.length > 0) return { ...unknownCheck(check, states.missing), ...(holders.length === 0 ? {} : { measured: check.measured }) };
  if (holders.length === 1) return { ...check, verdict: 'pass' };
  const reason =
    holders.length === 0 ? 'no director carries the address: is keepalived running on any?' : 'more than one holder: adverts do not reach each other, or the pair disagrees on its VIPs';
  return { ...check, verdict: 'fail', reason };
}

/** Exactly one MAC answers ARP, and it is the holder's. */
export function judgeArp(vip: string, seen: ArpSeen, states: Observation<DirectorState>, from: string): Check {
  const [holder] = states.each((state) => (state.addresses.has(vip) ? [state] : [])).flat();
  const own = holder?.macs.get(holder.addresses.get(vip) ?? '');
  const owner = holder === undefined ? 'the active director' : `${holder.host} (${own ?? 'MAC unknown'})`;
  const check = { name: 'arp', from, subject: vip, expected: `only ${owner} answers` } as const;
  if ('unseen' in seen) return { ...check, verdict: 'skip', measured: 'not measured', reason: seen.unseen };
  const [first, ...others] = seen.macs;
  if (first === undefined) return { ...check, verdict: 'fail', measured: 'no MAC answers', reason: 'nobody answers ARP for it' };
  if (others.length > 0) {
    const reason = `${String(seen.macs.length)} MACs answer: besides the director, a host carries the VIP openly (a real server without arp_ignore=1, or a second director?)`;
    return { ...check, verdict: 'fail', measured: `${seen.macs.join(', ')} answer`, reason };
  }
  const measured = `${seen.all ? 'only ' : ''}${first} answers`;
  if (holder === undefined && states.missing.length > 0) return { ...unknownCheck(check, states.missing), measured };
  if (first !== own) return { ...check, verdict: 'fail', measured, reason: `the MAC is not that of ${owner}` };
  if (seen.all) return { ...check, verdict: 'pass', measured };
  return { ...check, verdict: 'skip', measured, reason: 'only the first answer can be seen without arping (iputils) and root; it is the right one' };
}

/** A real server that is in the topology and not in a director's kernel. */
export interface MissingServer {
  /** Of the topology. */
  readonly service: string;
  readonly host: string;
}

/** Real servers missing in a director's table for which a failed health check may be the cause. */
export function missingServers(topology: Topology, state: DirectorState): readonly MissingServer[] {
  return differencesOf(topology, state)
    .differences.map((difference) => missingOf(topology, state.host, difference))
    .filter((missing) => missing !== undefined);
}

/**
 * A director's kernel table is what the topology says. Counters do not count. A real server that its health check has taken out
 * is named, and no fault, unless it does answer. A virtual service of somebody else's, on no VIP of ours, is named.
 * @param answering those of `missingServers` that pass their health check as seen from the vantage
 */
export function judgeTable(topology: Topology, state: DirectorState, answering: readonly MissingServer[]): Check {
  const check = { name: 'table', subject: state.host, expected: 'the topology' } as const;
  if (state.ipvs === undefined) return { ...check, verdict: 'fail', measured: 'no table', reason: 'IPVS is not loaded in the kernel' };
  const { actual, differences } = differencesOf(topology, state);
  const servers = actual.services.reduce((sum, service) => sum + service.destinations.length, 0);
  const measured = `${counted(actual.services.length, 'virtual service')}, ${counted(servers, 'real server')}`;
  const faults: string[] = [];
  const notes: string[] = [];
  const sorry = new Set(differences.filter(({ kind }) => kind === 'sorry-server').map(({ service }) => service));
  for (const difference of differences) {
    if (difference.kind === 'sorry-server' || isOthers(difference, actual, topology)) {
      notes.push(difference.text);
      continue;
    }
    const missing = missingOf(topology, state.host, difference);
    if (missing === undefined) faults.push(difference.text);
    // Below the quorum keepalived removes those that live as well.
    else if (sorry.has(difference.service)) notes.push(`${missing.host} is out of ${missing.service}: its quorum is lost`);
    else if (answering.some(({ service, host }) => service === missing.service && host === missing.host)) faults.push(`${missing.host} is missing in ${missing.service} though it answers: the director's own check of it fails, or has not noticed yet`);
    else notes.push(`${missing.host} is out of ${missing.service}: it does not answer, and its health check removed it`);
  }
  if (faults.length > 0) return { ...check, verdict: 'fail', measured, reason: [...faults, ...notes].join('; ') };
  return { ...check, verdict: 'pass', measured, ...(notes.length === 0 ? {} : { reason: notes.join('; ') }) };
}

/** Connections are synchronised where the topology says so, by the one who holds the virtual IPs to the others. */
export function judgeSync(topology: Topology, state: DirectorState): Check | undefined {
  const pairs = [...topology.pairs.values()].filter(({ connectionSync, members }) => connectionSync !== undefined && members.some(({ host }) => host === state.host));
  const [pair] = pairs;
  if (pair === undefined) return undefined;
  const holds = pairs.some(({ vips }) => vips.some(({ address }) => state.addresses.has(address)));
  const wanted = holds ? 'master' : 'backup';
  const check = { name: 'sync', subject: state.host, expected: `${wanted} sync daemon`, measured: state.sync.length === 0 ? 'no sync daemon' : `${state.sync.join(' and ')} sync daemon` } as const;
  if (state.sync.includes(wanted)) return { ...check, verdict: 'pass' };
  return { ...check, verdict: 'fail', reason: `connections are not ${holds ? `sent to the other members of ${pair.name}` : `received from the holder of ${pair.name}`}: a failover would cut them` };
}

/** Drains that somebody thinks of are named; one that is forgotten is a fault. Undefined: nothing is drained. */
export function judgeDrains(topology: Topology, states: readonly DirectorState[], now: number): Check[] {
  return forgottenDrains(topology, states, now).map(({ record, on, forgotten }): Check => {
    const check = { name: 'drains', subject: record.host, expected: 'nothing drained, or by somebody who thinks of it', measured: `${drainWords(record)}, since ${record.since}, on ${on.join(' and ')}` } as const;
    return forgotten === null ? { ...check, verdict: 'pass' } : { ...check, verdict: 'fail', reason: `forgotten: ${forgotten}; lvs-play restore ${record.host}` };
  });
}

/** Pairs that an operator has moved are named; one that is forgotten is a fault. */
export function judgeFailovers(topology: Topology, states: readonly DirectorState[], now: number): Check[] {
  return forgottenFailovers(topology, states, now).map(({ record, on, forgotten }): Check => {
    const check = { name: 'failovers', subject: record.pair, expected: 'no pair moved, or by somebody who thinks of it', measured: `${failoverWords(record)}, since ${record.since}, on ${on.join(' and ')}` } as const;
    return forgotten === null ? { ...check, verdict: 'pass' } : { ...check, verdict: 'fail', reason: `forgotten: ${forgotten}; lvs-play failback ${record.pair}` };
  });
}

/**
 * Port reuse is safe. With the kernel's defaults clients that reuse a source port within two minutes are sent to a drained server: 536 of 45,000 requests in a
 * measurement (see directorSysctls in lvs/host/director.ts).
 */
export function judgeReuse(topology: Topology, state: DirectorState): Check | undefined {
  const concerned = servicesOf(topology, state.host).filter((service) => service.mode !== 'nat' || reusesUnderPersistence(service));
  if (concerned.length === 0) return undefined;
  const { connReuseMode, expireNodestConn } = state;
  const check = { name: 'reuse', subject: state.host, expected: concerned.some(reusesUnderPersistence) ? 'expire_nodest_conn 1' : 'conn_reuse_mode 3, or expire_nodest_conn 1' } as const;
  const shown = (value: number | undefined): string => (value === undefined ? 'not there' : String(value));
  const measured = `conn_reuse_mode ${shown(connReuseMode)}, expire_nodest_conn ${shown(expireNodestConn)}`;
  const fault = portReuseFault(concerned, { connReuseMode, expireNodestConn });
  if (fault === undefined) return { ...check, verdict: 'pass', measured };
  return { ...check, verdict: 'fail', measured, reason: `a drained real server would still get connections of clients that reuse a port: set net.ipv4.vs.${fault.cure}` };
}

/** What is drained has the weight of its record. Where keepalived drains by flags, a failed health check leaves a server at weight 0. */
function differencesOf(topology: Topology, state: DirectorState): { actual: IpvsTable; differences: readonly IpvsDifference[] } {
  const actual = parseProcNetIpVs(state.ipvs ?? '');
  const weights = new Map(Object.values(state.drains).map(({ host, weight }) => [host, weight]));
  const drained = withTable(topology, weights, drainMethodOf(topology.drain, state.keepalived));
  return { actual, differences: compareTables(expectedTable(drained, state.host), actual) };
}

/** Directors may serve others as well; but what is on our VIPs and not in the topology takes our clients. */
function isOthers(difference: IpvsDifference, actual: IpvsTable, topology: Topology): boolean {
  if (difference.kind !== 'foreign-service') return false;
  const service = actual.services.find((one) => serviceKey(one) === difference.service);
  const ours = [...topology.services.values()].flatMap(vipsOf);
  return service !== undefined && !ours.includes(service.address);
}

function missingOf(topology: Topology, director: string, difference: IpvsDifference): MissingServer | undefined {
  if (difference.kind !== 'missing-server' && difference.kind !== 'inhibited-server') return undefined;
  const service = [...topology.services.values()].find((one) => one.directors.includes(director) && keyOfService(one) === difference.service);
  const server = service?.realServers.find(({ host }) => host === difference.host);
  if (service === undefined || server === undefined || checksOf(service, server).length === 0 || difference.host === undefined) return undefined;
  return { service: service.name, host: difference.host };
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}
