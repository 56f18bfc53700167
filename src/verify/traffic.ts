import { setTimeout as delay } from 'node:timers/promises';
import { withDrains } from '../lvs/drain/topology.ts';
import { keyOfService } from '../lvs/ipvs/table.ts';
import type { Topology, VirtualService } from '../lvs/model/topology.ts';
import { askDirectors } from './director-state.ts';
import { missingServers } from './judge/directors.ts';
import { clientRequest, judgeLarge, judgeRequests, untried } from './judge/requests.ts';
import { judgeSpread, type Sent } from './judge/spread.ts';
import type { VerifyOptions } from './options.ts';
import { measuredAt } from './report.ts';
import type { Observation } from '../observe/observation.ts';
import type { ClientRequest, DirectorState, MeasuredCheck, RequestSample, RequestsSeen } from './types.ts';

/** What one vantage saw of one service. */
interface Tried {
  readonly service: VirtualService;
  readonly request: ClientRequest;
  readonly from: string;
  readonly samples: readonly RequestSample[];
  readonly at: number;
}

/**
 * Sends the requests of all services, then looks at the counters once. Vantages send side by side: a director's counters take all of them together, and each vantage
 * has its own requests one after the other.
 */
export async function judgeTraffic(options: VerifyOptions, seenBefore: Observation<DirectorState>): Promise<MeasuredCheck[]> {
  const before = seenBefore.each((state) => state);
  const services = [...options.topology.services.values()].map((service) => ({ service, request: clientRequest(service, options.path) }));
  const checks = services.flatMap(({ service, request }) => (request === undefined ? measuredAt([untried(service, whyUntried(service))], Date.now()) : []));
  const seen = await Promise.all(
    options.vantages.map(async (vantage) => {
      const all: { service: VirtualService; request: ClientRequest; from: string; seen: RequestsSeen; at: number }[] = [];
      for (const { service, request } of services) {
        if (request !== undefined) all.push({ service, request, from: vantage.name, seen: await vantage.requests(request, options.requests, options.signal), at: Date.now() });
      }
      return all;
    }),
  );
  const tried = seen.flat().flatMap(({ seen: requests, ...one }): Tried[] => {
    if ('samples' in requests) return [{ ...one, samples: requests.samples }];
    checks.push(...measuredAt([untried(one.service, requests.unseen, one.from)], one.at));
    return [];
  });
  const sent = [...new Set(tried.map(({ service }) => service))].map((service) => ({ service, sent: sentTo(service, tried) }));
  const active = [...new Set(sent.flatMap(({ service }) => before.filter((state) => holds(state, service)).map((state) => state.host)))];
  // What no director holds is counted nowhere: there is nothing to wait for.
  const held = sent.filter(({ service }) => before.some((state) => holds(state, service)));
  const seenAfter = await countedStates(options, active, (states) => held.every((one) => allCounted(one, before, states)));
  const after = seenAfter.each((state) => state);
  const counted = Date.now();
  for (const { service, sent: all } of sent) {
    const at = (states: readonly DirectorState[]): DirectorState | undefined => states.find((state) => holds(state, service));
    const own = tried.filter((one) => one.service === service);
    const missing = [...seenBefore.among(service.directors).missing, ...seenAfter.among(service.directors).missing];
    checks.push(
      ...own.flatMap((one) => measuredAt([judgeRequests(service, one.request, one.samples, one.from)], one.at)),
      ...measuredAt([judgeSpread(underDrains(options.topology, service, at(before)), at(before), at(after), all, missing)], counted),
      ...own.flatMap((one) => measuredAt([judgeLarge(service, one.request, one.samples, one.from)], one.at)),
    );
  }
  return checks;
}

function whyUntried(service: VirtualService): string {
  return service.protocol === 'tcp' ? 'all ports: which one to try is not known' : `${service.protocol}: what to send is not known`;
}

function sentTo(service: VirtualService, tried: readonly Tried[]): Sent {
  const own = tried.filter((one) => one.service === service && one.samples.length > 0);
  const samples = own.flatMap((one) => one.samples);
  return { tries: samples.length, connections: samples.filter((sample) => sample.connected).length, clients: own.length };
}

/** The kernel brings its counters up to date every two seconds (net/netfilter/ipvs/ip_vs_est.c). */
const COUNTERS_MS = 5000;

/** Asks until the counters show what was sent, or they have had the time to. */
async function countedStates(options: VerifyOptions, hosts: readonly string[], counted: (states: readonly DirectorState[]) => boolean): Promise<Observation<DirectorState>> {
  const deadline = Date.now() + COUNTERS_MS;
  for (;;) {
    const states = await askDirectors(options.target, hosts);
    if (states.missing.length > 0 || counted(states.each((state) => state)) || Date.now() >= deadline) return states;
    await delay(500, undefined, { signal: options.signal });
  }
}

function allCounted({ service, sent }: { readonly service: VirtualService; readonly sent: Sent }, before: readonly DirectorState[], after: readonly DirectorState[]): boolean {
  const total = (states: readonly DirectorState[]): number => {
    const counts = states.find((state) => holds(state, service))?.connections.get(keyOfService(service));
    return [...(counts?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  };
  return total(after) - total(before) >= sent.connections;
}

/** What is drained gets its record's share, and what a failed health check left in the table with weight 0 gets nothing. */
function underDrains(topology: Topology, service: VirtualService, holder: DirectorState | undefined): VirtualService {
  const out = holder === undefined ? [] : missingServers(topology, holder).filter((missing) => missing.service === service.name);
  const weights = new Map([...Object.values(holder?.drains ?? {}).map(({ host, weight }) => [host, weight] as const), ...out.map(({ host }) => [host, '0'] as const)]);
  return withDrains(topology, weights).services.get(service.name) ?? service;
}

function holds(state: DirectorState, service: VirtualService): boolean {
  return service.directors.includes(state.host) && state.addresses.has(service.vip);
}
