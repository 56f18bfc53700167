import { type BalanceState, balanceOf, type Templates } from '../facts/network/balance.ts';
import type { InterfaceState } from '../facts/network/address.ts';
import { drainedWeights, type Drains, drainsFact } from '../facts/records/drains.ts';
import { drainedIn, weightInWords } from '../lvs/drain/record.ts';
import { withDrains } from '../lvs/drain/topology.ts';
import { expectedTable } from '../lvs/ipvs/table.ts';
import { type IpvsDestination, type IpvsService, serviceKey } from '../lvs/ipvs/types.ts';
import { bare, formatEndpoint } from '../lvs/model/ip.ts';
import type { Topology } from '../lvs/model/topology.ts';
import type { HostAnswer } from '../plan/sessions.ts';
import type { Plan } from '../plan/types.ts';
import { configuredOn } from './ours.ts';
import { type Touched, touchedBy } from './touched.ts';

/** A director before and after. */
export interface DirectorView {
  readonly touched: Touched;
  /** Addresses that it holds now, without prefix. */
  readonly holds: ReadonlySet<string>;
  /** Its kernel's services now, ours and others'. */
  readonly kernel: ReadonlyMap<string, IpvsService>;
  readonly templates: readonly Templates[];
  /** Weights by endpoint of what is ours before the run, by service; only what the kernel has. */
  readonly before: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Ours after it. */
  readonly after: ReadonlyMap<string, IpvsService>;
}

/** What each director that was asked is and becomes. Pure. */
export function directorViews(topology: Topology, plan: Plan, answers: readonly HostAnswer[]): readonly DirectorView[] {
  return [...topology.directors.keys()].filter((host) => answers.some((answer) => answer.host === host)).map((host) => viewOf(topology, host, plan, answers));
}

/** Weights that a director's drains leave after the run. */
function drainsAfter(host: string, plan: Plan, answers: readonly HostAnswer[]): ReadonlyMap<string, string> {
  const now = answers.find((answer) => answer.host === host && answer.fact.name === drainsFact.name)?.value as Drains | undefined;
  const weights = new Map(drainedWeights(now ?? {}));
  for (const row of plan.plays.flatMap((play) => play.tasks)) {
    if (row.host !== host) continue;
    for (const { path, after } of row.changes) {
      const server = drainedIn(path);
      if (server === undefined) continue;
      const weight = weightInWords(after);
      if (weight === undefined) weights.delete(server);
      else weights.set(server, weight);
    }
  }
  return weights;
}

function viewOf(whole: Topology, host: string, plan: Plan, answers: readonly HostAnswer[]): DirectorView {
  const topology = withDrains(whole, drainsAfter(host, plan, answers));
  const own = answers.filter((answer) => answer.host === host);
  const balance = own.find((answer) => answer.fact.name === 'balance')?.value as BalanceState | undefined;
  const kernel = new Map((balance === undefined ? [] : balanceOf(balance).services).map((service) => [serviceKey(withFamily(service, topology, host)), service]));
  const touched = touchedBy(plan, host);
  const configured = configuredOn(host, own);
  const before = new Map([...configured.keepalived, ...configured.script].filter(([key]) => kernel.has(key)));
  const expected = new Map(expectedTable(topology, host).services.map((service) => [serviceKey(service), service]));
  const wanted = configured.comesBack === undefined ? expected : restored(configured.comesBack, kernel, expected);
  const managers = new Map([...topology.services.values()].map((service) => [service.name, service.manager]));
  // What a part of the plan does not touch stays as it is.
  const stays = (key: string) => (configured.script.has(key) ? !touched.fills : !touched.configures);
  const comes = (service: IpvsService) => (managers.get(service.name ?? '') === 'script' ? touched.fills : touched.configures || touched.starts);
  const after = new Map<string, IpvsService>();
  for (const key of before.keys()) {
    const now = kernel.get(key);
    if (stays(key) && now !== undefined) after.set(key, now);
  }
  for (const [key, service] of wanted) if (comes(service)) after.set(key, service);
  if (touched.stops) for (const key of [...after.keys()]) if (!configured.script.has(key)) after.delete(key);
  const addresses = own.filter((answer) => answer.fact.name === 'address').flatMap((answer) => (answer.value as InterfaceState).addresses.map(bare));
  return { touched, holds: new Set(addresses), kernel, templates: balance?.templates ?? [], before, after };
}

/** Services as a rollback makes them, from what their file says of weights. All else of them is as it is now, or as the topology has it. */
function restored(file: ReadonlyMap<string, ReadonlyMap<string, number>>, ...known: readonly ReadonlyMap<string, IpvsService>[]): ReadonlyMap<string, IpvsService> {
  return new Map(
    [...file].flatMap(([key, weights]): [string, IpvsService][] => {
      const services = known.flatMap((table) => table.get(key) ?? []);
      const servers = services.flatMap(({ destinations }) => destinations);
      const [service] = services;
      if (service === undefined) return [];
      const destinations = [...weights].map(([endpoint, weight]) => ({ ...(servers.find((server) => formatEndpoint(server.address, server.port) === endpoint) ?? unknownServer(endpoint)), weight }));
      return [[key, { ...service, destinations }]];
    }),
  );
}

/** One that the kernel has no more and the topology not either: it counts for its weight. */
function unknownServer(endpoint: string): IpvsDestination {
  const colon = endpoint.lastIndexOf(':');
  return { address: endpoint.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(endpoint.slice(colon + 1)), forward: 'dr', weight: 1, activeConnections: undefined, inactiveConnections: undefined };
}

/** /proc/net/ip_vs does not tell the family of a mark: the topology's is taken. */
function withFamily(service: IpvsService, topology: Topology, host: string): IpvsService {
  if (service.protocol !== 'fwm') return service;
  const own = expectedTable(topology, host).services.find((one) => one.protocol === 'fwm' && one.port === service.port);
  return { ...service, family: own?.family ?? 4 };
}
