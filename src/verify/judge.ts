import { compareTables, expectedTable, parseProcNetIpVs } from '../lvs/ipvs-table.ts';
import type { Topology, VirtualService } from '../lvs/topology.ts';
import type { Check, DirectorState, RequestSample } from './types.ts';

/** Exactly one of a VIP's directors holds it. Pure, like all judges here. */
export function judgeHolder(vip: string, states: readonly DirectorState[]): Check {
  const holders = states.filter((state) => state.addresses.has(vip)).map((state) => state.host);
  const measured = holders.length === 0 ? 'held by nobody' : `held by ${holders.join(' and ')}`;
  if (holders.length === 1) return { name: 'holder', subject: vip, verdict: 'pass', measured };
  const reason = holders.length === 0 ? 'no director carries the address: is keepalived running on any?' : 'two holders: adverts do not reach each other, or the pair disagrees on its VIPs';
  return { name: 'holder', subject: vip, verdict: 'fail', measured, reason };
}

/** Exactly one MAC answers ARP, and it is the holder's. */
export function judgeArp(vip: string, seen: { readonly macs: readonly string[] } | { readonly unseen: string }, states: readonly DirectorState[]): Check {
  const check = { name: 'arp', subject: vip } as const;
  if ('unseen' in seen) return { ...check, verdict: 'skip', measured: 'not measured', reason: seen.unseen };
  const holder = states.find((state) => state.addresses.has(vip));
  const expected = holder?.macs.get(holder.addresses.get(vip) ?? '');
  const [first, ...others] = seen.macs;
  const measured = first === undefined ? 'no MAC answers' : `${seen.macs.join(', ')} ${others.length === 0 ? 'answers' : 'answer'}`;
  if (first === undefined) return { ...check, verdict: 'fail', measured, reason: 'nobody answers ARP for it' };
  if (others.length > 0) {
    return { ...check, verdict: 'fail', measured, reason: `${String(seen.macs.length)} MACs answer: besides the director, a host carries it openly (a real server without arp_ignore=1?)` };
  }
  if (first === expected) return { ...check, verdict: 'pass', measured: `only ${first} answers: ${holder?.host ?? ''}` };
  return { ...check, verdict: 'fail', measured, reason: `the MAC is not that of ${holder === undefined ? 'any director' : `${holder.host} (${expected ?? 'unknown'})`}` };
}

/** A director's kernel table is what the topology says. Counters do not count. */
export function judgeTable(topology: Topology, state: DirectorState): Check {
  const check = { name: 'table', subject: state.host } as const;
  const expected = expectedTable(topology, state.host);
  if (state.ipvs === undefined) return { ...check, verdict: 'fail', measured: 'no table', reason: 'IPVS is not loaded in the kernel' };
  const actual = parseProcNetIpVs(state.ipvs);
  const differences = compareTables(expected, actual);
  const servers = actual.services.reduce((sum, service) => sum + service.destinations.length, 0);
  const measured = `${String(actual.services.length)} virtual services, ${String(servers)} real servers`;
  if (differences.length === 0) return { ...check, verdict: 'pass', measured };
  return { ...check, verdict: 'fail', measured, reason: differences.map((difference) => difference.text).join('; ') };
}

/** Every request was answered. A service that does not speak HTTP is judged by its connections. */
export function judgeRequests(service: VirtualService, samples: readonly RequestSample[]): Check {
  const check = { name: 'requests', subject: service.name } as const;
  const http = samples.filter((sample) => sample.status > 0);
  const isHttp = http.length > 0 || service.healthCheck.type === 'http';
  const good = isHttp ? samples.filter((sample) => sample.status > 0 && sample.exitCode === 0) : samples.filter((sample) => sample.connected);
  const statuses = [...new Set(http.map((sample) => sample.status))].sort();
  const how = isHttp ? `answered${statuses.length === 0 ? '' : ` (HTTP ${statuses.join(', ')})`}` : 'connected (no HTTP there)';
  const measured = `${String(good.length)} of ${String(samples.length)} ${how}`;
  if (samples.length > 0 && good.length === samples.length) return { ...check, verdict: 'pass', measured };
  const codes = [...new Set(samples.filter((sample) => !good.includes(sample)).map((sample) => sample.exitCode))];
  return { ...check, verdict: 'fail', measured, reason: codes.map(curlReason).join('; ') || 'nothing was sent' };
}

