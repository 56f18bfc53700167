import { isIP } from 'node:net';
import type { LvsPlayError } from '../../core/errors.ts';
import { throwCollected } from '../../core/errors.ts';
import { isJsonObject } from '../../core/json.ts';
import { plainVars } from '../../inventory/types.ts';
import type { Host, Inventory } from '../../inventory/types.ts';
import { addressesIn, canonical, highestFree, isInNetwork, networkOf, parseAddress } from './addresses.ts';
import { HostVars } from './host-vars.ts';
import { cidr } from '../spec.ts';
import type { InterfaceAddress, LabInterface, LabNetwork, LabNode, LabSpec } from '../spec.ts';

const DEFAULT_MEMORY = 160;

interface Card {
  readonly name: string;
  readonly addresses: readonly InterfaceAddress[];
}

/**
 * The lab that stands in for an inventory: a node per host that is reached by ssh, a segment per network.
 *
 * A host's address is its `ansible_host` (or its name, when that is an address), on the interface its HA pair names, else eth0.
 * Optional variables, of a host or a group: `lab_interfaces` ({eth1: 10.0.0.1/24} or a list of addresses each), `lab_networks`
 * (list of networks, for prefix lengths other than /24 and /64), `lab_gateway` (the nodes' default route), `lab_control`
 * (address or list: the control side's own), `lab_memory` (MiB).
 * @throws LvsPlayError `lab-inventory` with the place in the inventory, all errors together
 */
export function labSpecFromInventory(inventory: Inventory): LabSpec {
  const errors: LvsPlayError[] = [];
  const readers = [...inventory.hosts.values()]
    .map((host) => new HostVars(host, errors))
    .filter((vars) => vars.text('ansible_connection') !== 'local');
  const hosts = readers.map((vars) => ({ vars, cards: cardsOf(vars) }));
  throwCollected(errors);

  const segments = segmentsOf(hosts.flatMap(({ cards }) => cards));
  const taken = takenAddresses(inventory, hosts.flatMap(({ cards }) => cards));
  reportTwice(hosts, errors);
  const wanted = readers.flatMap((vars) => vars.addresses('lab_control'));
  const networks = segments.map((cidrs, index): LabNetwork => ({
    name: `br${String(index)}`,
    control: cidrs.flatMap((network) => controlAddress(network, wanted, taken, readers[0], errors)),
  }));
  throwCollected(errors);

  const segmentName = (card: Card): string => {
    const network = card.addresses.map(networkOf)[0] ?? '';
    return networks[segments.findIndex((cidrs) => cidrs.includes(network))]?.name ?? 'br0';
  };
  const nodes = hosts.map(({ vars, cards }): LabNode => ({
    name: vars.host.name,
    address: addressOf(vars) ?? '',
    interfaces: cards.map((card): LabInterface => ({ name: card.name, network: segmentName(card), addresses: card.addresses })),
    gateway: vars.addresses('lab_gateway')[0]?.address,
    memory: vars.number('lab_memory', 64, 4096) ?? DEFAULT_MEMORY,
  }));
  if (nodes.length === 0) {
    errors.push(...[...inventory.hosts.values()].slice(0, 1).map((host) => new HostVars(host, []).error('no host of the inventory is reached by ssh', 'ansible_connection')));
    if (errors.length === 0) errors.push(HostVars.nowhere(`${inventory.source} has no hosts`));
  }
  throwCollected(errors);
  return { nodes, networks };
}

function addressOf(vars: HostVars): string | undefined {
  return vars.text('ansible_host') ?? (isIP(vars.host.name) === 0 ? undefined : vars.host.name);
}

/** The network cards of a host, with every error that its variables have. */
function cardsOf(vars: HostVars): Card[] {
  const address = addressOf(vars);
  const name = vars.host.name;
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/.test(name)) return vars.fail(`'${name}' cannot be the name of a lab node`, 'ansible_host');
  if (address === undefined || isIP(address) === 0) {
    return vars.fail(address === undefined ? `host ${name} has no ansible_host` : `ansible_host '${address}' of ${name} is no IP address`, 'ansible_host', 'the lab gives each node the address in ansible_host');
  }
  if (address.startsWith('127.') || address === '::1') return vars.fail(`ansible_host ${address} of ${name} is this machine, not a node`, 'ansible_host');

  const cards: Card[] = [];
  for (const [interfaceName, value] of Object.entries(vars.object('lab_interfaces'))) {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,14}$/.test(interfaceName)) vars.fail(`'${interfaceName}' is no name for a network interface`, 'lab_interfaces', undefined, [interfaceName]);
    const addresses = vars.addressList(value, 'lab_interfaces', [interfaceName]).map((found) => withPrefix(found, vars));
    if (addresses.length === 0) vars.fail(`interface ${interfaceName} of ${name} has no address`, 'lab_interfaces', 'write it as 10.0.0.1/24', [interfaceName]);
    else cards.push({ name: interfaceName, addresses });
  }
  if (cards.some((card) => card.addresses.some((own) => canonical(own.address) === canonical(address)))) return cards;
  const main = mainInterface(vars.host);
  if (cards.some((card) => card.name === main)) {
    return vars.fail(`lab_interfaces gives ${main} of ${name} other addresses than ansible_host ${address}`, 'lab_interfaces', `add ${address} to one of the interfaces`, [main]);
  }
  const parsed = parseAddress(address);
  if (parsed !== undefined) cards.unshift({ name: main, addresses: [withPrefix(parsed, vars)] });
  return cards;
}

