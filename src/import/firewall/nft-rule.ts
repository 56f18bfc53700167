import type { Position } from '../../core/errors.ts';
import { byEffect, type HostRule, isOurs, type RuleAction, type RuleMatch, type Ruleset } from './rule.ts';
import { type NftChain, type NftStatement, parseNft } from './nft-text.ts';

/** All rules of a text of nftables. @param start where its first line is @param skipped `ip nat`: tables that iptables keeps there, and its own listing tells @param live what is in force on a host */
export function readRuleset(text: string, start: Pick<Position, 'file' | 'line'>, { skipped, live }: { readonly skipped: ReadonlySet<string>; readonly live: boolean }): Ruleset & { readonly others: readonly NftStatement[] } {
  const { chains, sets, others } = parseNft(text, start);
  const own = chains.filter(({ family, table }) => !skipped.has(`${family} ${table}`));
  const dropping = own.flatMap((chain) => {
    const { hook, policy } = baseOf(chain);
    return policy === 'drop' && hook !== undefined && chain.rules[0] !== undefined ? [{ position: chain.rules[0].position, text: `policy drop of ${chain.name} in the table ${chain.family} ${chain.table}`, family: familyOf(chain.family), table: chain.table, chain: chain.name, hook }] : [];
  });
  const rules = own.flatMap((chain) => chain.rules.filter(({ words }) => !isSetting(words)).map((statement) => nftRule(statement.words, statement, { ...chain, hook: baseOf(chain).hook, live })));
  return { ...byEffect(rules), dropping, sets, unread: [], others };
}

interface Place extends Pick<NftChain, 'family' | 'table' | 'name'> {
  readonly hook: string | undefined;
  readonly live: boolean;
}

/** One rule. @param words without the table and chain that it is added to */
export function nftRule(words: readonly string[], { position, text }: Pick<NftStatement, 'position' | 'text'>, { family, table, name, hook, live }: Place): HostRule {
  const { match, action, comment } = new RuleReader(words).read();
  const calls = action.kind === 'jump' ? action.chain : undefined;
  return { position, text, family: familyOf(family), table, chain: name, hook, live, ours: isOurs({ table, chain: name, comment, calls }), match, action };
}

function familyOf(family: string): HostRule['family'] {
  return family === 'ip' ? 4 : family === 'ip6' ? 6 : 'both';
}

/** `type nat hook postrouting priority 100` and `policy accept` are of the chain. */
function isSetting([first, , third]: readonly string[]): boolean {
  return (first === 'type' && third === 'hook') || first === 'policy' || first === 'comment' || first === 'devices';
}

function baseOf({ rules }: NftChain): { hook: string | undefined; policy: string | undefined } {
  const words = rules.filter((rule) => isSetting(rule.words)).flatMap((rule) => rule.words);
  const after = (name: string): string | undefined => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
  return { hook: after('hook'), policy: after('policy') };
}

const VERDICTS: Readonly<Record<string, 'accept' | 'drop' | 'return' | 'none'>> = { accept: 'accept', drop: 'drop', reject: 'drop', return: 'return' };

/** Operators that are not read. */
const NO_VALUES = new Set(['&', 'and', '<', '>', '<=', '>=', '.', 'vmap', 'map']);

