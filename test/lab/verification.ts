import { type CliResult, lvsPlay, type TestLab } from './support.ts';

interface Check {
  readonly name: string;
  readonly subject: string;
  readonly verdict: string;
  readonly measured: string;
  readonly from?: string;
  readonly phase?: string;
  readonly reason?: string;
}
/** The parts that tests read of what `verify --json` prints. */
export interface Report {
  readonly version: number;
  readonly ok: boolean;
  readonly from: readonly string[];
  readonly checks: readonly Check[];
  readonly pulses?: readonly { readonly sent: number; readonly answered: number; readonly gap: number; readonly held: { readonly opened: number; readonly alive: number } | null }[];
}

export async function verified(lab: TestLab, ...args: string[]): Promise<{ report: Report } & CliResult> {
  const done = await lvsPlay(['verify', '-i', lab.overlay, '--json', ...args]);
  if (done.stdout === '') throw new Error(done.stderr);
  return { ...done, report: JSON.parse(done.stdout) as Report };
}

/** What is wrong, as `phase name subject: measured (reason)`. */
export function failed(report: Report): string[] {
  return report.checks.filter(({ verdict }) => verdict === 'fail').map(({ phase, name, subject, measured, reason }) => `${phase ?? ''} ${name} ${subject}: ${measured} (${reason ?? ''})`);
}
