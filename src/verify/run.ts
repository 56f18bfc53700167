import { setTimeout as delay } from 'node:timers/promises';
import { LvsPlayError } from '../core/errors.ts';
import type { Topology, VirtualService } from '../lvs/topology.ts';
import type { Target } from '../transport/target.ts';
import { DIRECTOR_SCRIPT, parseDirectorState } from './director-state.ts';
import { judgeArp, judgeHolder, judgeLarge, judgeRequests, judgeSpread, judgeTable } from './judge.ts';
import type { Check, DirectorState, VerificationReport } from './types.ts';
import { Vantage } from './vantage.ts';

export interface VerifyOptions {
  readonly topology: Topology;
  /** The open target of a director. */
  readonly target: (host: string) => Promise<Target>;
  /** Where clients are: the controller's own shell, or a host outside the cluster. */
  readonly vantage: { readonly name: string; readonly target: Target };
  /** Sent to each virtual service. */
  readonly requests: number;
  /** Asked for by HTTP; default: the health check's path, else `/`. */
  readonly path: string | undefined;
  /** Seconds in which VRRP and health checks may still come to rest. */
  readonly settle: number;
  readonly signal: AbortSignal;
}

/** Looks at the cluster from outside and at its directors' kernels. Changes nothing. @throws LvsPlayError when a director or the vantage cannot be asked */
export async function runVerification(options: VerifyOptions): Promise<VerificationReport> {
  const { topology } = options;
  const vantage = new Vantage(options.vantage.name, options.vantage.target);
  const vips = [...new Set([...topology.services.values()].map((service) => service.vip))];
  const directors = [...topology.directors.keys()];
  const { states, checks } = await settledStates(options, directors, vips);
  const arp: Check[] = [];
  for (const vip of vips) arp.push(judgeArp(vip, await vantage.arp(vip), statesOf(topology, vip, states)));
  const traffic: Check[] = [];
  for (const service of topology.services.values()) traffic.push(...(await judgeTraffic(service, states, vantage, options)));
  const all = [...checks.slice(0, vips.length), ...arp, ...checks.slice(vips.length), ...traffic];
  return { version: 1, at: new Date().toISOString(), from: vantage.name, ok: all.every((check) => check.verdict !== 'fail'), checks: all };
}

/** Asks the directors until holders and tables are as they shall be, or the time to settle is over. */
async function settledStates(options: VerifyOptions, directors: readonly string[], vips: readonly string[]): Promise<{ states: readonly DirectorState[]; checks: Check[] }> {
  const deadline = Date.now() + options.settle * 1000;
  for (;;) {
    const states = await Promise.all(directors.map(async (host) => askDirector(host, await options.target(host))));
    const holders = vips.map((vip) => judgeHolder(vip, statesOf(options.topology, vip, states)));
    const checks = [...holders, ...states.map((state) => judgeTable(options.topology, state))];
    if (checks.every((check) => check.verdict === 'pass') || Date.now() >= deadline || options.signal.aborted) return { states, checks };
    await delay(1000, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

function statesOf(topology: Topology, vip: string, states: readonly DirectorState[]): DirectorState[] {
  const carriers = new Set([...topology.services.values()].filter((service) => service.vip === vip).flatMap((service) => service.directors));
  return states.filter((state) => carriers.has(state.host));
}

async function askDirector(host: string, target: Target): Promise<DirectorState> {
  const reply = await target.request({ script: DIRECTOR_SCRIPT, become: true });
  if (reply.exitCode === 0) return parseDirectorState(host, reply.stdout.toString('utf8'));
  throw new LvsPlayError({ code: 'director-unreadable', kind: 'host', host, message: `${host} does not tell its state: ${reply.stderr.toString('utf8').trim().split('\n')[0] ?? ''}` });
}

async function judgeTraffic(service: VirtualService, states: readonly DirectorState[], vantage: Vantage, options: VerifyOptions): Promise<Check[]> {
  const skip = (reason: string): Check[] => [{ name: 'requests', subject: service.name, verdict: 'skip', measured: 'not measured', reason }];
  if (service.protocol !== 'tcp') return skip(`${service.protocol} is not asked yet`);
  if (service.port === 0) return skip('all ports: which one to ask is not known');
  const active = states.find((state) => service.directors.includes(state.host) && state.addresses.has(service.vip));
  const address = service.vip.includes(':') ? `[${service.vip}]` : service.vip;
  const path = options.path ?? (service.healthCheck.type === 'http' ? service.healthCheck.path : '/');
  const before = active === undefined ? undefined : await askDirector(active.host, await options.target(active.host));
  const seen = await vantage.requests(`http://${address}:${String(service.port)}${path}`, options.requests);
  if ('unseen' in seen) return skip(seen.unseen);
  const after = active === undefined ? undefined : await askDirector(active.host, await options.target(active.host));
  return [judgeRequests(service, seen.samples), judgeSpread(service, before, after), judgeLarge(service, seen.samples)];
}
