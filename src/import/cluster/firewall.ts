import { parsePrefixed } from '../../lvs/model/ip.ts';
import { endpointsOf, natNetworksOf, servicesOf, vipsOf } from '../../lvs/model/lookups.ts';
import { isIn } from '../../lvs/model/services/nat-networks.ts';
import { addressesOf, type Topology, type VirtualService } from '../../lvs/model/topology.ts';
import type { HostRule } from '../firewall/rule.ts';
import { readNote } from '../host/notes.ts';
import type { HostSetup } from '../host/setup.ts';
import type { Note } from '../types.ts';

/** What the cluster's packets have in them, by which a rule can meet them. */
interface Concern {
  /** VIPs, real servers, directors and gateways. */
  readonly addresses: ReadonlySet<string>;
  readonly networks: readonly string[];
  readonly marks: ReadonlySet<number>;
  /** Of services and real servers. */
  readonly ports: ReadonlySet<number>;
  /** Whether adverts of VRRP pass. */
  readonly vrrp: boolean;
}

/**
 * The report on others' rules of a live host: those that the inventory took over, and those that were not understood and meet the cluster. The rest
 * is told as a number: nothing of it is touched.
 * @param topology of the imported inventory; undefined: it is none yet, and then every rule is listed @param addresses of all hosts
 */
export function firewallNotes(setup: HostSetup, host: string, topology: Topology | undefined, addresses: readonly string[]): Note[] {
  const { rules, idle, dropping, sets } = setup.firewall;
  const concern = topology === undefined ? undefined : concernOf(topology, addresses);
  const isMet = (rule: HostRule): boolean => concern === undefined || meets(rule, concern, sets);
  const notes: Note[] = [];
  let others = 0;
  for (const { rule, read } of rules) {
    const about = { host, position: rule.position, text: rule.text };
    if (read !== undefined && !('unread' in read) && topology !== undefined && isTaken(rule, topology, host)) notes.push(readNote(read, about));
    else if (isMet(rule)) notes.push({ ...about, kind: 'not-understood', reason: `${read !== undefined && 'unread' in read ? read.unread : 'it meets packets of the cluster and is not in the model'}; it stays as it is on the host` });
    else others++;
  }
  for (const rule of idle) {
    if (rule.ours || isMet(rule)) notes.push({ host, position: rule.position, text: rule.text, kind: 'changed', reason: `left out: nothing calls the chain ${rule.chain}, so that it is without effect` });
    else others++;
  }
  for (const { position, text } of dropping) notes.push({ host, position, text, kind: 'not-understood', reason: 'it meets packets of the cluster that no rule accepts; it stays as it is on the host' });
  if (others > 0) notes.push({ kind: 'changed', host, text: `${String(others)} other firewall rule${others === 1 ? '' : 's'} of ${host}`, reason: 'left out: none names an address, port or mark of the cluster; they stay as they are on the host' });
  return notes;
}

/** Whether the inventory makes lvs-play do on this host what a rule of somebody does. */
function isTaken({ action, match }: HostRule, topology: Topology, host: string): boolean {
  if (action.kind === 'mark') return marksOf(servicesOf(topology, host)).includes(action.mark);
  const [source] = match.sources ?? [];
  return (action.kind === 'masquerade' || action.kind === 'snat') && natNetworksOf(topology, host).some(({ network, masquerade }) => masquerade && (source === undefined || source === network));
}

function marksOf(services: Iterable<VirtualService>): number[] {
  return [...services].flatMap(({ match }) => (match.kind === 'fwmark' ? [match.mark] : []));
}

function concernOf(topology: Topology, hosts: readonly string[]): Concern {
  const services = [...topology.services.values()];
  const networks = [...topology.natNetworks.values()];
  return {
    addresses: new Set([...hosts, ...services.flatMap(vipsOf), ...services.flatMap(({ realServers }) => realServers.map(({ address }) => address)), ...[...topology.pairs.values()].flatMap((pair) => addressesOf(pair).map(({ address }) => address)), ...networks.map(({ gateway }) => gateway)]),
    networks: networks.map(({ network }) => network),
    marks: new Set(marksOf(services)),
    ports: new Set(services.flatMap((service) => [...endpointsOf(service), ...service.realServers].map(({ port }) => port))),
    vrrp: topology.pairs.size > 0,
  };
}

/**
 * Whether a rule can concern the cluster: it names one of its addresses, ports or marks, or VRRP; or it names no address, port or state at all and does
 * more than accept.
 */
function meets(rule: HostRule, concern: Concern, sets: ReadonlyMap<string, string>): boolean {
  const { match, action } = rule;
  const done = action.kind === 'other' ? action.text : action.kind === 'snat' ? action.to : '';
  const written = [...match.other, ...(action.kind === 'other' ? [done] : [])].join(' ');
  const inSets = [...written.matchAll(/@(\S+)/g)].map(([, name = '']) => [...sets].find(([key]) => key.endsWith(` ${rule.table} ${name}`))?.[1] ?? '').join(' ');
  const named = addressesIn([...(match.sources ?? []), ...(match.destinations ?? []), written, inSets].join(' '));
  if ([...named, ...addressesIn(done)].some((text) => overlaps(text, concern))) return true;
  if (match.protocols?.some((one) => one === 'vrrp' || one === '112') === true) return concern.vrrp;
  if (action.kind === 'mark' && concern.marks.has(action.mark)) return true;
  if (named.length > 0) return false;
  const ports = [...(match.ports ?? []), ...[...written.matchAll(/dports? (\S+)/g)].map(([, one = '']) => one)];
  if (ports.length > 0) return ports.some((text) => [...concern.ports].some((port) => holds(text, port)));
  // `-m ipvs ... -j SNAT`: it changes packets, whatever their addresses are.
  if (action.kind === 'masquerade' || action.kind === 'snat') return true;
  return action.kind === 'drop' && match.other.length === 0 && (match.protocols === undefined || match.protocols.some((one) => one === 'tcp' || one === 'udp' || one === 'sctp'));
}

function addressesIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:]*:[0-9a-f:.]*)(?:\/\d{1,3})?(?![\w.])/gi)].map(([found]) => found).filter((found) => parsePrefixed(found) !== undefined);
}

/** Everything (`0.0.0.0/0`) is no name, and parsePrefixed takes no length of 0. */
function overlaps(text: string, { addresses, networks }: Concern): boolean {
  const named = parsePrefixed(text);
  if (named === undefined) return false;
  const network = `${named.address}/${String(named.prefix)}`;
  return [...addresses].some((address) => isIn(address, network)) || networks.some((one) => isIn(named.address, one));
}

function holds(text: string, port: number): boolean {
  return text.split(',').some((part) => {
    const [from, to = from] = part.split(/[-:]/).map(Number);
    return from !== undefined && to !== undefined && from <= port && port <= to;
  });
}
