import { parseIp } from '../lvs/model/ip.ts';
import { serviceKey } from '../lvs/ipvs/types.ts';
import { formatEndpoint } from '../lvs/model/ip.ts';
import type { Observation } from '../observe/observation.ts';
import { hostNames, namesOfMissing } from '../observe/words.ts';
import type { HostState } from './host-state.ts';
import type { Explanation, Finding, Need, Probe } from './types.ts';

/** The explanation with what the hosts say of each need. Pure. */
export function judgeExplanation(explanation: Explanation, states: Observation<HostState>): Explanation {
  const judged = (need: Need): Need => ({ ...need, live: judge(need, states) });
  return { ...explanation, paths: explanation.paths.map((path) => ({ ...path, hops: path.hops.map((hop) => ({ ...hop, needs: hop.needs.map(judged) })) })) };
}

/** Every need once, in the order of the path. */
export function needsOf(explanation: Explanation): readonly Need[] {
  const all = explanation.paths.flatMap((path) => path.hops.flatMap((hop) => hop.needs));
  return [...new Map(all.map((need) => [JSON.stringify([need.hosts, need.what]), need])).values()];
}

export function hostsOf(explanation: Explanation): readonly string[] {
  return [...new Set(needsOf(explanation).flatMap((need) => [...need.hosts, ...('directors' in need.probe ? need.probe.directors : [])]))];
}

function judge(need: Need, states: Observation<HostState>): Finding {
  const asked = states.among([...need.hosts, ...('directors' in need.probe ? need.probe.directors : [])]);
  const found = states.among(need.hosts).each((state) => state);
  const [state] = found;
  if (asked.missing.length > 0) return { verdict: 'unknown', found: `${hostNames(namesOfMissing(asked.missing))} did not answer` };
  if (state === undefined || found.length < need.hosts.length) return { verdict: 'unknown', found: 'not every host of it was asked' };
  if (need.probe.type === 'one-holds') {
    const { address } = need.probe;
    const holders = found.filter((one) => held(one, address).length > 0).map(({ host }) => host);
    return finding(holders.length === 1, holders.length === 0 ? 'none has it' : `${holders.join(', ')} ${holders.length === 1 ? 'has' : 'have'} it`);
  }
  return judgeHost(need.probe, state, states);
}

function judgeHost(probe: Exclude<Probe, { type: 'one-holds' }>, state: HostState, states: Observation<HostState>): Finding {
  switch (probe.type) {
    case 'address': {
      const at = held(state, probe.address);
      return finding(probe.interface === undefined ? at.length > 0 : at.includes(probe.interface), at.length === 0 ? 'it is on no interface' : `it is on ${at.join(', ')}`);
    }
    case 'arp-silent':
      return arpSilence(state, probe.rip);
    case 'sysctl': {
      const value = state.sysctls.get(probe.key.replaceAll('.', '/'));
      return finding(value !== undefined && probe.accepts.includes(value), value === undefined ? 'the kernel has no such parameter' : `it is ${value}`);
    }
    case 'loose-rp-filter': {
      const values = ['all', probe.interface].map((name) => conf(state, name, 'rp_filter'));
      return finding(Math.max(...values) !== 1, `all is ${String(values[0])}, ${probe.interface} is ${String(values[1])}`);
    }
    case 'no-redirects': {
      const device = deviceOf(state.routes.get(probe.towards) ?? '');
      if (device === undefined) return { verdict: 'broken', found: `no route to ${probe.towards}` };
      const values = ['all', device].map((name) => conf(state, name, 'send_redirects'));
      return finding(values.every((value) => value === 0), `all is ${String(values[0])}, ${device} is ${String(values[1])}`);
    }
    case 'module':
      return finding(state.modules.has(probe.name), state.modules.has(probe.name) ? 'loaded' : 'not loaded');
    case 'table':
      return inTable(probe, state);
    case 'on-link': {
      const route = state.routes.get(probe.address) ?? '';
      return finding(route !== '' && !/ via /.test(route), route === '' ? 'no route' : shortRoute(route));
    }
    case 'reachable': {
      const route = state.routes.get(probe.address) ?? '';
      return finding(route !== '', route === '' ? 'no route' : shortRoute(route));
    }
    case 'gateway':
    case 'no-gateway':
      return defaultRoute(probe, state, states);
    case 'listens':
      return listens(probe, state);
    case 'mark': {
      const hex = probe.mark.toString(16);
      // As nft prints it, and as iptables-save does.
      const set = new RegExp(`mark set (0x0*${hex}|${String(probe.mark)})\\b|--set-x?mark 0x${hex}(/0xffffffff)?(\\s|$)`, 'm').test(state.firewall);
      return finding(set, set ? 'a rule sets it' : 'no rule sets it');
    }
  }
}

