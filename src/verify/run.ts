import { setTimeout as delay } from 'node:timers/promises';
import { LvsPlayError } from '../core/errors.ts';
import { withDrains } from '../lvs/drain/topology.ts';
import { keyOfService } from '../lvs/ipvs/table.ts';
import { addressesOf, checksOf, type Topology, type VirtualService } from '../lvs/model/topology.ts';
import type { Target } from '../transport/target.ts';
import { DIRECTOR_SCRIPT, parseDirectorState } from './director-state.ts';
import { judgeArp, judgeDrains, judgeHolder, judgeReuse, judgeSync, judgeTable, type MissingServer, missingServers } from './judge-directors.ts';
import { judgeServers } from './judge-servers.ts';
import { clientRequest, judgeLarge, judgeRequests, judgeSpread, untried } from './judge-traffic.ts';
import type { Check, ClientRequest, DirectorState, RequestSample, Vantage, VerificationReport } from './types.ts';

export interface VerifyOptions {
  readonly topology: Topology;
  /** The open target of a director. */
  readonly target: (host: string) => Promise<Target>;
  /** Where clients are: `controllerVantage` or `hostVantage`. */
  readonly vantage: Vantage;
  /** Sent to each virtual service. */
  readonly requests: number;
  /** Asked for by HTTP; default `/`. */
  readonly path: string | undefined;
  /** Seconds in which VRRP and health checks may still come to rest; 0: what is seen at once counts. */
  readonly settle: number;
  readonly signal: AbortSignal;
  /** Real servers are asked too: who listens there. Default: they are not. */
  readonly servers?: boolean;
  /** Checks that somebody else has made. */
  readonly more?: readonly Check[];
}

/**
 * Looks at the cluster from outside and at its directors' kernels. Changes nothing there. A director is asked once before the
 * traffic (more often only while things settle) and the active ones once after it.
 * @throws LvsPlayError when a director or the vantage cannot be asked; AbortError when `signal` ends it
 */
export async function runVerification(options: VerifyOptions): Promise<VerificationReport> {
  const { topology, vantage } = options;
  const vips = carriersOf(topology);
  const { states, holders, tables } = await settledStates(options, vips);
  const arp: Check[] = [];
  for (const [vip, carriers] of vips) {
    options.signal.throwIfAborted();
    arp.push(judgeArp(vip, await vantage.arp(vip), states.filter((state) => carriers.includes(state.host))));
  }
  const reuse = states.map((state) => judgeReuse(topology, state)).filter((check) => check !== undefined);
  const sync = states.map((state) => judgeSync(topology, state)).filter((check) => check !== undefined);
  const drains = judgeDrains(topology, states, Date.now());
  const servers = options.servers === true ? await judgeServers(options) : [];
  const checks = [...holders, ...arp, ...tables, ...reuse, ...sync, ...drains, ...servers, ...(options.more ?? []), ...(await traffic(options, states))];
  return { version: 1, at: new Date().toISOString(), from: vantage.name, ok: checks.every((check) => check.verdict !== 'fail'), checks };
}

/** VIP -> the directors that may hold it. */
function carriersOf(topology: Topology): ReadonlyMap<string, readonly string[]> {
  const carriers = new Map<string, readonly string[]>();
  for (const pair of topology.pairs.values()) {
    for (const vip of addressesOf(pair)) carriers.set(vip.address, pair.members.map(({ host }) => host));
  }
  for (const service of topology.services.values()) carriers.set(service.vip, [...new Set([...(carriers.get(service.vip) ?? []), ...service.directors])]);
  return carriers;
}

interface Settled {
  readonly states: readonly DirectorState[];
  readonly holders: readonly Check[];
  readonly tables: readonly Check[];
}

/** Asks the directors until holders and tables are as they shall be, or the time to settle is over. */
async function settledStates(options: VerifyOptions, vips: ReadonlyMap<string, readonly string[]>): Promise<Settled> {
  const deadline = Date.now() + options.settle * 1000;
  for (;;) {
    options.signal.throwIfAborted();
    const states = await askDirectors(options, [...options.topology.directors.keys()]);
    const holders = [...vips].map(([vip, carriers]) => judgeHolder(vip, states.filter((state) => carriers.includes(state.host))));
    const answering = await answeringServers(options, states.flatMap((state) => missingServers(options.topology, state)));
    const tables = states.map((state) => judgeTable(options.topology, state, answering));
    if ([...holders, ...tables].every((check) => check.verdict === 'pass') || Date.now() >= deadline) return { states, holders, tables };
    await delay(1000, undefined, { signal: options.signal });
  }
}

