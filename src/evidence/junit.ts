import { keysOfChecks } from '../verify/report.ts';
import type { MeasuredCheck, VerificationReport } from '../verify/types.ts';

/**
 * A report as JUnit's XML, as CI systems read it: a suite for what holds of the cluster, one for each vantage, and so for each part where something was done in between.
 * A testcase's class is the check, its name the subject. Pure.
 */
export function junitOf(report: VerificationReport): string {
  const keys = keysOfChecks(report.checks);
  const suites = new Map<string, { check: MeasuredCheck; key: string }[]>();
  for (const [index, check] of report.checks.entries()) {
    const suite = [check.phase, check.from ?? 'cluster'].filter((part) => part !== undefined).join(' ');
    suites.set(suite, [...(suites.get(suite) ?? []), { check, key: keys[index] ?? '' }]);
  }
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="lvs-play verify" ${countsOf(report.checks)} time="${spanOf(report.begun, report.ended)}" timestamp="${momentOf(report.begun)}">`,
    ...[...suites].flatMap(([name, rows]) => suiteLines(name, rows)),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteLines(name: string, rows: readonly { readonly check: MeasuredCheck; readonly key: string }[]): string[] {
  const times = rows.map(({ check }) => check.at).sort();
  const [first = ''] = times;
  const checks = rows.map(({ check }) => check);
  return [
    `  <testsuite name="${escaped(name)}" ${countsOf(checks)} time="${spanOf(first, times.at(-1) ?? first)}" timestamp="${momentOf(first)}">`,
    ...rows.flatMap(({ check, key }) => caseLines(check, /#\d+$/.exec(key)?.[0])),
    '  </testsuite>',
  ];
}

/** @param turn tells rows of one name and subject apart. A check has a moment, not a span. */
function caseLines(check: MeasuredCheck, turn: string | undefined): string[] {
  const { name, subject, verdict, measured, expected, reason = '', at } = check;
  const verdictLines = {
    pass: [],
    fail: [`      <failure message="${escaped(reason === '' ? measured : `${measured}: ${reason}`)}" type="${name}">${escaped(`expected: ${expected}\nmeasured: ${measured}\n${reason}`)}</failure>`],
    skip: [`      <skipped message="${escaped(reason)}"/>`],
    // Neither passed nor failed: it could not be made.
    unknown: [`      <error message="${escaped(`unknown: ${reason}`)}" type="${name}"/>`],
  }[verdict];
  return [
    `    <testcase classname="${escaped(name)}" name="${escaped(turn === undefined ? subject : `${subject} ${turn}`)}" time="0">`,
    ...verdictLines,
    `      <system-out>${escaped(`at: ${at}\nexpected: ${expected}\nmeasured: ${measured}${reason === '' ? '' : `\n${reason}`}`)}</system-out>`,
    '    </testcase>',
  ];
}

function countsOf(checks: readonly MeasuredCheck[]): string {
  const count = (verdict: MeasuredCheck['verdict']): string => String(checks.filter((check) => check.verdict === verdict).length);
  return `tests="${String(checks.length)}" failures="${count('fail')}" errors="${count('unknown')}" skipped="${count('skip')}"`;
}

/** Seconds. */
function spanOf(from: string, to: string): string {
  return (Math.max(0, Date.parse(to) - Date.parse(from)) / 1000).toFixed(3);
}

/** As its schemas want it: without parts of a second and a zone. It is UTC. */
function momentOf(at: string): string {
  return at.slice(0, 19);
}

/**
 * Text within an element or an attribute. What XML 1.0 cannot hold (control characters, halves of surrogate pairs) becomes U+FFFD; line ends and tabs in attributes would
 * become blanks, so they are written as references.
 */
function escaped(text: string): string {
  return text
    .replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]|[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uD800-\uDFFF\uFFFE\uFFFF]/g, (part) => (part.length === 2 ? part : '\uFFFD'))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\t\n\r]/g, (part) => `&#${String(part.charCodeAt(0))};`);
}