function curlReason(code: number): string {
  const known: Readonly<Record<number, string>> = { 7: 'connection refused or no route', 18: 'a reply broke off', 28: 'no answer within 5 s', 52: 'empty reply', 56: 'connection reset' };
  return known[code] ?? `curl exit code ${String(code)}`;
}

/** A reply larger than one packet came whole: shows that full-sized packets find their way (MTU, tunnels). */
export function judgeLarge(service: VirtualService, samples: readonly RequestSample[]): Check {
  const check = { name: 'large', subject: service.name } as const;
  const broken = samples.find((sample) => sample.exitCode === 18 || (sample.exitCode === 28 && sample.bytes > 0));
  if (broken !== undefined) return { ...check, verdict: 'fail', measured: `broke off after ${String(broken.bytes)} bytes`, reason: 'large packets get lost: look at the MTU on the way back' };
  const largest = Math.max(0, ...samples.filter((sample) => sample.exitCode === 0).map((sample) => sample.bytes));
  const measured = `${String(largest)} bytes came whole`;
  if (largest >= 1500) return { ...check, verdict: 'pass', measured };
  return { ...check, verdict: 'skip', measured, reason: 'less than one full packet: name a larger page with --path' };
}

/** How new connections were spread between two looks at the active director's counters. */
export function judgeSpread(service: VirtualService, before: DirectorState | undefined, after: DirectorState | undefined): Check {
  const check = { name: 'spread', subject: service.name } as const;
  const key = `${service.protocol.toUpperCase()} ${service.vip.includes(':') ? `[${service.vip}]` : service.vip}:${String(service.port)}`;
  const start = before?.connections.get(key);
  const end = after?.connections.get(key);
  if (start === undefined || end === undefined) return { ...check, verdict: 'skip', measured: 'not measured', reason: 'the active director gave no counters (is ipvsadm installed?)' };
  const counts = service.realServers.map(({ host, address, port, weight }) => {
    const server = `${address.includes(':') ? `[${address}]` : address}:${String(port)}`;
    return { host, weight, count: (end.get(server) ?? 0) - (start.get(server) ?? 0) };
  });
  const measured = counts.map(({ host, count }) => `${host} ${String(count)}`).join(', ');
  const serving = counts.filter(({ weight }) => weight > 0);
  if (service.persistence !== undefined) return { ...check, verdict: 'skip', measured, reason: 'persistent: one client stays with one server' };
  if (service.scheduler === 'rr') {
    const values = serving.map(({ count }) => count);
    if (Math.max(...values) - Math.min(...values) <= 1) return { ...check, verdict: 'pass', measured: `${measured}: in turn` };
    return { ...check, verdict: 'fail', measured, reason: 'rr takes servers in turn: counts may differ by one' };
  }
  if (service.scheduler !== 'wrr') return { ...check, verdict: 'skip', measured, reason: `${service.scheduler} does not foretell the spread of one client's requests` };
  const total = serving.reduce((sum, { count }) => sum + count, 0);
  const weights = serving.reduce((sum, { weight }) => sum + weight, 0);
  const expected = serving.map(({ weight }) => (total * weight) / weights);
  if (expected.some((value) => value < 5)) return { ...check, verdict: 'skip', measured, reason: 'too few requests for its weights: ask for more with --requests' };
  const chiSquare = serving.reduce((sum, { count }, i) => sum + (count - (expected[i] ?? 0)) ** 2 / (expected[i] ?? 1), 0);
  const limit = chiSquareLimit(serving.length - 1);
  const shown = `${measured} (chi-square ${chiSquare.toFixed(1)}, limit ${limit.toFixed(1)})`;
  if (chiSquare <= limit) return { ...check, verdict: 'pass', measured: shown };
  return { ...check, verdict: 'fail', measured: shown, reason: `not the weights ${serving.map(({ weight }) => String(weight)).join(':')}` };
}

/** The chi-square value passed by chance once in a thousand times, by Wilson and Hilferty's approximation. */
function chiSquareLimit(degrees: number): number {
  if (degrees < 1) return 0;
  const z = 3.0902;
  const a = 2 / (9 * degrees);
  return degrees * (1 - a + z * Math.sqrt(a)) ** 3;
}
