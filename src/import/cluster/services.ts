import { Address4 } from 'ip-address';
import type { JsonObject } from '../../core/json.ts';
import { serviceKey } from '../../lvs/ipvs/types.ts';
import { formatEndpoint, likelySameNetwork } from '../../lvs/model/ip.ts';
import type { ForwardingMode } from '../../lvs/model/topology.ts';
import type { HostSetup, ServiceSetup } from '../host/setup.ts';
import type { Note } from '../types.ts';
import { addressesOfService } from './json.ts';
import { markedPackets } from './marks.ts';
import { serviceName, type HostNames } from './names.ts';

/** What is put together, shared by the steps of a merge. */
export interface Merging {
  readonly names: HostNames;
  /** Names of hosts given so far. */
  readonly taken: Set<string>;
  readonly services: Map<string, JsonObject>;
  readonly comments: Map<string, string>;
  readonly notes: Note[];
}

/** The virtual services of a director whose table is filled by a script or by hand. @param director its name */
export function addServices(setup: HostSetup, director: string, merging: Merging): void {
  for (const service of setup.services) {
    const name = serviceName(service, new Set(merging.services.keys()));
    const key = serviceKey(service);
    const twice = [...merging.services.entries()].find(([, other]) => addressOf(service) !== undefined && other['address'] === addressOf(service) && (other['protocol'] ?? 'tcp') === service.protocol);
    if (twice !== undefined) {
      merging.notes.push({ kind: 'not-understood', position: service.position, host: director, text: key, reason: `left out: ${twice[0]} has the same address, and two directors need keepalived to share it` });
      continue;
    }
    if (service.destinations.length === 0) {
      merging.notes.push({ kind: 'not-understood', position: service.position, host: director, text: key, reason: 'left out: it has no real server' });
      continue;
    }
    const { mode, reason } = modeOf(service, setup, director, name, merging);
    if (reason !== undefined) merging.comments.set(`virtual_services/${name}/mode`, reason);
    const entry = serviceEntry(service, { setup, director, name, mode }, merging);
    if (entry !== undefined) merging.services.set(name, entry);
  }
}

function addressOf(service: ServiceSetup): string | undefined {
  return service.protocol === 'fwm' ? undefined : formatEndpoint(service.address, service.port);
}

/**
 * How real servers are reached: by what the table says, unless the rest of the same source shows that it means NAT. `-g` is ipvsadm's default and
 * DR; with the real servers' network masqueraded and the VIP in another network, their answers can only come back by the director.
 */
function modeOf(service: ServiceSetup, setup: HostSetup, director: string, name: string, { notes }: Merging): { mode: ForwardingMode; reason: string | undefined } {
  const forwards = service.destinations.map(({ forward }) => (forward === 'local' ? 'dr' : forward));
  const [mode = 'dr'] = [...forwards].sort((a, b) => forwards.filter((one) => one === b).length - forwards.filter((one) => one === a).length);
  const behind = service.destinations.filter(({ address }) => setup.masquerades.some(({ network }) => network !== undefined && within(address, network)));
  const looksNat = mode === 'dr' && behind.length === service.destinations.length && service.protocol !== 'fwm' && behind.every(({ address }) => !likelySameNetwork(address, service.address));
  if (looksNat) {
    for (const server of service.destinations) {
      notes.push({
        kind: 'bug',
        id: 'gatewaying-for-nat',
        position: server.position,
        host: director,
        text: `real server ${formatEndpoint(server.address, server.port)} of ${serviceKey(service)} is added with -g`,
        reason: `-g is direct routing (DR); its network is masqueraded here and the VIP is in another one, so this is NAT, which is -m: ${name} has mode: nat`,
      });
    }
    return { mode: 'nat', reason: 'was -g (DR), a mistake: see the report' };
  }
  for (const server of service.destinations) {
    if (server.forward === mode || server.forward === 'local') continue;
    notes.push({ kind: 'changed', position: server.position, host: director, text: `real server ${formatEndpoint(server.address, server.port)} is reached by ${server.forward.toUpperCase()}`, reason: `${name} has mode: ${mode} for all its real servers, as the model has one mode for a service` });
  }
  return { mode, reason: undefined };
}

function within(address: string, network: string): boolean {
  try {
    return !address.includes(':') && new Address4(address).isInSubnet(new Address4(network));
  } catch {
    return false;
  }
}

