import { readNote } from '../host/notes.ts';
import type { Position } from '../../core/errors.ts';
import type { HostSetup } from '../host/setup.ts';
import { parseIptablesSave } from './iptables.ts';
import { takeRule } from './meaning.ts';
import { readRuleset } from './nft-rule.ts';
import type { NftStatement } from './nft-text.ts';
import type { Ruleset } from './rule.ts';

/** What asks a host for its rules, by the program's name. Legacy tables and those of nftables do not see each other. */
export const FIREWALL_PROGRAMS = ['iptables-save', 'ip6tables-save', 'iptables-legacy-save', 'ip6tables-legacy-save', 'nft'] as const;
export type FirewallProgram = (typeof FIREWALL_PROGRAMS)[number];

/**
 * Reads all rules of a live host: masquerading and marks are taken, the rest is kept for whom it concerns.
 * @param asked the host, for positions @param outputs what each program printed; a program that is not there has none
 */
export function readFirewall(outputs: ReadonlyMap<FirewallProgram, string>, asked: string, setup: HostSetup): void {
  for (const ruleset of readRulesets(outputs, asked)) takeRuleset(ruleset, setup);
}

/** The rules of each program. Tables that iptables keeps in nftables are told once, by iptables. */
export function readRulesets(outputs: ReadonlyMap<FirewallProgram, string>, asked: string): readonly Ruleset[] {
  const rulesets: Ruleset[] = [];
  const tables = new Set<string>();
  for (const program of FIREWALL_PROGRAMS) {
    const output = outputs.get(program) ?? '';
    if (program === 'nft') rulesets.push(readRuleset(output, { file: `${asked}: nft list ruleset`, line: 1 }, { skipped: tables, live: true }));
    else {
      const six = program.startsWith('ip6');
      const { tables: own, ...ruleset } = parseIptablesSave(output, six ? 6 : 4, { file: `${asked}: ${program}`, line: 1 });
      rulesets.push(ruleset);
      if (!program.includes('legacy')) for (const table of own) tables.add(`${six ? 'ip6' : 'ip'} ${table}`);
    }
  }
  return rulesets;
}

/** A file of iptables-save, or what a script gives to iptables-restore. @param family undefined: by its addresses @param start where its first line is */
export function readSavedRules(text: string, family: 4 | 6 | undefined, start: Pick<Position, 'file' | 'line'>, setup: HostSetup): void {
  takeRuleset(parseIptablesSave(text, family ?? (/^-A .*-[sd] [0-9a-f]*:/m.test(text) ? 6 : 4), start), setup);
}

/** A file of nft -f, nftables.conf for one. @returns the statements outside of tables, which are commands of nft */
export function readNftFile(text: string, start: Pick<Position, 'file' | 'line'>, setup: HostSetup): readonly NftStatement[] {
  const { others, ...ruleset } = readRuleset(text, start, { skipped: new Set(), live: true });
  takeRuleset(ruleset, setup);
  return others;
}

function takeRuleset({ rules, idle, dropping, sets, unread }: Ruleset, setup: HostSetup): void {
  const about = setup.name === undefined ? {} : { host: setup.name };
  for (const rule of rules) {
    const read = takeRule(rule, setup);
    // Others' are told when it is known what of them the cluster has to do with.
    if (!rule.ours) setup.firewall.rules.push({ rule, read });
    else if (read !== undefined) setup.notes.push(readNote(read, { ...about, position: rule.position, text: rule.text }));
  }
  for (const { position, text } of unread) setup.notes.push({ ...about, position, text, kind: 'not-understood', reason: 'it is no rule that is known here' });
  setup.firewall.idle.push(...idle);
  setup.firewall.dropping.push(...dropping);
  for (const [name, text] of sets) setup.firewall.sets.set(name, text);
}
