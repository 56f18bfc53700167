import type { JsonObject } from '../../core/json.ts';
import type { Position } from '../../core/errors.ts';
import { parsePrefixed } from '../../lvs/model/ip.ts';
import { isIn, networkOf } from '../../lvs/model/services/nat-networks.ts';
import type { HostSetup } from '../host/setup.ts';
import { addressesOfPair, objectAt, textOf } from './json.ts';
import type { Merging } from './services.ts';

interface NamedSetup {
  readonly setup: HostSetup;
  readonly name: string;
}

export interface NatSources {
  readonly directors: readonly NamedSetup[];
  /** Hosts that are none, with what they say of themselves. */
  readonly servers: readonly HostSetup[];
  /** The section `ha_pairs`. */
  readonly pairs: JsonObject;
}

interface Candidate {
  readonly network: string;
  readonly director: NamedSetup;
  /** Of the rule that masquerades it; undefined: no rule does. */
  readonly position: Position | undefined;
}

/**
 * Networks behind NAT directors: those that hold real servers and are masqueraded, or whose real servers have a director for their default route. The
 * gateway is where that route leads, else the director's own address in the network.
 */
export function natNetworks({ directors, servers, pairs }: NatSources, merging: Merging): JsonObject {
  const networks: Record<string, JsonObject> = {};
  const routes = routesOf(servers, merging);
  const candidates = [...directors.flatMap((director) => masqueraded(director, merging)), ...routes.flatMap((route) => routed(route, directors, pairs, merging))];
  for (const { network, director, position } of candidates) {
    if (Object.values(networks).some((one) => one['network'] === network)) continue;
    const { name, setup } = director;
    const about = { ...(position === undefined ? {} : { position }), host: name, text: `masquerading of ${network}` };
    if (!serves(network, name, pairs, merging)) {
      if (position !== undefined && !setup.firewall.rules.some(({ rule }) => rule.position === position)) merging.notes.push({ ...about, kind: 'not-understood', reason: 'left out: no real server of a NAT service is in that network' });
      continue;
    }
    const gateway = routes.find(({ via }) => isIn(via, network) && holderOf(via, director, pairs, merging) !== undefined)?.via ?? floating(network, name, pairs) ?? ownAddresses(director, merging).find((address) => isIn(address, network));
    if (gateway === undefined) {
      merging.notes.push({ ...about, kind: 'missing', reason: `left out, as the inside address of ${name} is not told: import with ${name}@ADDRESS=FILE, or add nat_networks: { inside: { on: ${name}, network: ${network}, gateway: ADDRESS } }` });
      continue;
    }
    const number = Object.keys(networks).length + 1;
    networks[number === 1 ? 'inside' : `inside-${String(number)}`] = { on: holderOf(gateway, director, pairs, merging) ?? name, network, gateway, ...(position === undefined ? { masquerade: false } : {}) };
  }
  return networks;
}

interface Route {
  readonly host: string;
  readonly via: string;
  readonly position: Position;
  readonly setup: HostSetup;
}

/** Default routes of the real servers of NAT services. */
function routesOf(servers: readonly HostSetup[], { services, names }: Merging): Route[] {
  const nat = new Set([...services.values()].filter((service) => service['mode'] === 'nat').flatMap((service) => Object.keys(objectAt(service, 'real_servers'))));
  return servers.flatMap((setup) => {
    const host = setup.name ?? [setup.ownAddress, ...setup.addresses.map(({ address }) => address)].map((address) => names.nameOf(address ?? '')).find((name) => name !== undefined && nat.has(name));
    return host === undefined || !nat.has(host) ? [] : setup.gateways.map(({ via, position }) => ({ host, via, position, setup }));
  });
}

