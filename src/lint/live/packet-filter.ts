import type { HostRule, Ruleset } from '../../import/firewall/rule.ts';
import { parsePrefixed } from '../../lvs/model/ip.ts';
import { isIn } from '../../lvs/model/services/nat-networks.ts';

/** A packet that a firewall must let pass. */
export interface FilteredPacket {
  readonly family: 4 | 6;
  /** Its number and the names that firewalls have for it. */
  readonly protocol: readonly string[];
  readonly source: string;
  readonly destination: string;
  /** Whether its receiver ever sends the like back: adverts between two addresses. Nobody answers a multicast group, nor packets of IPVS's tunnels. */
  readonly answered: boolean;
  /** Destination port, of protocols that have one. */
  readonly port: number | undefined;
  readonly direction: 'in' | 'out';
  readonly interface: string | undefined;
}

/** What becomes of a packet. `unclear`: it depends on conditions that are not read. */
export type Fate = { readonly is: 'passes' } | { readonly is: 'dropped' | 'unclear'; readonly by: string };

type Certainty = 'yes' | 'no' | 'maybe';

/** Ways out of a chain that are possible. */
interface Ways {
  accepted: boolean;
  /** The rule, or the policy. */
  droppedBy: string | undefined;
  unclear: string | undefined;
  /** It may come to the chain's end, or return. */
  left: boolean;
}

/** Chains nest no deeper in the kernel. */
const DEEPEST = 16;
const HOOKS = { in: ['prerouting', 'input'], out: ['output', 'postrouting'] } as const;

/** Walks a packet through all base chains that it meets; each of them has to let it pass. Pure. */
export function fateOf(packet: FilteredPacket, rulesets: readonly Ruleset[]): Fate {
  const fates = rulesets.flatMap((ruleset) => baseChains(ruleset, packet).map((chain): Fate => {
    const ways = walk(chain, ruleset, packet, 0);
    if (ways.left && chain.policy !== undefined) ways.droppedBy ??= chain.policy;
    const accepted = ways.accepted || (ways.left && chain.policy === undefined);
    if (ways.droppedBy !== undefined) return { is: accepted || ways.unclear !== undefined ? 'unclear' : 'dropped', by: ways.droppedBy };
    return ways.unclear === undefined ? { is: 'passes' } : { is: 'unclear', by: ways.unclear };
  }));
  return fates.find(({ is }) => is === 'dropped') ?? fates.find(({ is }) => is === 'unclear') ?? { is: 'passes' };
}

interface Chain extends Pick<HostRule, 'family' | 'table' | 'chain'> {
  /** The policy that drops; undefined: it accepts. */
  readonly policy: string | undefined;
}

function baseChains({ rules, dropping }: Ruleset, { family, direction }: FilteredPacket): readonly Chain[] {
  const meets = (one: Pick<HostRule, 'family' | 'hook'>): boolean => HOOKS[direction].some((hook) => hook === one.hook) && (one.family === 'both' || one.family === family);
  const found = new Map<string, Chain>();
  for (const one of rules.filter(meets)) found.set(keyOf(one), { family: one.family, table: one.table, chain: one.chain, policy: undefined });
  for (const one of dropping.filter(meets)) found.set(keyOf(one), { family: one.family, table: one.table, chain: one.chain, policy: one.text });
  return [...found.values()];
}

function keyOf({ family, table, chain }: Pick<HostRule, 'family' | 'table' | 'chain'>): string {
  return `${String(family)} ${table} ${chain}`;
}

function walk(chain: Pick<HostRule, 'family' | 'table' | 'chain'>, ruleset: Ruleset, packet: FilteredPacket, depth: number): Ways {
  const ways: Ways = { accepted: false, droppedBy: undefined, unclear: undefined, left: false };
  const own = ruleset.rules.filter((rule) => keyOf(rule) === keyOf(chain));
  for (const rule of own) {
    const certainty = matches(rule, packet);
    if (certainty === 'no') continue;
    const goesOn = take(rule, ways, ruleset, packet, depth);
    if (certainty === 'yes' && !goesOn) return ways;
  }
  ways.left = true;
  return ways;
}

/** Adds what a rule may do with a packet that it matches. @returns whether the next rule may see it too */
function take({ action, text, ...place }: HostRule, ways: Ways, ruleset: Ruleset, packet: FilteredPacket, depth: number): boolean {
  switch (action.kind) {
    case 'accept':
      ways.accepted = true;
      return false;
    case 'drop':
      ways.droppedBy ??= text;
      return false;
    case 'return':
      ways.left = true;
      return false;
    case 'jump': {
      if (depth >= DEEPEST) ways.unclear ??= text;
      if (depth >= DEEPEST) return true;
      const inner = walk({ ...place, chain: action.chain }, ruleset, packet, depth + 1);
      ways.accepted ||= inner.accepted;
      ways.droppedBy ??= inner.droppedBy;
      ways.unclear ??= inner.unclear;
      // Behind a goto the caller's rules are not seen any more.
      const gone = /(^|\s)(-g|--goto|goto)\s/.test(text);
      if (gone && inner.left) ways.left = true;
      return inner.left && !gone;
    }
    case 'other':
      if (!HARMLESS.test(action.text)) ways.unclear ??= text;
      return true;
    case 'none':
    case 'mark':
    case 'masquerade':
    case 'snat':
      return true;
  }
}

