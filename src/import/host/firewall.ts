import type { Position } from '../../core/errors.ts';
import { iptablesRule } from '../firewall/iptables.ts';
import { takeRule } from '../firewall/meaning.ts';
import { nftRule } from '../firewall/nft-rule.ts';
import { parseNft } from '../firewall/nft-text.ts';
import type { Read } from '../types.ts';
import type { HostSetup } from './setup.ts';

const ELSEWHERE: Read = { unread: 'only rules for masquerading and marks are read; this one stays as it is on the host' };

/** `iptables` and `ip6tables`: flushes, masquerading, marks. @param text as written */
export function readIptables(program: string, words: readonly string[], setup: HostSetup, position: Position, text: string): Read {
  const after = (...names: string[]): string | undefined => {
    const at = words.findIndex((word) => names.includes(word));
    return at < 0 ? undefined : words[at + 1];
  };
  const has = (...names: string[]): boolean => words.some((word) => names.includes(word));
  const table = after('-t', '--table') ?? 'filter';
  if (has('-F', '--flush', '-X', '--delete-chain')) return { id: 'iptables-flush', bug: `it also removes the rules of others in the table ${table}; lvs-play adds and removes only its own, which are marked as such` };
  if (has('-D', '--delete', '-Z', '-L', '-S', '-C', '--check', '-nL', '-vnL')) return { ignored: 'nothing is left of it' };
  if (has('-N', '--new-chain')) return { ignored: 'left out: lvs-play makes the chains that it needs; rules of this one are read one by one' };
  const at = words.findIndex((word) => ['-A', '--append', '-I', '--insert'].includes(word));
  const chain = words[at + 1];
  if (at < 0 || chain === undefined) return { unread: 'only rules for masquerading and marks are read' };
  // `-I CHAIN 1`: its place.
  const rest = words.slice(at + (/^\d+$/.test(words[at + 2] ?? '') ? 3 : 2));
  const before = words.slice(0, at);
  const rule = iptablesRule([...(before.includes('-t') || before.includes('--table') ? without(before) : before), ...without(rest)], { position, text, family: program.startsWith('ip6') ? 6 : 4, table, chain, live: false });
  if (rule.action.kind === 'jump') return { ignored: `rules of ${rule.action.chain} are read one by one${rule.match.other.length > 0 ? ', and the condition of this one is left out' : ''}` };
  return takeRule(rule, setup) ?? ELSEWHERE;
}

/** Without the table, which may stand anywhere. */
function without(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) => word === '-t' || word === '--table');
  return at < 0 ? words : [...words.slice(0, at), ...words.slice(at + 2)];
}

/** `nft add rule ...` with masquerade or mark; anything else is not read. @param text as written */
export function readNft(words: readonly string[], setup: HostSetup, position: Position, text: string): Read {
  // The shell may have been given the whole as one word.
  const [statement] = parseNft(words.join(' '), position).others;
  const [verb = '', object = '', ...rest] = statement?.words ?? words;
  if (/^(flush|delete)$/.test(verb)) return { id: 'nft-flush', bug: 'it may remove the rules of others; lvs-play keeps its own in a table of its own' };
  if (/^(add|create)$/.test(verb) && /^(table|chain)$/.test(object)) return { ignored: 'tables and chains of our own are made where they are needed' };
  if (!/^(add|insert)$/.test(verb) || object !== 'rule') return { unread: 'only rules for masquerading and marks are read' };
  const families = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'];
  const [family, table = '', name = '', ...rule] = families.includes(rest[0] ?? '') ? rest : ['ip', ...rest];
  const place = rule[0] === 'position' || rule[0] === 'handle' || rule[0] === 'index' ? 2 : 0;
  return takeRule(nftRule(rule.slice(place), { position, text }, { family: family ?? 'ip', table, name, hook: undefined, live: false }), setup) ?? ELSEWHERE;
}
