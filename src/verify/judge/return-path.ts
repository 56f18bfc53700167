import { tunnelDevice } from '../../lvs/host/tunnels.ts';
import { natNetworkOf } from '../../lvs/model/services/nat-networks.ts';
import { addressesOf, type RealServer, type Topology, type VirtualService } from '../../lvs/model/topology.ts';
import { sharesOf } from '../../lvs/drain/shares.ts';
import type { Check, DirectorState } from '../types.ts';

/** An answer's way: where it goes next. */
export interface Route {
  /** Undefined: its destination is on the network of the device. */
  readonly via: string | undefined;
  readonly device: string;
}

/** The way of a service's answers to one client. */
export interface Answers {
  readonly service: VirtualService;
  readonly server: RealServer;
  readonly client: string;
  /** The address that they have when the real server sends them: in DR and TUN the virtual IP. */
  readonly source: string;
}

/** The answers that a real server sends to a vantage. Not those of a director to itself (LocalNode). Pure. @param sources the vantage's own address towards each VIP */
export function answersOf(topology: Topology, host: string, sources: ReadonlyMap<string, string>): Answers[] {
  return sharesOf(topology, host).flatMap(({ service, server }) => {
    const client = sources.get(service.vip);
    if (client === undefined || service.directors.includes(host)) return [];
    return [{ service, server, client, source: service.mode === 'nat' ? server.address : service.vip }];
  });
}

/** Asked for one answer, `CLIENT SOURCE`. */
export function routeKey({ client, source }: Pick<Answers, 'client' | 'source'>): string {
  return `${client} ${source}`;
}

/**
 * Answers find back to the vantage: in NAT through the director that holds the virtual IP, which must translate them; in DR and TUN by the real server's own card and past the
 * directors, which would drop them as martians. `lint --live` judges default routes; this is the kernel's own word for one client, policy routes included. Pure.
 * @param routes undefined: the host has none
 */
export function judgeReturnPath(topology: Topology, host: string, from: string, answers: readonly Answers[], routes: ReadonlyMap<string, Route | undefined>, states: readonly DirectorState[]): Check {
  const nat = answers.some(({ service }) => service.mode === 'nat');
  const expected = [...(nat ? ['through the director (NAT)'] : []), ...(answers.some(({ service }) => service.mode !== 'nat') ? ['past the directors (DR, TUN)'] : [])].join('; ');
  const check = { name: 'return-path', subject: host, from, expected: expected === '' ? 'answers find back' : `answers go ${expected}` } as const;
  if (answers.length === 0) return { ...check, verdict: 'skip', measured: 'not measured', reason: `${from} has no route to a virtual IP of its services` };
  const measured = [...new Set(answers.map((answer) => wordsOf(answer, routes.get(routeKey(answer)))))].join('; ');
  const faults = [...new Set(answers.map((answer) => faultOf(topology, answer, routes.get(routeKey(answer)), states)).filter((fault) => fault !== undefined))];
  return faults.length === 0 ? { ...check, verdict: 'pass', measured } : { ...check, verdict: 'fail', measured, reason: faults.join('; ') };
}

function wordsOf({ client }: Answers, route: Route | undefined): string {
  if (route === undefined) return `no route to ${client}`;
  return `to ${client} ${route.via === undefined ? 'directly' : `via ${route.via}`} by ${route.device}`;
}

function faultOf(topology: Topology, answer: Answers, route: Route | undefined, states: readonly DirectorState[]): string | undefined {
  const { service, server, client } = answer;
  if (route === undefined) return `${service.name}: answers have no way to ${client}`;
  if (service.mode === 'nat') return natFault(topology, answer, route, states);
  const director = route.via === undefined ? undefined : directorAt(topology, service, route.via, states);
  if (director !== undefined) return `${service.name}: answers go via ${route.via ?? ''}, an address of ${director}, which drops packets from its own virtual IP`;
  if (service.mode === 'tun' && route.device === tunnelDevice(service.vip, server.address, service.tunnel).name) return `${service.name}: answers go back into the tunnel (${route.device})`;
  return undefined;
}

function natFault(topology: Topology, { service, server, client }: Answers, { via, device }: Route, states: readonly DirectorState[]): string | undefined {
  if (via === undefined) return `${service.name}: answers reach ${client} directly by ${device}, untranslated: the client drops them`;
  const gateway = natNetworkOf(topology.natNetworks, service, server.address)?.gateway;
  if (gateway !== undefined && via !== gateway) return `${service.name}: answers go via ${via}, not via ${gateway}, the gateway of its NAT network`;
  const holder = states.find((state) => service.directors.includes(state.host) && state.addresses.has(service.vip));
  // Nobody holds it: another check says so.
  if (holder === undefined || holder.addresses.has(via)) return undefined;
  return `${service.name}: answers go via ${via}, which is no address of ${holder.host}, the holder of ${service.vip}: nobody translates them`;
}

/** Whose address of a service's directors it is, now or after a failover. */
function directorAt(topology: Topology, service: VirtualService, address: string, states: readonly DirectorState[]): string | undefined {
  const own = states.find((state) => service.directors.includes(state.host) && state.addresses.has(address));
  if (own !== undefined) return own.host;
  return [...topology.pairs.values()].find((pair) => pair.members.some(({ host }) => service.directors.includes(host)) && addressesOf(pair).some((vip) => vip.address === address))?.name;
}