/** Targets and statements after which the next rule sees the packet, unchanged as far as it matters. */
const HARMLESS = /^(MARK|CONNMARK|NOTRACK|CT|TCPMSS|CLASSIFY|DSCP|TOS|SET|TRACE|AUDIT|SECMARK|log|counter|notrack|mark set|ct mark set)\b/;

function matches({ match, family }: HostRule, packet: FilteredPacket): Certainty {
  if (family !== 'both' && family !== packet.family) return 'no';
  const { sources, destinations, notDestinations, protocols, ports, input, output, other } = match;
  const inside = packet.direction === 'in' ? packet.interface : undefined;
  const outside = packet.direction === 'out' ? packet.interface : undefined;
  return all([
    protocols === undefined ? 'yes' : known(protocols.some((one) => packet.protocol.includes(one.toLowerCase()))),
    ports === undefined ? 'yes' : inPorts(packet.port, ports),
    sources === undefined ? 'yes' : inNetworks(packet.source, sources),
    destinations === undefined ? 'yes' : inNetworks(packet.destination, destinations),
    notDestinations === undefined ? 'yes' : opposite(inNetworks(packet.destination, notDestinations)),
    input === undefined ? 'yes' : onInterface(inside, [input], packet.direction === 'in'),
    output === undefined ? 'yes' : onInterface(outside, [output], packet.direction === 'out'),
    ...other.map((condition) => holds(condition, packet)),
  ]);
}

function all(certainties: readonly Certainty[]): Certainty {
  return certainties.includes('no') ? 'no' : certainties.includes('maybe') ? 'maybe' : 'yes';
}

function known(is: boolean): Certainty {
  return is ? 'yes' : 'no';
}

function opposite(certainty: Certainty): Certainty {
  return certainty === 'maybe' ? 'maybe' : known(certainty === 'no');
}

function inPorts(port: number | undefined, ports: readonly string[]): Certainty {
  if (port === undefined) return 'no';
  return known(
    ports.some((range) => {
      const [from = '', to = from] = range.split('-');
      return Number(from) <= port && port <= Number(to);
    }),
  );
}

function inNetworks(address: string, networks: readonly string[]): Certainty {
  const parsed = networks.map(parsePrefixed);
  if (parsed.some((network) => network !== undefined && isIn(address, `${network.address}/${String(network.prefix)}`))) return 'yes';
  return parsed.includes(undefined) ? 'maybe' : 'no';
}

/** @param name undefined: not known @param possible whether packets of that direction have such an interface */
function onInterface(name: string | undefined, patterns: readonly string[], possible: boolean): Certainty {
  if (!possible) return 'no';
  if (name === undefined) return 'maybe';
  return known(patterns.some((pattern) => (/[+*]$/.test(pattern) ? name.startsWith(pattern.slice(0, -1)) : name === pattern)));
}

/** Conditions that the parsers of rules leave as written. */
function holds(condition: string, packet: FilteredPacket): Certainty {
  const [, negation, option = '', value = ''] = /^(! )?(\S+)\s*([\s\S]*)$/.exec(condition) ?? [];
  const found = conditionHolds(option, value, packet);
  return negation === undefined ? found : opposite(found);
}

function conditionHolds(option: string, value: string, packet: FilteredPacket): Certainty {
  const multicast = /^(22[4-9]|23\d)\.|^ff/i.test(packet.destination);
  const listed = new Set(value.toLowerCase().split(/[\s,{}]+/).filter((word) => word !== ''));
  switch (option) {
    case '--ctstate':
    case '--state':
      return tracked(listed, packet.answered);
    case 'ct':
      return listed.has('state') && !listed.has('vmap') && !listed.has('!=') ? tracked(listed, packet.answered) : 'maybe';
    case '--dst-type':
    case '--pkt-type':
    case 'pkttype':
      return multicast ? known(listed.has('multicast')) : listed.has('multicast') && listed.size === 1 ? 'no' : 'maybe';
    case '-i':
    case '--in-interface':
      return onInterface(packet.interface, [value], packet.direction === 'in');
    case '-o':
    case '--out-interface':
      return onInterface(packet.interface, [value], packet.direction === 'out');
    case '-p':
    case '--protocol':
      return known(packet.protocol.includes(value.toLowerCase()));
    case '-s':
    case '--source':
      return inNetworks(packet.source, value.split(','));
    case 'iifname':
    case 'iif':
      return interfaces(packet, value, 'in');
    case 'oifname':
    case 'oif':
      return interfaces(packet, value, 'out');
    case 'icmp':
    case 'icmpv6':
    case 'igmp':
    case 'tcp':
    case 'udp':
      return packet.protocol.includes(option) ? 'maybe' : 'no';
    case 'log':
      return 'yes';
    default:
      return 'maybe';
  }
}

/** `!= lo`, or names in braces. */
function interfaces(packet: FilteredPacket, value: string, direction: 'in' | 'out'): Certainty {
  const words = value.split(/[\s,{}"]+/).filter((word) => word !== '');
  const found = onInterface(packet.interface, words.filter((word) => word !== '!='), packet.direction === direction);
  return words.includes('!=') ? opposite(found) : found;
}

/** Without an answer each packet is NEW (nf_conntrack_core.c); else it depends on what was sent before. */
function tracked(states: ReadonlySet<string>, answered: boolean): Certainty {
  if (states.has('new')) return !answered || states.has('established') ? 'yes' : 'maybe';
  return answered && states.has('established') ? 'maybe' : 'no';
}
