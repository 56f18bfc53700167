import type { MeasuredCheck, VerificationReport } from './types.ts';

/** A table for people: one line a check, the reason below where there is one. Where something was done in between, a table for each part. */
export function formatVerification(report: VerificationReport): string {
  const phases = [...new Set(report.checks.map(({ phase }) => phase))];
  const blocks = phases.map((phase) => [...(phase === undefined ? [] : [`${phase}:`]), ...tableOf(report.checks.filter((check) => check.phase === phase), report.from.length > 1)].join('\n'));
  return `${[...blocks.map((block) => `${block}\n`), `Verified from ${report.from.join(', ')}: ${countWords(report)}.`].join(phases.length > 1 ? '\n' : '')}\n`;
}

/** `12 passed, 0 failed, 1 not judged`. */
export function countWords({ checks }: Pick<VerificationReport, 'checks'>): string {
  const count = (verdict: MeasuredCheck['verdict']): string => String(checks.filter((check) => check.verdict === verdict).length);
  const unknown = count('unknown');
  return `${count('pass')} passed, ${count('fail')} failed, ${unknown === '0' ? '' : `${unknown} unknown, `}${count('skip')} not judged`;
}

/** @param several vantages: who saw it is told where it makes a difference */
function tableOf(checks: readonly MeasuredCheck[], several: boolean): string[] {
  const subjectOf = ({ subject, from }: MeasuredCheck): string => (several && from !== undefined ? `${subject} from ${from}` : subject);
  const width = (pick: (check: MeasuredCheck) => string) => Math.max(0, ...checks.map((check) => pick(check).length));
  const names = width((check) => check.name);
  const subjects = width(subjectOf);
  return checks.flatMap((check) => {
    const row = `${VERDICT_WORDS[check.verdict].padEnd(4)}  ${check.name.padEnd(names)}  ${subjectOf(check).padEnd(subjects)}  ${check.measured}`;
    return check.reason === undefined ? [row] : [row, `${' '.repeat(6 + names + 2)}${check.reason}`];
  });
}

/** What a verdict is called on a screen. */
export const VERDICT_WORDS = { pass: 'ok', fail: 'FAIL', skip: '-', unknown: '?' } as const;
