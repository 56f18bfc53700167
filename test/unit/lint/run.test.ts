import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../src/lint/catalogue.ts';
import { explainRule, formatGithub, formatJson, formatSarif, formatText, listRules } from '../../../src/lint/format.ts';
import { MARK } from '../../../src/lint/rules/examples.ts';
import { RULES } from '../../../src/lint/rules.ts';
import { withWaivers } from '../../../src/lint/run.ts';
import type { Finding, Found, RuleText } from '../../../src/lint/types.ts';
import { parseYaml } from '../../../src/yaml/load.ts';
import { changed, EXAMPLE } from '../lvs/support.ts';
import { findingsIn } from './support.ts';

const HASHED = changed(EXAMPLE, 'scheduler: rr', 'scheduler: sh');

function of(rule: string, text: string): Finding | undefined {
  return findingsIn(text).find((finding) => finding.rule === rule);
}

describe('waivers', () => {
  const waive = (entry: string): string => `${HASHED}lint:\n  waive:\n    - ${entry}\n`;

  it('let a rule pass, everywhere or at a place, with the reason', () => {
    expect(of('hash-without-fallback', HASHED)?.waived).toBeUndefined();
    expect(of('hash-without-fallback', waive('{ rule: hash-without-fallback, reason: "never drained" }'))?.waived).toBe('never drained');
    expect(of('hash-without-fallback', waive('{ rule: hash-without-fallback, at: virtual_services.web, reason: ok }'))?.waived).toBe('ok');
    expect(of('hash-without-fallback', waive('{ rule: hash-without-fallback, at: virtual_services.we, reason: ok }'))?.waived).toBeUndefined();
  });

  it.each<[string, string, Finding['severity'], RegExp]>([
    ['no reason', '{ rule: hash-without-fallback }', 'error', /no reason/],
    ['an empty reason', '{ rule: hash-without-fallback, reason: " " }', 'error', /no reason/],
    ['no such rule', '{ rule: hash-without-falback, reason: x }', 'error', /no rule is called/],
    ['no rule', '{ reason: x }', 'error', /names no rule/],
    ['a key that nobody reads', '{ rule: hash-without-fallback, aat: virtual_services.web, reason: x }', 'error', /takes no "aat"/],
    ['a place that is no text', '{ rule: hash-without-fallback, at: [virtual_services, web], reason: x }', 'error', /"at" of a waiver is a text/],
    ['a reason that is no text', '{ rule: hash-without-fallback, reason: 12 }', 'error', /"reason" of a waiver is a text/],
    ['an empty place', '{ rule: hash-without-fallback, at: , reason: x }', 'error', /"at" of a waiver is a text/],
    ['nothing to waive', '{ rule: long-persistence, reason: x }', 'warning', /lets nothing pass/],
  ])('%s is a finding', (_what, entry, severity, message) => {
    const text = waive(entry);
    const finding = of('waiver', text);
    expect(finding).toMatchObject({ severity, position: { file: 'lvs.yml', line: text.trimEnd().split('\n').length } });
    expect(finding?.message).toMatch(message);
  });

  it('do not waive when they are wrong', () => {
    expect(of('hash-without-fallback', waive('{ rule: hash-without-fallback, aat: virtual_services.web, reason: x }'))?.waived).toBeUndefined();
    expect(of('hash-without-fallback', waive('{ rule: hash-without-fallback, at: [elsewhere], reason: x }'))?.waived).toBeUndefined();
  });

  it('that overlap are both of use', () => {
    const text = `${waive('{ rule: hash-without-fallback, reason: everywhere }')}    - { rule: hash-without-fallback, at: virtual_services.web, reason: here }\n`;
    expect(of('hash-without-fallback', text)?.waived).toBe('everywhere');
    expect(of('waiver', text)).toBeUndefined();
  });

  it('name a file for what is found in playbooks, and are no use to complain of when no playbook was looked at', () => {
    const lvs = parseYaml(`${EXAMPLE}lint: { waive: [{ rule: flush-ipvs, file: reset.yml, reason: given back }] }\n`, 'lvs.yml');
    const rules = [{ id: 'flush-ipvs' }, { id: 'flush-firewall' }] as unknown as readonly RuleText[];
    const found = (rule: string, file: string): Found => ({ rule, severity: 'error', message: 'x', position: { file, line: 1, column: 1 }, hint: undefined, place: undefined });
    const waived = (...all: readonly Found[]): readonly [string, string | undefined][] => withWaivers(all, lvs, rules).map(({ rule, waived: reason }) => [rule, reason]);
    expect(waived(found('flush-ipvs', 'books/reset.yml'))).toEqual([['flush-ipvs', 'given back']]);
    expect(waived(found('flush-ipvs', 'reset.yml'))).toEqual([['flush-ipvs', 'given back']]);
    expect(waived(found('flush-ipvs', 'not-reset.yml'))).toEqual([['waiver', undefined], ['flush-ipvs', undefined]]);
    expect(waived(found('flush-firewall', 'reset.yml'))).toEqual([['waiver', undefined], ['flush-firewall', undefined]]);
    expect(withWaivers([], lvs, [], rules)).toEqual([]);
    // A place below lvs says nothing of a playbook.
    const elsewhere = parseYaml(`${EXAMPLE}lint: { waive: [{ rule: flush-ipvs, at: virtual_services.web, reason: x }] }\n`, 'lvs.yml');
    expect(withWaivers([found('flush-ipvs', 'reset.yml')], elsewhere, rules).map((one) => one.waived)).toEqual([undefined, undefined]);
  });

  it('a list is wanted', () => {
    expect(of('waiver', `${EXAMPLE}lint: { wave: [] }\n`)?.message).toMatch(/list of waivers/);
  });
});