/** An address without a prefix takes that of the network in `lab_networks` that holds it. */
function withPrefix(address: InterfaceAddress & { readonly explicit?: boolean }, vars: HostVars): InterfaceAddress {
  const network = address.explicit === true ? undefined : vars.addresses('lab_networks').find((candidate) => isInNetwork(address.address, cidr(candidate)));
  return { address: address.address, prefix: network?.prefix ?? address.prefix };
}

/** The interface that the host's HA pair announces its VIPs on. */
function mainInterface(host: Host): string {
  const lvs = host.vars.get('lvs')?.value;
  const pairs = isJsonObject(lvs) && isJsonObject(lvs['ha_pairs']) ? Object.values(lvs['ha_pairs']) : [];
  for (const pair of pairs) {
    if (!isJsonObject(pair) || !isJsonObject(pair['members']) || !(host.name in pair['members'])) continue;
    const name = pair['interface'];
    if (typeof name === 'string' && /^[A-Za-z][A-Za-z0-9_-]{0,14}$/.test(name)) return name;
  }
  return 'eth0';
}

/** Networks that share a cable: two addresses on one interface make their networks one segment. */
function segmentsOf(cards: readonly Card[]): string[][] {
  let segments: Set<string>[] = [];
  for (const card of cards) {
    const joined = new Set(card.addresses.map(networkOf));
    const touching = segments.filter((segment) => [...joined].some((network) => segment.has(network)));
    const merged = new Set([...touching.flatMap((segment) => [...segment]), ...joined]);
    const at = touching[0] === undefined ? segments.length : segments.indexOf(touching[0]);
    segments = [...segments.slice(0, at), merged, ...segments.slice(at).filter((segment) => !touching.includes(segment))];
  }
  return segments.map((segment) => [...segment]);
}

/** Whatever any variable names might be a VIP: none of it may be the control side's, but for the nodes' default route. */
function takenAddresses(inventory: Inventory, cards: readonly Card[]): ReadonlySet<string> {
  const taken = new Set(cards.flatMap((card) => card.addresses.map((own) => canonical(own.address))));
  for (const host of inventory.hosts.values()) {
    const { lab_control: _control, lab_networks: _networks, lab_gateway: _gateway, ...others } = plainVars(host.vars);
    addressesIn(others, taken);
  }
  return taken;
}

function controlAddress(network: string, wanted: readonly InterfaceAddress[], taken: ReadonlySet<string>, reader: HostVars | undefined, errors: LvsPlayError[]): InterfaceAddress[] {
  const chosen = wanted.find((address) => isInNetwork(address.address, network));
  const prefix = Number(network.split('/')[1]);
  if (chosen !== undefined && !taken.has(canonical(chosen.address))) return [{ address: chosen.address, prefix }];
  const free = chosen === undefined ? highestFree(network, taken) : undefined;
  if (free !== undefined) return [free];
  const message = chosen === undefined ? `no address is free in ${network} for the control side` : `lab_control ${chosen.address} is in use by the inventory`;
  errors.push(reader?.error(message, chosen === undefined ? 'ansible_host' : 'lab_control', 'choose a free one with lab_control, or widen the network with lab_networks') ?? HostVars.nowhere(message));
  return [];
}

function reportTwice(hosts: readonly { readonly vars: HostVars; readonly cards: readonly Card[] }[], errors: LvsPlayError[]): void {
  const owners = new Map<string, string>();
  for (const { vars, cards } of hosts) {
    for (const { address } of cards.flatMap((card) => card.addresses)) {
      const owner = owners.get(canonical(address));
      if (owner !== undefined) errors.push(vars.error(`${vars.host.name} has the address ${address} of ${owner}`, 'ansible_host'));
      owners.set(canonical(address), vars.host.name);
    }
  }
}
