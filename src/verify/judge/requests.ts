import type { VirtualService } from '../../lvs/model/topology.ts';
import type { Check, ClientRequest, RequestSample } from '../types.ts';

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

/** In place of the two checks below. @param from the vantage, where it is to blame */
export function untried(service: VirtualService, reason: string, from?: string): Check {
  return { name: 'requests', ...(from === undefined ? {} : { from }), subject: service.name, verdict: 'skip', measured: 'not measured', expected: 'all answered', reason };
}

/** Every request was answered; a service whose protocol is not known, connected. A server's own error (5xx) is no answer. */
export function judgeRequests(service: VirtualService, request: ClientRequest, samples: readonly RequestSample[], from: string): Check {
  const http = request.kind === 'http';
  const check = { name: 'requests', from, subject: service.name, expected: http ? 'all answered' : 'all connected' } as const;
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
export function judgeLarge(service: VirtualService, request: ClientRequest, samples: readonly RequestSample[], from: string): Check {
  const check = { name: 'large', from, subject: service.name, expected: 'a reply larger than one packet comes whole' } as const;
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
