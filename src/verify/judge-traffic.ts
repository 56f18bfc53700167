import { formatEndpoint } from '../lvs/model/ip.ts';
import { keyOfService } from '../lvs/ipvs/table.ts';
import type { VirtualService } from '../lvs/model/topology.ts';
import type { Check, ClientRequest, DirectorState, RequestSample } from './types.ts';

/** Ports on which a server speaks HTTP by convention. Elsewhere a request could be taken for an attack, so only a connection is made. */
const HTTP_PORTS = [80, 8000, 8008, 8080, 8888];
const HTTPS_PORTS = [443, 8443];

/** How to try a service as a client; undefined: it cannot be tried, `untried` says why. Pure, as all here. */
export function clientRequest(service: VirtualService, path: string | undefined): ClientRequest | undefined {
  if (service.protocol !== 'tcp' || service.port === 0) return undefined;
  const place = { address: service.vip, port: service.port };
  const http = service.healthChecks.some((check) => check.type === 'http') || HTTP_PORTS.includes(service.port);
  const https = HTTPS_PORTS.includes(service.port);
  return http || https ? { ...place, kind: 'http', scheme: https ? 'https' : 'http', path: path ?? '/' } : { ...place, kind: 'connect' };
}

/** In place of the three checks below. */
export function untried(service: VirtualService, reason: string): Check {
  return { name: 'requests', subject: service.name, verdict: 'skip', measured: 'not measured', expected: 'all answered', reason };
}

/** Every request was answered; a service whose protocol is not known, connected. A server's own error (5xx) is no answer. */
export function judgeRequests(service: VirtualService, request: ClientRequest, samples: readonly RequestSample[]): Check {
  const http = request.kind === 'http';
  const check = { name: 'requests', subject: service.name, expected: http ? 'all answered' : 'all connected' } as const;
  const isGood = (sample: RequestSample): boolean => sample.fault === undefined && (!http || (sample.status > 0 && sample.status < 500));
  const bad = samples.filter((sample) => !isGood(sample));
  const statuses = [...new Set(samples.map((sample) => sample.status).filter((status) => status > 0))].sort((a, b) => a - b);
  const how = http ? `answered${statuses.length === 0 ? '' : ` (${request.scheme.toUpperCase()} ${statuses.join(', ')})`}` : 'connected (its protocol is not known: nothing was sent)';
  const measured = `${String(samples.length - bad.length)} of ${String(samples.length)} ${how}`;
  if (samples.length > 0 && bad.length === 0) return { ...check, verdict: 'pass', measured };
  const reasons = new Set(bad.map((sample) => sample.fault?.text ?? `HTTP status ${String(sample.status)}`));
  return { ...check, verdict: 'fail', measured, reason: [...reasons].join('; ') || 'nothing was sent' };
}

/** A reply larger than one packet came whole: full-sized packets find their way back (MTU, tunnels). */
export function judgeLarge(service: VirtualService, request: ClientRequest, samples: readonly RequestSample[]): Check {
  const check = { name: 'large', subject: service.name, expected: 'a reply larger than one packet comes whole' } as const;
  if (request.kind !== 'http') return { ...check, verdict: 'skip', measured: 'not measured', reason: 'only connections were made: its protocol is not known' };
  const broken = samples.find((sample) => sample.fault?.kind === 'broken');
  if (broken !== undefined) {
    return { ...check, verdict: 'fail', measured: `after ${String(broken.bytes)} bytes ${broken.fault?.text ?? ''}`, reason: 'large packets get lost: look at the MTU on the way back' };
  }
  const whole = samples.filter((sample) => sample.fault === undefined && sample.bytes >= ONE_PACKET);
  const largest = Math.max(0, ...samples.filter((sample) => sample.fault === undefined).map((sample) => sample.bytes));
  if (whole.length > 0) return { ...check, verdict: 'pass', measured: `${String(whole.length)} replies of up to ${String(largest)} bytes came whole` };
  return { ...check, verdict: 'skip', measured: `${String(largest)} bytes`, reason: `less than one full packet: name a larger page than ${request.path} with --path` };
}

/** Bytes: what an Ethernet frame carries. */
const ONE_PACKET = 1500;