/** Takes one expression after the other; what it does not know is kept as written, so that nobody takes the rule for simpler than it is. */
class RuleReader {
  readonly #words: readonly string[];
  readonly #match: { -readonly [K in keyof RuleMatch]: RuleMatch[K] } = { other: [] };
  #action: RuleAction = { kind: 'none' };
  #comment: string | undefined;
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  read(): { match: RuleMatch; action: RuleAction; comment: string | undefined } {
    while (this.#at < this.#words.length) this.#expression();
    return { match: this.#match, action: this.#action, comment: this.#comment };
  }

  #expression(): void {
    if (this.#is('meta')) this.#at++;
    const [first = '', second = ''] = this.#words.slice(this.#at);
    const pair = `${first} ${second}`;
    const verdict = VERDICTS[first];
    if (verdict !== undefined) {
      this.#action = { kind: verdict };
      // `reject with ...`
      this.#at = first === 'reject' ? this.#words.length : this.#at + 1;
    } else if (first === 'counter') this.#at += second === 'packets' ? 5 : 1;
    else if (first === 'comment') {
      this.#comment = second;
      this.#at += 2;
    } else if (pair === 'ip saddr' || pair === 'ip6 saddr') this.#values(2, 'sources');
    else if (pair === 'ip daddr' || pair === 'ip6 daddr') this.#values(2, 'destinations', 'notDestinations');
    else if (pair === 'ip protocol' || pair === 'ip6 nexthdr') this.#values(2, 'protocols');
    else if (first === 'l4proto') this.#values(1, 'protocols');
    else if (first === 'iifname' || first === 'iif') this.#interface('input');
    else if (first === 'oifname' || first === 'oif') this.#interface('output');
    else if (second === 'dport' && first !== 'th') this.#ports(first);
    else if (pair === 'mark set' && /^(0x[0-9a-f]+|\d+)$/i.test(this.#words[this.#at + 2] ?? '')) this.#end(3, { kind: 'mark', mark: Number(this.#words[this.#at + 2]) });
    else if (first === 'masquerade' && this.#rest(1, /^(random|fully-random|persistent)$/)) this.#end(this.#words.length, { kind: 'masquerade' });
    else if (first === 'snat') this.#snat();
    else if (first === 'jump' || first === 'goto') this.#end(2, { kind: 'jump', chain: second });
    else this.#unknown();
  }

  #is(word: string): boolean {
    return this.#words[this.#at] === word;
  }

  /** Whether nothing but these words stands behind, a comment aside. */
  #rest(skip: number, allowed: RegExp): boolean {
    const rest = this.#words.slice(this.#at + skip);
    return rest.every((word, i) => allowed.test(word) || (word === 'comment' && i === rest.length - 2) || (rest[i - 1] === 'comment' && i === rest.length - 1));
  }

  #end(taken: number, action: RuleAction): void {
    this.#action = action;
    this.#at += taken;
  }

  #snat(): void {
    const rest = this.#words.slice(this.#at + 1).filter((word) => !['ip', 'ip6', 'to'].includes(word));
    this.#end(this.#words.length, { kind: 'snat', to: rest[0] ?? '' });
  }

  /** `[!=|==] VALUE`, of which sets are lists. */
  #operand(skip: number): { negated: boolean; values: readonly string[] } | undefined {
    const operator = this.#words[this.#at + skip];
    const value = this.#words[this.#at + skip + (operator === '!=' || operator === '==' ? 1 : 0)];
    if (value === undefined || /^[@$]|:\s/.test(value) || NO_VALUES.has(value)) return undefined;
    return { negated: operator === '!=', values: value.startsWith('{') ? value.slice(1, -1).split(',').map((one) => one.trim()).filter((one) => one !== '') : [value] };
  }

  #values(skip: number, key: 'sources' | 'destinations' | 'protocols', negative?: 'notDestinations'): void {
    const found = this.#operand(skip);
    const into = found?.negated === true ? negative : key;
    // The same twice is an intersection.
    if (found === undefined || into === undefined || this.#match[into] !== undefined) {
      this.#unknown();
      return;
    }
    this.#match[into] = found.values;
    this.#at += skip + (found.negated ? 2 : this.#words[this.#at + skip] === '==' ? 2 : 1);
  }

  #ports(protocol: string): void {
    const found = this.#operand(2);
    if (found === undefined || found.negated || this.#match.ports !== undefined) {
      this.#unknown();
      return;
    }
    this.#match.protocols = [protocol];
    this.#match.ports = found.values;
    this.#at += this.#words[this.#at + 2] === '==' ? 4 : 3;
  }

  #interface(key: 'input' | 'output'): void {
    const found = this.#operand(1);
    const [name, another] = found?.values ?? [];
    if (found === undefined || found.negated || name === undefined || another !== undefined) {
      this.#unknown();
      return;
    }
    this.#match[key] = name.replaceAll('"', '');
    this.#at += 2;
  }

  /** The rest of the rule, up to its verdict, is one condition that is not understood; an action of another kind is told as such. */
  #unknown(): void {
    const rest = this.#words.slice(this.#at);
    const stop = rest.findIndex((word, i) => i > 0 && (VERDICTS[word] !== undefined || ['masquerade', 'snat', 'jump', 'goto', 'counter'].includes(word)));
    const taken = stop < 0 ? rest : rest.slice(0, stop);
    this.#match.other = [...this.#match.other, taken.join(' ')];
    if (stop < 0) this.#action = { kind: 'other', text: taken.join(' ') };
    this.#at += taken.length;
  }
}
