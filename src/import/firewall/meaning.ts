import { parseIp, parsePrefixed } from '../../lvs/model/ip.ts';
import type { Protocol } from '../../lvs/model/topology.ts';
import type { HostSetup } from '../host/setup.ts';
import type { Read } from '../types.ts';
import type { HostRule } from './rule.ts';

const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp'];
/** Ports of one range that are written out one by one. */
const LONGEST_RANGE = 32;

/**
 * Takes what a rule does for a cluster: masquerading, and marks. Rules of lvs-play itself are all understood.
 * @returns undefined for a rule that does neither, which is a matter of whom it concerns
 */
export function takeRule(rule: HostRule, setup: HostSetup): Read | undefined {
  const { action } = rule;
  if (action.kind === 'masquerade' || action.kind === 'snat') return masquerading(rule, setup);
  if (action.kind === 'mark') return marking(rule, action.mark, setup);
  return rule.ours ? { done: 'a rule of lvs-play, which the inventory brings' } : undefined;
}

function masquerading(rule: HostRule, setup: HostSetup): Read {
  const { match, action, position, ours } = rule;
  const networks = match.sources?.map((source) => parsePrefixed(source)) ?? [undefined];
  const except = match.notDestinations ?? [];
  const unclear =
    match.other.length > 0 || match.protocols !== undefined || match.ports !== undefined || match.input !== undefined || match.destinations !== undefined
      ? 'it has a condition that the model has not'
      : networks.length > 1 || (match.sources !== undefined && networks[0] === undefined)
        ? 'its source is no single network'
        : except.some((one) => networks[0] === undefined || one !== match.sources?.[0])
          ? 'lvs-play masquerades to wherever but NAT networks, and this rule excepts more'
          : networks[0] === undefined && match.output === undefined
            ? 'it masquerades whatever is forwarded, on any interface'
            : undefined;
  if (unclear !== undefined) return { unread: `masquerading is read for one network, or for one interface that packets leave by: ${unclear}` };
  const [network] = match.sources ?? [];
  const { output } = match;
  setup.masquerades.push({ network, output, position, ours });
  const what = network === undefined ? `masquerading of what leaves by ${output ?? ''}` : `masquerading of ${network}`;
  if (action.kind === 'snat') return { ignored: `${what}, as ${action.to}: lvs-play masquerades, which gives the address of the interface that packets leave by` };
  if (rule.live && !ours) return { ignored: `${what}: lvs-play loads a rule of its own for it; remove this one after the deploy` };
  return { done: what };
}

function marking(rule: HostRule, mark: number, setup: HostSetup): Read {
  const { match, position, ours } = rule;
  const addresses = match.destinations?.map((one) => parseIp(one.replace(rule.family === 6 || one.includes(':') ? /\/128$/ : /\/32$/, ''))) ?? [];
  const ports = match.ports?.flatMap(portsOf) ?? [0];
  // Without a protocol it is every one; IPVS takes these three (net/netfilter/ipvs/ip_vs_core.c).
  const protocols = match.protocols?.map((one) => PROTOCOLS.find((known) => known === one)) ?? PROTOCOLS;
  if (mark < 1) return { unread: 'a mark of 0 is none' };
  if (match.other.length > 0 || match.sources !== undefined || match.notDestinations !== undefined || match.output !== undefined) return { unread: 'its condition is more than an address, a protocol and ports' };
  if (rule.hook !== undefined && rule.hook !== 'prerouting') return { unread: `packets of clients pass prerouting, and this is ${rule.hook}` };
  if (addresses.length === 0 || addresses.includes(undefined) || protocols.some((one) => one === undefined) || ports.includes(undefined)) return { unread: 'a mark is read for addresses, protocols and ports one by one' };
  for (const ip of addresses) {
    for (const protocol of protocols) {
      for (const port of ports) if (ip !== undefined && protocol !== undefined && port !== undefined) setup.marks.push({ mark, protocol, address: ip.address, port, position, ours });
    }
  }
  const what = `mark ${String(mark)} on ${(match.protocols ?? PROTOCOLS).join(', ')} ${(match.destinations ?? []).join(', ')} ${match.ports?.join(', ') ?? 'all ports'}`;
  if (match.input !== undefined) return { ignored: `${what}: lvs-play marks them whatever interface they come in by, not ${match.input} alone` };
  if (rule.live && !ours) return { ignored: `${what}: lvs-play loads a rule of its own for it; remove this one after the deploy` };
  return { done: what };
}

function portsOf(text: string): (number | undefined)[] {
  const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (from === undefined || Number(to) > 65535 || Number(to) < Number(from) || Number(to) - Number(from) >= LONGEST_RANGE) return [undefined];
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
}