/** What a director masquerades; of a rule that names only the interface by which packets leave, the networks on its other ones. */
function masqueraded(director: NamedSetup, { notes }: Merging): Candidate[] {
  const { setup, name } = director;
  return setup.masquerades.flatMap(({ network, output, position }): Candidate[] => {
    if (network !== undefined) {
      const parsed = parsePrefixed(network);
      return parsed === undefined ? [] : [{ network: networkOf(parsed), director, position }];
    }
    const inside = setup.addresses.filter((one) => one.interface !== output).flatMap(networksOf);
    if (inside.length === 0) notes.push({ kind: 'missing', position, host: name, text: `masquerading of what leaves by ${output ?? ''}`, reason: `left out, as the networks behind ${name} are not told: import its addresses too, or add nat_networks: { inside: { on: ${name}, network: NETWORK, gateway: ADDRESS } }` });
    return inside.map((one) => ({ network: one, director, position }));
  });
}

/** A network behind a director that real servers have for their default route. */
function routed({ host, via, position, setup }: Route, directors: readonly NamedSetup[], pairs: JsonObject, { names, notes, services }: Merging): Candidate[] {
  const behind = [...services.values()].filter((service) => service['mode'] === 'nat' && objectAt(service, 'real_servers')[host] !== undefined).map((service) => textOf(service['on']));
  const serving = directors.filter(({ name }) => behind.some((on) => on === name || objectAt(objectAt(pairs, on), 'members')[name] !== undefined));
  const director = serving.find((one) => holderOf(via, one, pairs, { names }) !== undefined);
  if (director === undefined) {
    if (serving.length > 0) notes.push({ kind: 'bug', id: 'gateway-elsewhere', position, host, text: `default route via ${via}`, reason: `replies of a NAT real server must pass ${serving.map(({ name }) => name).join(' or ')}, and no address of theirs is that: name the network in nat_networks, and lvs-play sets the route` });
    return [];
  }
  const network = [...director.setup.addresses, ...setup.addresses].flatMap(networksOf).find((one) => isIn(via, one));
  if (network === undefined) notes.push({ kind: 'missing', position, host, text: `default route via ${via}`, reason: `the prefix length of that network is not told: add nat_networks: { inside: { on: ${director.name}, network: NETWORK, gateway: ${via} } }` });
  return network === undefined ? [] : [{ network, director, position: undefined }];
}

function networksOf({ address, prefix }: { readonly address: string; readonly prefix: number }): string[] {
  const parsed = parsePrefixed(`${address}/${String(prefix)}`);
  return parsed === undefined || prefix >= (parsed.family === 6 ? 128 : 32) ? [] : [networkOf(parsed)];
}

/** Whether a real server of a NAT service of this director is in the network. */
function serves(network: string, director: string, pairs: JsonObject, { services, names }: Merging): boolean {
  return [...services.values()].some((service) => {
    const on = textOf(service['on']);
    const own = on === director || objectAt(objectAt(pairs, on), 'members')[director] !== undefined;
    return own && service['mode'] === 'nat' && Object.entries(objectAt(service, 'real_servers')).some(([host]) => isIn(textOf(objectAt(objectAt(service, 'real_servers'), host)['address']) || (names.addressOf(host) ?? '0.0.0.0'), network));
  });
}

/** The pair or director that an address belongs to, among a director and its pairs. */
function holderOf(address: string, { setup, name }: NamedSetup, pairs: JsonObject, { names }: Pick<Merging, 'names'>): string | undefined {
  const pair = Object.keys(pairs).find((one) => objectAt(objectAt(pairs, one), 'members')[name] !== undefined && addressesOfPair(objectAt(pairs, one)).includes(address));
  return pair ?? (ownAddresses({ setup, name }, { names }).includes(address) ? name : undefined);
}

/** An address of a director's pairs in a network. */
function floating(network: string, director: string, pairs: JsonObject): string | undefined {
  const own = Object.keys(pairs).filter((one) => objectAt(objectAt(pairs, one), 'members')[director] !== undefined);
  return own.flatMap((one) => addressesOfPair(objectAt(pairs, one))).find((address) => isIn(address, network));
}

function ownAddresses({ setup, name }: NamedSetup, { names }: Pick<Merging, 'names'>): string[] {
  return [setup.ownAddress, ...setup.addresses.map(({ address }) => address), ...names.addressesOf(name)].filter((address) => address !== undefined);
}
