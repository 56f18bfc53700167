import { type BalanceState, balanceOf, type Templates } from '../facts/network/balance.ts';
import type { InterfaceState } from '../facts/network/address.ts';
import { expectedTable } from '../lvs/ipvs/table.ts';
import { type IpvsService, serviceKey } from '../lvs/ipvs/types.ts';
import { bare } from '../lvs/model/ip.ts';
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

function viewOf(topology: Topology, host: string, plan: Plan, answers: readonly HostAnswer[]): DirectorView {
  const own = answers.filter((answer) => answer.host === host);
  const balance = own.find((answer) => answer.fact.name === 'balance')?.value as BalanceState | undefined;
  const kernel = new Map((balance === undefined ? [] : balanceOf(balance).services).map((service) => [serviceKey(withFamily(service, topology, host)), service]));
  const touched = touchedBy(plan, host);
  const configured = configuredOn(host, own);
  const before = new Map([...configured.keepalived, ...configured.script].filter(([key]) => kernel.has(key)));
  const wanted = new Map(expectedTable(topology, host).services.map((service) => [serviceKey(service), service]));
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

/** /proc/net/ip_vs does not tell the family of a mark: the topology's is taken. */
function withFamily(service: IpvsService, topology: Topology, host: string): IpvsService {
  if (service.protocol !== 'fwm') return service;
  const own = expectedTable(topology, host).services.find((one) => one.protocol === 'fwm' && one.port === service.port);
  return { ...service, family: own?.family ?? 4 };
}
