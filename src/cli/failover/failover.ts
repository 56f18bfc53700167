import { failBack, failOver } from '../../failover/failover.ts';
import { FAILOVER_RULES } from '../../failover/preflight.ts';
import { type FailoverReport, reportLines } from '../../failover/report.ts';
import { GUARD_RULES } from '../../impact/types.ts';
import { withHands } from '../drain/drain.ts';
import { EXIT } from '../exit.ts';
import type { CommonOptions } from '../input/options.ts';
import { operator } from '../operator.ts';
import { printProgress, printResult, processSecrets } from '../output.ts';
import { failoverHands } from './hands.ts';

/** Rules of failovers that --allow takes. */
export const ALLOWED_RULES: readonly string[] = [...new Set([...FAILOVER_RULES, ...GUARD_RULES])];

export interface FailoverFlags {
  readonly to: string | undefined;
  readonly until: string | null;
  /** Seconds. */
  readonly syncWait: number;
}

/** `failover`, from the command line to the exit code. */
export async function failOverPair(pair: string, options: CommonOptions, { to, until, syncWait }: FailoverFlags): Promise<number> {
  return withHands(options, async (open) => {
    const report = await failOver(failoverHands(open), { pair, to, until, syncWait, by: operator(), reason: options.reason ?? '', allow: options.allow });
    printReport(report, options);
    if (report.moved && until === null) printProgress(`give it back with: lvs-play failback ${pair}\n`);
    return EXIT.ok;
  }, { rules: ALLOWED_RULES });
}

/** `failback`, from the command line to the exit code. */
export async function failBackPair(pair: string, options: CommonOptions, { syncWait }: Pick<FailoverFlags, 'syncWait'>): Promise<number> {
  return withHands(options, async (open) => {
    printReport(await failBack(failoverHands(open), { pair, syncWait, by: operator(), allow: options.allow }), options);
    return EXIT.ok;
  }, { rules: ALLOWED_RULES });
}

function printReport(report: FailoverReport, { json }: CommonOptions): void {
  printResult(processSecrets.mask(json ? `${JSON.stringify(report, null, 2)}\n` : `${reportLines(report).join('\n')}\n`));
}