function finding(holds: boolean, found: string): Finding {
  return { verdict: holds ? 'holds' : 'broken', found };
}

function held(state: HostState, address: string): string[] {
  return state.addresses.filter((one) => one.address === address).map((one) => one.interface);
}

/** 0 where the kernel has none: an interface that is not there. */
function conf(state: HostState, name: string, key: string): number {
  return Number(state.sysctls.get(`net/ipv4/conf/${name}/${key}`) ?? '0');
}

/** The kernel takes the higher of all and the interface asked (ip-sysctl). */
function arpSilence(state: HostState, rip: string): Finding {
  const [nic] = held(state, rip);
  if (nic === undefined) return { verdict: 'broken', found: `${rip} is on no interface` };
  const ignore = Math.max(conf(state, 'all', 'arp_ignore'), conf(state, nic, 'arp_ignore'));
  const announce = Math.max(conf(state, 'all', 'arp_announce'), conf(state, nic, 'arp_announce'));
  return finding(ignore >= 1 && announce >= 2, `arp_ignore ${String(ignore)}, arp_announce ${String(announce)} for ${nic}`);
}

function inTable(probe: Extract<Probe, { type: 'table' }>, { table }: HostState): Finding {
  // /proc/net/ip_vs does not tell the family of a mark.
  const service = table?.services.find((one) => serviceKey(one) === probe.service || `${serviceKey(one)} IPv6` === probe.service);
  if (service === undefined) return finding(false, table === undefined ? 'IPVS is not loaded' : 'the table has no such service');
  const { server } = probe;
  if (server === undefined) return finding(true, `scheduler ${service.scheduler}, ${String(service.destinations.length)} real servers`);
  const entry = service.destinations.find((one) => formatEndpoint(one.address, one.port) === server.endpoint);
  if (entry === undefined) return finding(false, 'it is not among the real servers');
  return finding(entry.forward === server.forward || entry.forward === 'local', `${entry.forward.toUpperCase()}, weight ${String(entry.weight)}`);
}

function deviceOf(route: string): string | undefined {
  return /\bdev (\S+)/.exec(route)?.[1];
}

function shortRoute(route: string): string {
  return (/^(.*?\bdev \S+)/.exec(route)?.[1] ?? route).replaceAll('\\', ' ').replaceAll(/\s+/g, ' ');
}

function defaultRoute(probe: Extract<Probe, { type: 'gateway' | 'no-gateway' }>, state: HostState, states: Observation<HostState>): Finding {
  const [route] = state.defaults.get(probe.family) ?? [];
  const via = /\bvia (?:inet6 )?(\S+)/.exec(route ?? '')?.[1];
  const own = states.among(probe.directors).each(({ addresses }) => addresses.map(({ address }) => address)).flat();
  if (probe.type === 'gateway') {
    if (via === undefined) return { verdict: 'broken', found: route === undefined ? 'no default route' : shortRoute(route) };
    return finding(probe.via === undefined ? own.includes(via) : via === probe.via, `via ${via}`);
  }
  if (route === undefined) return { verdict: 'unknown', found: 'no default route: only clients in its own networks get an answer' };
  if (via === undefined) return finding(true, shortRoute(route));
  const leadsThere = own.includes(via) || probe.addresses.includes(via);
  return finding(!leadsThere, `via ${via}${leadsThere ? ', the director' : ''}`);
}

function listens({ protocol, addresses, port }: Extract<Probe, { type: 'listens' }>, { sockets }: HostState): Finding {
  if (protocol === 'sctp') return { verdict: 'unknown', found: 'SCTP sockets are not looked at' };
  const open = sockets.filter((socket) => socket.protocol === protocol && socket.port === port);
  const wanted = new Set(['*', ...addresses.map(canonical), ...addresses.map((address) => canonical(`::ffff:${address}`))]);
  const at = [...new Set(open.map(({ address }) => (address === '*' ? 'all addresses' : (parseIp(address)?.address ?? address))))];
  return finding(open.some(({ address }) => wanted.has(canonical(address))), at.length === 0 ? 'nothing listens on that port' : `open on ${at.join(', ')}`);
}

function canonical(address: string): string {
  return parseIp(address)?.address ?? address;
}
