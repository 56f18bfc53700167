import { formatPosition } from '../core/errors.ts';
import { withoutMarks } from './rules/examples.ts';
import type { Finding, RuleGroup, RuleText } from './types.ts';

/** Lines for people: `file:line:column: severity: message [rule]`, the way out below. */
export function formatText(findings: readonly Finding[]): string {
  const shown = findings.map(({ position, severity, message, rule, hint, waived }) => {
    const place = position === undefined ? '' : `${formatPosition(position)}: `;
    if (waived !== undefined) return `${place}waived: ${message} [${rule}]\n    reason: ${waived}\n`;
    return `${place}${severity}: ${message} [${rule}]\n${hint === undefined ? '' : `    ${hint}\n`}`;
  });
  const count = (severity: Finding['severity']): number => findings.filter((one) => one.severity === severity && one.waived === undefined).length;
  const waived = findings.filter((one) => one.waived !== undefined).length;
  const words = (number: number, word: string): string => `${String(number)} ${word}${number === 1 ? '' : 's'}`;
  return `${shown.join('')}${words(count('error'), 'error')}, ${words(count('warning'), 'warning')}, ${String(count('info'))} info${waived === 0 ? '' : `, ${String(waived)} waived`}.\n`;
}

/** One versioned document. @param unknown hosts that gave no answer: of them nothing is said */
export function formatJson(findings: readonly Finding[], unknown: readonly string[] = []): string {
  return `${JSON.stringify({ version: 1, findings, unknown }, null, 2)}\n`;
}

/** Workflow commands of GitHub Actions, which show as notes at the lines of a pull request. */
export function formatGithub(findings: readonly Finding[]): string {
  const level = { error: 'error', warning: 'warning', info: 'notice' } as const;
  const property = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll(':', '%3A').replaceAll(',', '%2C');
  const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  return findings
    .filter(({ waived }) => waived === undefined)
    .map(({ position, severity, message, rule, hint }) => {
      const place = position === undefined ? [] : [`file=${property(position.file)}`, `line=${String(position.line)}`, `col=${String(position.column)}`];
      return `::${level[severity]} ${[...place, `title=${property(rule)}`].join(',')}::${data(hint === undefined ? message : `${message}\n${hint}`)}\n`;
    })
    .join('');
}

/** SARIF 2.1.0 (OASIS), as code scanning takes it. Waived findings are in it, suppressed. */
export function formatSarif(findings: readonly Finding[], rules: readonly RuleText[], version: string): string {
  const level = { error: 'error', warning: 'warning', info: 'note' } as const;
  const ids = [...new Set([...rules.map(({ id }) => id), ...findings.map(({ rule }) => rule)])];
  const described = ids.map((id) => {
    const rule = rules.find((one) => one.id === id);
    if (rule === undefined) return { id };
    return { id, shortDescription: { text: rule.summary }, fullDescription: { text: `${rule.why} Source: ${rule.source}.` }, defaultConfiguration: { level: level[rule.severity] } };
  });
  const results = findings.map(({ rule, severity, message, position, hint, waived }) => ({
    ruleId: rule,
    ruleIndex: ids.indexOf(rule),
    level: level[severity],
    message: { text: hint === undefined ? message : `${message}. ${hint}` },
    ...(position === undefined ? {} : { locations: [{ physicalLocation: { artifactLocation: { uri: position.file }, region: { startLine: position.line, startColumn: position.column } } }] }),
    ...(waived === undefined ? {} : { suppressions: [{ kind: 'inSource', justification: waived }] }),
  }));
  const document = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'lvs-play', version, rules: described } }, results }],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A rule for people. */
export function explainRule(rule: RuleText, { examples }: Pick<RuleGroup, 'examples'>): string {
  const indented = (text: string): string => withoutMarks(text).trimEnd().split('\n').map((line) => `    ${line}\n`).join('');
  return `${rule.id} (${rule.severity}): ${rule.summary}\n\n${rule.why}\nSource: ${rule.source}\n\nBad, ${examples}:\n${indented(rule.bad)}\nGood:\n${indented(rule.good)}`;
}

/** One line a rule, below the title of its group. */
export function listRules(groups: readonly RuleGroup[]): string {
  const width = Math.max(...groups.flatMap(({ rules }) => rules.map(({ id }) => id.length)));
  return groups.map(({ title, rules }) => `${title}:\n${rules.map(({ id, severity, summary }) => `  ${id.padEnd(width)}  ${severity.padEnd(7)}  ${summary}\n`).join('')}`).join('\n');
}
