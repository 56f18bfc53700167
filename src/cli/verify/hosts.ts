import { LIVE_RULES } from '../../lint/live/rules.ts';
import { withWaivers } from '../../lint/run.ts';
import { measuredAt, unknownCheck } from '../../verify/report.ts';
import type { Check, MeasuredCheck } from '../../verify/types.ts';
import { foundLive } from '../commands/lint-live.ts';
import type { OpenSite } from '../input/open-site.ts';

/** The rules of `lint --live` as checks: one that finds nothing is told with the others in one line. With hosts that give no answer those others are unknown. */
export async function checkHosts({ site: { topology, lvs }, target }: OpenSite, forks: number): Promise<MeasuredCheck[]> {
  if (topology === undefined || lvs === undefined) return [];
  const expected = 'nothing that lint --live would name';
  const { found: live, missing } = await foundLive({ topology, lvs }, target, forks);
  const findings = withWaivers(live, lvs, LIVE_RULES).filter(({ rule }) => rule !== 'waiver');
  const found = findings.map(({ rule, severity, message, hint, waived }): Check => {
    const check = { name: 'host', subject: rule, expected, measured: message } as const;
    if (waived !== undefined) return { ...check, verdict: 'skip', reason: `waived: ${waived}` };
    return severity === 'info' ? { ...check, verdict: 'skip', reason: 'it could not be told' } : { ...check, verdict: 'fail', ...(hint === undefined ? {} : { reason: hint }) };
  });
  const silent = LIVE_RULES.length - new Set(found.map(({ subject }) => subject)).size;
  const others = { name: 'host', subject: 'other rules', expected } as const;
  const rest: Check = missing.length > 0 ? unknownCheck(others, missing) : { ...others, verdict: 'pass', measured: `${String(silent)} rules about hosts found nothing` };
  return measuredAt([...found, rest], Date.now());
}
