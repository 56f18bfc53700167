import type { Position } from '../../core/errors.ts';

/** A packet filter's rule as far as LVS has to do with it; iptables' and nftables' alike. */
export interface HostRule {
  readonly position: Position;
  /** As written. */
  readonly text: string;
  readonly family: 4 | 6 | 'both';
  /** `nat`, `mangle`, ...; of nftables the table's own name. */
  readonly table: string;
  readonly chain: string;
  /** Where its chain is called by the kernel; undefined: not known, as other chains call it. */
  readonly hook: string | undefined;
  /** In force on a host, not written in a script that makes it. */
  readonly live: boolean;
  /** Made by lvs-play. */
  readonly ours: boolean;
  readonly match: RuleMatch;
  readonly action: RuleAction;
}

/** All of it must hold. */
export interface RuleMatch {
  /** Addresses or networks, one of which; undefined: any. */
  readonly sources?: readonly string[];
  readonly destinations?: readonly string[];
  /** None of these. */
  readonly notDestinations?: readonly string[];
  /** `tcp`, `vrrp`, ...; several only in nftables. */
  readonly protocols?: readonly string[];
  /** Destination ports: `80`, `80-90`. */
  readonly ports?: readonly string[];
  readonly input?: string;
  readonly output?: string;
  /** Conditions of any other kind, as written. */
  readonly other: readonly string[];
}

export type RuleAction =
  | { readonly kind: 'masquerade' }
  | { readonly kind: 'snat'; readonly to: string }
  | { readonly kind: 'mark'; readonly mark: number }
  | { readonly kind: 'accept' | 'drop' | 'return' | 'none' }
  | { readonly kind: 'jump'; readonly chain: string }
  /** Whatever else is done to a packet, as written. */
  | { readonly kind: 'other'; readonly text: string };

/** A base chain whose policy is to drop. */
export interface DroppingChain extends Pick<HostRule, 'position' | 'text' | 'family' | 'table' | 'chain'> {
  readonly hook: string;
}

/** What a host's rules are when they were all read: every rule, and what chains without one do. */
export interface Ruleset {
  readonly rules: readonly HostRule[];
  /** Rules of chains that nothing calls. */
  readonly idle: readonly HostRule[];
  /** Chains that drop whatever no rule took. */
  readonly dropping: readonly DroppingChain[];
  /** Named sets of nftables, name -> what is written in them. */
  readonly sets: ReadonlyMap<string, string>;
  /** What could not be read at all. */
  readonly unread: readonly { readonly position: Position; readonly text: string }[];
}

/** The chains, the table and the comment by which lvs-play knows its own rules (lvs/host/firewall/script.ts, lvs/host/tunnels.ts). */
export function isOurs({ table, chain, comment, calls }: { readonly table: string; readonly chain: string; readonly comment?: string | undefined; readonly calls?: string | undefined }): boolean {
  return table === 'lvs_play' || chain.startsWith('LVS_PLAY_') || comment === 'lvs-play' || calls?.startsWith('LVS_PLAY_') === true;
}

/** Rules of base chains and of those that they call, however deep, and the rest, which is without effect. */
export function byEffect(all: readonly HostRule[]): Pick<Ruleset, 'rules' | 'idle'> {
  const keyOf = ({ family, table }: HostRule, chain: string): string => `${String(family)} ${table} ${chain}`;
  const reached = new Set(all.filter(({ hook }) => hook !== undefined).map((rule) => keyOf(rule, rule.chain)));
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const rule of all) if (rule.action.kind === 'jump' && reached.has(keyOf(rule, rule.chain))) reached.add(keyOf(rule, rule.action.chain));
  }
  return { rules: all.filter((rule) => reached.has(keyOf(rule, rule.chain))), idle: all.filter((rule) => !reached.has(keyOf(rule, rule.chain))) };
}