/** Those that pass their own health check, made here as the director makes it. */
async function answeringServers({ topology, vantage, signal }: VerifyOptions, missing: readonly MissingServer[]): Promise<MissingServer[]> {
  const answering: MissingServer[] = [];
  const distinct = new Map(missing.map((one) => [`${one.service} ${one.host}`, one]));
  for (const one of distinct.values()) {
    const service = topology.services.get(one.service);
    const server = service?.realServers.find(({ host }) => host === one.host);
    if (service === undefined || server === undefined) continue;
    const [check] = checksOf(service, server);
    if (check?.type !== 'tcp' && check?.type !== 'http') continue;
    const place = { address: server.address, port: check.port ?? server.port };
    const request: ClientRequest = check.type === 'tcp' ? { kind: 'connect', ...place } : { kind: 'http', scheme: 'http', ...place, path: check.urls[0]?.path ?? '/' };
    const seen = await vantage.requests(request, 1, signal);
    const [sample] = 'samples' in seen ? seen.samples : [];
    if (sample?.fault === undefined && sample !== undefined && (check.type === 'tcp' || (check.urls[0]?.status ?? []).includes(String(sample.status)))) answering.push(one);
  }
  return answering;
}

async function askDirectors(options: VerifyOptions, hosts: readonly string[]): Promise<DirectorState[]> {
  return Promise.all(
    hosts.map(async (host) => {
      const target = await options.target(host);
      // ipvsadm is for root only.
      const reply = await target.request({ script: DIRECTOR_SCRIPT, become: true });
      if (reply.exitCode === 0) return parseDirectorState(host, reply.stdout.toString('utf8'));
      throw new LvsPlayError({ code: 'director-unreadable', kind: 'host', host, message: `${host} does not tell its state: ${reply.stderr.toString('utf8').trim().split('\n')[0] ?? ''}` });
    }),
  );
}

/** Sends the requests of all services, then looks at the counters once. */
async function traffic(options: VerifyOptions, before: readonly DirectorState[]): Promise<Check[]> {
  const tried: { service: VirtualService; request: ClientRequest; samples: readonly RequestSample[] }[] = [];
  const checks: Check[] = [];
  for (const service of options.topology.services.values()) {
    const request = clientRequest(service, options.path);
    if (request === undefined) {
      checks.push(untried(service, service.protocol === 'tcp' ? 'all ports: which one to try is not known' : `${service.protocol}: what to send is not known`));
      continue;
    }
    const seen = await options.vantage.requests(request, options.requests, options.signal);
    if ('unseen' in seen) checks.push(untried(service, seen.unseen));
    else tried.push({ service, request, samples: seen.samples });
  }
  const active = [...new Set(tried.flatMap(({ service }) => before.filter((state) => holds(state, service)).map((state) => state.host)))];
  // What no director holds is counted nowhere: there is nothing to wait for.
  const held = tried.filter(({ service }) => before.some((state) => holds(state, service)));
  const after = await countedStates(options, active, (states) => held.every((one) => allCounted(one, before, states)));
  for (const { service, request, samples } of tried) {
    const at = (states: readonly DirectorState[]): DirectorState | undefined => states.find((state) => holds(state, service));
    checks.push(judgeRequests(service, request, samples), judgeSpread(underDrains(options.topology, service, at(before)), at(before), at(after)), judgeLarge(service, request, samples));
  }
  return checks;
}

/** The kernel brings its counters up to date every two seconds (net/netfilter/ipvs/ip_vs_est.c). */
const COUNTERS_MS = 5000;

/** Asks until the counters show what was sent, or they have had the time to. */
async function countedStates(options: VerifyOptions, hosts: readonly string[], counted: (states: readonly DirectorState[]) => boolean): Promise<DirectorState[]> {
  const deadline = Date.now() + COUNTERS_MS;
  for (;;) {
    const states = await askDirectors(options, hosts);
    if (counted(states) || Date.now() >= deadline) return states;
    await delay(500, undefined, { signal: options.signal });
  }
}

function allCounted(sent: { service: VirtualService; samples: readonly RequestSample[] }, before: readonly DirectorState[], after: readonly DirectorState[]): boolean {
  const total = (states: readonly DirectorState[]): number => {
    const counts = states.find((state) => holds(state, sent.service))?.connections.get(keyOfService(sent.service));
    return [...(counts?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  };
  return total(after) - total(before) >= sent.samples.filter((sample) => sample.connected).length;
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
