import type { Check, VerificationReport } from './types.ts';

/** A table for people: one line a check, the reason below where there is one. */
export function formatVerification(report: VerificationReport): string {
  const width = (pick: (check: Check) => string) => Math.max(0, ...report.checks.map((check) => pick(check).length));
  const names = width((check) => check.name);
  const subjects = width((check) => check.subject);
  const rows = report.checks.flatMap((check) => {
    const row = `${WORDS[check.verdict]}  ${check.name.padEnd(names)}  ${check.subject.padEnd(subjects)}  ${check.measured}`;
    return check.reason === undefined ? [row] : [row, `${' '.repeat(6 + names + 2)}${check.reason}`];
  });
  const failed = report.checks.filter((check) => check.verdict === 'fail').length;
  const skipped = report.checks.filter((check) => check.verdict === 'skip').length;
  const passed = report.checks.length - failed - skipped;
  return [...rows, `Verified from ${report.from}: ${String(passed)} passed, ${String(failed)} failed, ${String(skipped)} not judged.`, ''].join('\n');
}

const WORDS = { pass: 'ok  ', fail: 'FAIL', skip: '-   ' } as const;