function serviceEntry(service: ServiceSetup, at: { setup: HostSetup; director: string; name: string; mode: ForwardingMode }, merging: Merging): JsonObject | undefined {
  const { setup, director, name, mode } = at;
  const match = matchOf(service, at, merging);
  if (match === undefined) return undefined;
  const vip = carriedOn(setup, service.address);
  const flags = (service.flags ?? []).filter((flag) => flag !== 'ops');
  const tunnel = service.destinations.find((one) => one.tunnel !== undefined)?.tunnel;
  return {
    on: director,
    manager: 'script',
    ...match,
    ...(vip === undefined ? {} : { interface: vip }),
    mode,
    ...(mode !== 'tun' || tunnel === undefined || (tunnel.type === 'ipip' && tunnel.checksum === 'none') ? {} : { tunnel: { type: tunnel.type, ...(tunnel.port === undefined ? {} : { port: tunnel.port }), checksum: tunnel.checksum } }),
    scheduler: service.scheduler,
    ...(flags.length === 0 ? {} : { scheduler_flags: [...flags] }),
    ...(service.flags?.includes('ops') === true ? { one_packet: true } : {}),
    ...persistence(service),
    real_servers: Object.fromEntries(service.destinations.flatMap((server) => realServer(server, { service, director, name, mode }, merging))),
  };
}

/** The interface that a director itself puts a VIP on: by a script; on a live host an address with a longer reach than its own is of the network configuration. */
function carriedOn({ addresses }: HostSetup, vip: string): string | undefined {
  return addresses.find(({ address, prefix, position }) => address === vip && (position.line > 0 || prefix === (address.includes(':') ? 128 : 32)))?.interface;
}

/** Services of keepalived.conf whose VIP no pair moves: the director has it by other means, which its addresses tell. */
export function addInterfaces(setup: HostSetup, director: string, { services }: Merging): void {
  for (const [name, service] of services) {
    const [vip] = addressesOfService(service);
    const carried = vip === undefined || service['on'] !== director || service['interface'] !== undefined ? undefined : carriedOn(setup, vip);
    const behind = service['endpoints'] === undefined ? 'address' : 'endpoints';
    if (carried !== undefined) services.set(name, Object.fromEntries(Object.entries(service).flatMap(([key, value]) => (key === behind ? [[key, value], ['interface', carried]] : [[key, value]]))));
  }
}

function matchOf(service: ServiceSetup, { setup, director, name }: { setup: HostSetup; director: string; name: string }, { notes }: Merging): JsonObject | undefined {
  if (service.protocol !== 'fwm') return { address: formatEndpoint(service.address, service.port), ...(service.protocol === 'tcp' ? {} : { protocol: service.protocol }) };
  const match = markedPackets(setup, service.port, service.family ?? 4);
  if (match === undefined) {
    notes.push({ kind: 'not-understood', position: service.position, host: director, text: serviceKey(service), reason: `left out: which packets get the mark ${String(service.port)} is not told; import the iptables or nft commands that set it, too` });
    return undefined;
  }
  notes.push({ kind: 'changed', position: service.position, host: director, text: serviceKey(service), reason: `${name}: the rules that set the mark are lvs-play's own; remove the old ones after the deploy` });
  return match;
}

function persistence(service: ServiceSetup): JsonObject {
  const { persistence: timeout, persistencePrefix: prefix, engine } = service;
  if (typeof timeout !== 'number') return {};
  const full = service.address.includes(':') || service.family === 6 ? 128 : 32;
  const plain = (prefix === undefined || prefix === full) && (engine === undefined || engine === null);
  return { persistence: plain ? timeout : { timeout, ...(prefix === undefined || prefix === full ? {} : { prefix }), ...(engine === 'sip' ? { engine } : {}) } };
}

function realServer(server: ServiceSetup['destinations'][number], { service, director, name, mode }: { service: ServiceSetup; director: string; name: string; mode: ForwardingMode }, { names, taken, notes, comments }: Merging): [string, JsonObject][] {
  const host = server.address.startsWith('127.') ? director : names.of(server.address, 'rs', taken);
  taken.add(host);
  const own = names.addressOf(host);
  const port = service.protocol === 'fwm' ? server.port : service.port;
  if (mode !== 'nat' && server.port !== port) {
    comments.set(`virtual_services/${name}/real_servers/${host}`, `the source says port ${String(server.port)}`);
    notes.push({ kind: 'bug', id: 'port-not-rewritten', position: server.position, host: director, text: `real server ${formatEndpoint(server.address, server.port)} of ${serviceKey(service)}`, reason: `${mode.toUpperCase()} cannot change ports: packets arrive at port ${String(port)}; only NAT translates them` });
  }
  return [
    [
      host,
      {
        weight: server.weight,
        ...(mode === 'nat' && server.port !== port && server.port !== 0 ? { port: server.port } : {}),
        ...(own !== undefined && own !== server.address && !server.address.startsWith('127.') ? { address: server.address } : {}),
        ...(server.upperThreshold === undefined || server.upperThreshold === 0 ? {} : { upper_threshold: server.upperThreshold }),
        ...(server.lowerThreshold === undefined || server.lowerThreshold === 0 ? {} : { lower_threshold: server.lowerThreshold }),
      },
    ],
  ];
}
