import { setTimeout as delay } from 'node:timers/promises';
import { vipsOf } from '../lvs/model/lookups.ts';
import { addressesOf, checksOf, type Topology } from '../lvs/model/topology.ts';
import { askDirectors } from './director-state.ts';
import { judgeArp, judgeDrains, judgeFailovers, judgeHolder, judgeReuse, judgeSync, judgeTable, type MissingServer, missingServers } from './judge/directors.ts';
import type { VerifyOptions } from './options.ts';
import { measuredAt, reachedChecks, reportOf } from './report.ts';
import { type Client, judgeServers } from './servers.ts';
import { judgeTraffic } from './traffic.ts';
import { requireAll } from '../observe/missing.ts';
import type { Observation } from '../observe/observation.ts';
import type { Check, ClientRequest, DirectorState, MeasuredCheck, Vantage, VerificationReport } from './types.ts';

/**
 * Looks at the cluster from outside and at its directors' kernels. Changes nothing there. A director is asked once before the traffic (more often only while things
 * settle) and the active ones once after it. Vantages work side by side.
 * @throws LvsPlayError when a vantage cannot be asked; AbortError when `signal` ends it
 */
export async function runVerification(options: VerifyOptions): Promise<VerificationReport> {
  const { topology, vantages } = options;
  const begun = Date.now();
  const vips = carriersOf(topology);
  const { states, at, holders, tables } = await settledStates(options, vips);
  if (options.needsAll === true) requireAll(states, 'the state of the directors');
  const answered = states.each((state) => state);
  const arp = await Promise.all(vantages.map((vantage) => arpFrom(vantage, vips, states, options.signal)));
  const reuse = answered.map((state) => judgeReuse(topology, state)).filter((check) => check !== undefined);
  const sync = answered.map((state) => judgeSync(topology, state)).filter((check) => check !== undefined);
  const drains = judgeDrains(topology, answered, Date.now());
  const failovers = judgeFailovers(topology, answered, Date.now());
  const servers = options.servers === true ? await judgeServers({ topology, target: options.target, clients: await clientsOf(options), states }) : { checks: [], missing: [] };
  const missing = new Map([...servers.missing, ...states.missing].map((one) => [one.host, one]));
  const checks = [...measuredAt([...reachedChecks([...missing.values()]), ...holders], at), ...arp.flat(), ...measuredAt([...tables, ...reuse, ...sync, ...drains, ...failovers], at), ...servers.checks, ...(options.more ?? []), ...(await judgeTraffic(options, states))];
  return reportOf(checks, vantages.map(({ name }) => name), begun, Date.now());
}

async function arpFrom(vantage: Vantage, vips: ReadonlyMap<string, readonly string[]>, states: Observation<DirectorState>, signal: AbortSignal): Promise<MeasuredCheck[]> {
  const checks: MeasuredCheck[] = [];
  for (const [vip, carriers] of vips) {
    signal.throwIfAborted();
    checks.push(...measuredAt([judgeArp(vip, await vantage.arp(vip), states.among(carriers), vantage.name)], Date.now()));
  }
  return checks;
}

async function clientsOf({ topology, vantages }: VerifyOptions): Promise<Client[]> {
  const vips = [...topology.services.values()].flatMap(vipsOf);
  return Promise.all(vantages.map(async (vantage) => ({ name: vantage.name, sources: await vantage.sources(vips) })));
}

/** VIP -> the directors that may hold it. Pure. */
export function carriersOf(topology: Topology): ReadonlyMap<string, readonly string[]> {
  const carriers = new Map<string, readonly string[]>();
  for (const pair of topology.pairs.values()) {
    for (const vip of addressesOf(pair)) carriers.set(vip.address, pair.members.map(({ host }) => host));
  }
  for (const service of topology.services.values()) carriers.set(service.vip, [...new Set([...(carriers.get(service.vip) ?? []), ...service.directors])]);
  return carriers;
}

interface Settled {
  /** When the directors answered. */
  readonly at: number;
  readonly states: Observation<DirectorState>;
  readonly holders: readonly Check[];
  readonly tables: readonly Check[];
}

/** Asks the directors until holders and tables are as they shall be, or the time to settle is over. */
async function settledStates(options: VerifyOptions, vips: ReadonlyMap<string, readonly string[]>): Promise<Settled> {
  const deadline = Date.now() + options.settle * 1000;
  for (;;) {
    options.signal.throwIfAborted();
    const states = await askDirectors(options.target, [...options.topology.directors.keys()], options.patient);
    const at = Date.now();
    const holders = [...vips].map(([vip, carriers]) => judgeHolder(vip, states.among(carriers)));
    const answering = await answeringServers(options, states.each((state) => missingServers(options.topology, state)).flat());
    const tables = states.each((state) => judgeTable(options.topology, state, answering));
    const settled = states.missing.length === 0 && [...holders, ...tables].every((check) => check.verdict === 'pass');
    const lost = states.missing.length > 0 && options.patient !== true;
    if (settled || lost || Date.now() >= deadline) return { states, at, holders, tables };
    await delay(1000, undefined, { signal: options.signal });
  }
}

/** Those that pass their own health check, made here as the director makes it. */
async function answeringServers({ topology, vantages: [vantage], signal }: VerifyOptions, missing: readonly MissingServer[]): Promise<MissingServer[]> {
  if (vantage === undefined) return [];
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