/** How new connections were spread over the real servers between two looks at the active director's counters. */
export function judgeSpread(service: VirtualService, before: DirectorState | undefined, after: DirectorState | undefined): Check {
  const check = { name: 'spread', subject: service.name, expected: expectedSpread(service) } as const;
  const skip = (measured: string, reason: string): Check => ({ ...check, verdict: 'skip', measured, reason });
  const key = keyOfService(service);
  const start = before?.connections.get(key);
  const end = after?.connections.get(key);
  if (before === undefined) return skip('not measured', 'no director holds the VIP');
  if (after?.host !== before.host) return skip('not measured', `the VIP left ${before.host} meanwhile`);
  if (start === undefined || end === undefined) return skip('not measured', `${after.host} gave no counters (is ipvsadm installed there?)`);
  if ([...start.keys()].sort().join() !== [...end.keys()].sort().join()) return skip('not measured', 'a health check removed or added a real server meanwhile');
  const counts = service.realServers.flatMap(({ host, address, port, weight }) => {
    const server = formatEndpoint(address, port);
    const now = end.get(server);
    return now === undefined ? [] : [{ host, weight, count: now - (start.get(server) ?? 0) }];
  });
  const measured = counts.length === 0 ? 'no real server is in the table' : counts.map(({ host, count }) => `${host} ${String(count)}`).join(', ');
  const serving = counts.filter(({ weight }) => weight > 0);
  const total = serving.reduce((sum, { count }) => sum + count, 0);
  if (service.persistence !== undefined) return skip(measured, 'persistent: one client stays with one server');
  // A full server is passed over by every scheduler, and closed connections count for a while.
  if (service.realServers.some(({ upperThreshold }) => upperThreshold > 0)) return skip(measured, 'connection thresholds: a full server is passed over');
  if (total === 0) return { ...check, verdict: 'fail', measured, reason: 'no connection was passed on' };
  if (service.scheduler === 'rr') {
    const values = serving.map(({ count }) => count);
    if (Math.max(...values) - Math.min(...values) <= 1) return { ...check, verdict: 'pass', measured };
    return { ...check, verdict: 'fail', measured, reason: 'rr takes servers in turn, so counts differ by one at most' };
  }
  if (service.scheduler === 'fo') return judgeFailover(check, serving, measured);
  if (service.scheduler === 'wrr') return judgeWeights(check, serving, measured);
  return skip(measured, `${service.scheduler} ${FOLLOWS[service.scheduler]}: the shares of one client foretell nothing`);
}

/** What a scheduler goes by, where that is no share of the requests (ipvsadm(8)). */
const FOLLOWS: Readonly<Record<Exclude<VirtualService['scheduler'], 'rr' | 'wrr' | 'fo'>, string>> = {
  lc: 'goes by the connections at hand',
  wlc: 'goes by the connections at hand',
  lblc: 'goes by the address asked for',
  lblcr: 'goes by the address asked for',
  dh: 'goes by the address asked for',
  sh: "goes by the client's address",
  mh: "goes by the client's address",
  sed: 'goes by the delay to be expected',
  nq: 'goes by who is idle',
  ovf: 'goes by who is not yet full',
  twos: 'takes the better of two at random',
};

function expectedSpread(service: VirtualService): string {
  if (service.persistence !== undefined) return 'one server for one client';
  if (service.scheduler === 'rr') return 'even, to within one';
  if (service.scheduler === 'wrr') return `by weight ${service.realServers.map(({ weight }) => String(weight)).join(':')}`;
  return service.scheduler === 'fo' ? 'all to the server of the highest weight' : `${service.scheduler} ${FOLLOWS[service.scheduler]}`;
}

interface Share {
  readonly host: string;
  readonly weight: number;
  readonly count: number;
}
type Subject = Pick<Check, 'name' | 'subject' | 'expected'>;

/** Weighted failover: all to the available server of the highest weight (ip_vs_fo.c). */
function judgeFailover(check: Subject, serving: readonly Share[], measured: string): Check {
  const highest = Math.max(...serving.map(({ weight }) => weight));
  const astray = serving.filter(({ weight, count }) => weight < highest && count > 0);
  if (astray.length === 0) return { ...check, verdict: 'pass', measured };
  return { ...check, verdict: 'fail', measured, reason: `${astray.map(({ host }) => host).join(', ')} got connections though a server of a higher weight is there` };
}

/** Chi-square against the weights, at one false alarm in a thousand; it needs five expected of each (Cochran). */
function judgeWeights(check: Subject, serving: readonly Share[], measured: string): Check {
  const total = serving.reduce((sum, { count }) => sum + count, 0);
  const weights = serving.reduce((sum, { weight }) => sum + weight, 0);
  const shares = serving.map(({ weight, count }) => ({ count, expected: (total * weight) / weights }));
  if (shares.some(({ expected }) => expected < 5)) return { ...check, verdict: 'skip', measured, reason: 'too few requests for these weights: ask for more with --requests' };
  const chiSquare = shares.reduce((sum, { count, expected }) => sum + (count - expected) ** 2 / expected, 0);
  const limit = chiSquareLimit(serving.length - 1);
  const shown = `${measured} (chi-square ${chiSquare.toFixed(1)}, limit ${limit.toFixed(1)})`;
  if (chiSquare <= limit) return { ...check, verdict: 'pass', measured: shown };
  return { ...check, verdict: 'fail', measured: shown, reason: `the shares do not follow the weights ${serving.map(({ weight }) => String(weight)).join(':')}` };
}

/** The chi-square value passed by chance once in a thousand times, by Wilson and Hilferty's approximation. */
export function chiSquareLimit(degrees: number): number {
  if (degrees < 1) return 0;
  const z = 3.0902;
  const a = 2 / (9 * degrees);
  return degrees * (1 - a + z * Math.sqrt(a)) ** 3;
}