describe('formats', () => {
  const findings = findingsIn(`${HASHED}lint: { waive: [{ rule: common-vrid, reason: "a lab, no others" }] }\n`);

  it('text names place, severity, rule and way out, and counts', () => {
    const text = formatText(findings);
    expect(text).toMatch(/^lvs\.yml:\d+:\d+: warning: web has scheduler sh without sh-fallback \[hash-without-fallback\]\n {4}add scheduler_flags/m);
    expect(text).toMatch(/waived: .*\[common-vrid\]\n {4}reason: a lab, no others/);
    expect(text).toMatch(/0 errors, \d+ warnings?, \d+ info, 1 waived\.\n$/);
  });

  it('JSON is the findings themselves', () => {
    expect(JSON.parse(formatJson(findings))).toEqual({ version: 1, findings: JSON.parse(JSON.stringify(findings)) as unknown, unknown: [] });
  });

  it('GitHub commands escape what would end them', () => {
    const odd: Finding = { rule: 'a', severity: 'info', message: '50%\nof it', position: { file: 'a,b:c.yml', line: 1, column: 2 }, hint: undefined, waived: undefined };
    expect(formatGithub([odd])).toBe('::notice file=a%2Cb%3Ac.yml,line=1,col=2,title=a::50%25%0Aof it\n');
    expect(formatGithub(findings)).not.toContain('common-vrid');
  });

  it('SARIF has a rule for every result, and suppresses what is waived', () => {
    const sarif = JSON.parse(formatSarif(findings, RULES, '1.0.0')) as {
      version: string;
      runs: { tool: { driver: { name: string; rules: { id: string }[] } }; results: { ruleId: string; ruleIndex: number; level: string; message: { text: string }; suppressions?: { justification: string }[]; locations: { physicalLocation: { region: { startLine: number } } }[] }[] }[];
    };
    const [run] = sarif.runs;
    expect([sarif.version, run?.tool.driver.name]).toEqual(['2.1.0', 'lvs-play']);
    expect(run?.results).toHaveLength(findings.length);
    for (const result of run?.results ?? []) {
      expect(run?.tool.driver.rules[result.ruleIndex]?.id).toBe(result.ruleId);
      expect(['error', 'warning', 'note']).toContain(result.level);
      expect(result.locations[0]?.physicalLocation.region.startLine).toBeGreaterThan(0);
      expect(result.suppressions?.[0]?.justification).toBe(result.ruleId === 'common-vrid' ? 'a lab, no others' : undefined);
    }
  });

  it('explains a rule with both examples', () => {
    const [rule] = RULES;
    const text = rule === undefined ? '' : explainRule(rule, { examples: 'in the variable lvs' });
    expect(text).toMatch(/Bad, in the variable lvs:\n {4}[\s\S]*Good:\n {4}/);
    expect(text).not.toContain(MARK);
  });

  it('lists rules below the titles of their groups', () => {
    const lines = listRules(CATALOGUE).split('\n');
    for (const { title, rules } of CATALOGUE) {
      const at = lines.indexOf(`${title}:`);
      expect(lines.slice(at + 1, at + 1 + rules.length).map((line) => line.trim().split(' ')[0])).toEqual(rules.map(({ id }) => id));
    }
  });
});
