import type { KeptRun } from '../../apply/keeper.ts';
import type { JsonObject } from '../../core/json.ts';
import type { StepOutcome } from '../../modules/contract.ts';
import { CONTROLLER } from '../../plan/compile/compile.ts';
import type { ControllerAction } from '../../plan/input.ts';
import { Sessions } from '../../plan/sessions.ts';
import { controllerVantage } from '../../verify/controller-vantage.ts';
import { formatVerification } from '../../verify/format.ts';
import { runVerification } from '../../verify/run.ts';
import { LvsPlayError } from '../../core/errors.ts';
import { kindOfMissing } from '../../observe/missing.ts';
import { missingHosts } from '../../verify/report.ts';
import type { Check, VerificationReport } from '../../verify/types.ts';
import { noTopology } from '../input/no-topology.ts';

/** After a change VRRP elects and health checks begin anew; this many seconds are given for it. */
const SETTLE_SECONDS = 60;
const REQUESTS = 20;

/** The module `lvs_verify`: verification with the connections of the run. */
export const verifyAction: ControllerAction = async ({ args, topology, target, signal }): Promise<StepOutcome> => {
  if (topology === undefined) throw noTopology();
  const requests = typeof args['requests'] === 'number' ? args['requests'] : REQUESTS;
  const vantages = [controllerVantage(await target(CONTROLLER))];
  const report = await runVerification({ topology, target, vantages, requests, path: undefined, settle: SETTLE_SECONDS, signal });
  requireVerdict(report);
  const data = JSON.parse(JSON.stringify({ report })) as JsonObject;
  return { exitCode: report.ok === true ? 0 : 1, stdout: formatVerification(report), stderr: failuresOf(report), data };
};

/**
 * The same for a run that does not verify itself, over connections of its own.
 * @returns why clients are not served; undefined: they are, or the inventory has no cluster to look at
 */
export async function verifyRun({ input, prepared, signal }: KeptRun): Promise<string | undefined> {
  const { topology } = prepared.compiled.site;
  if (topology === undefined) return undefined;
  const sessions = new Sessions(input, prepared.services.scopes);
  try {
    const target = async (host: string) => (await sessions.get(host)).target;
    const report = await runVerification({ topology, target, vantages: [controllerVantage(await target(CONTROLLER))], requests: REQUESTS, path: undefined, settle: SETTLE_SECONDS, signal });
    requireVerdict(report);
    return report.ok === true ? undefined : failuresOf(report);
  } finally {
    await sessions.close();
  }
}

/** Without hosts that gave no answer nothing is proved, whatever else was found. @throws LvsPlayError kind `unreachable` or `host` */
function requireVerdict(report: VerificationReport): void {
  const missing = missingHosts(report.checks);
  if (missing.length === 0) return;
  const open = report.checks.filter(({ verdict }) => verdict === 'fail' || verdict === 'unknown').map(wordsOf);
  throw new LvsPlayError({ code: 'verification-unknown', kind: kindOfMissing(missing), message: `whether clients are served is unknown: ${open.join('; ')}`, hint: 'lvs-play verify says more' });
}

/** What failed, on one line. */
export function failuresOf(report: VerificationReport): string {
  return report.checks
    .filter((check) => check.verdict === 'fail')
    .map(wordsOf)
    .join('; ');
}

function wordsOf({ name, subject, measured, reason }: Check): string {
  return `${name} ${subject}: ${measured}${reason === undefined ? '' : ` (${reason})`}`;
}
