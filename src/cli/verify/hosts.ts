import { LvsPlayError } from '../../core/errors.ts';
import { LIVE_RULES } from '../../lint/live/rules.ts';
import { withWaivers } from '../../lint/run.ts';
import { measuredAt } from '../../verify/report.ts';
import type { Check, MeasuredCheck } from '../../verify/types.ts';
import { foundLive } from '../commands/lint-live.ts';
import type { OpenSite } from '../input/open-site.ts';

/** The rules of `lint --live` as checks: one that finds nothing is told with the others in one line. A host that cannot be asked is told, and hides the rest. */
export async function checkHosts({ site: { topology, lvs }, target }: OpenSite, forks: number): Promise<MeasuredCheck[]> {
  if (topology === undefined || lvs === undefined) return [];
  const expected = 'nothing that lint --live would name';
  try {
    const findings = withWaivers(await foundLive({ topology, lvs }, target, forks), lvs, LIVE_RULES).filter(({ rule }) => rule !== 'waiver');
    const found = findings.map(({ rule, severity, message, hint, waived }): Check => {
      const check = { name: 'host', subject: rule, expected, measured: message } as const;
      if (waived !== undefined) return { ...check, verdict: 'skip', reason: `waived: ${waived}` };
      return severity === 'info' ? { ...check, verdict: 'skip', reason: 'it could not be told' } : { ...check, verdict: 'fail', ...(hint === undefined ? {} : { reason: hint }) };
    });
    const silent = LIVE_RULES.length - new Set(found.map(({ subject }) => subject)).size;
    return measuredAt([...found, { name: 'host', subject: 'other rules', verdict: 'pass', expected, measured: `${String(silent)} rules about hosts found nothing` }], Date.now());
  } catch (error) {
    if (!(error instanceof LvsPlayError) || error.code.startsWith('host-key') || (error.kind !== 'unreachable' && error.kind !== 'host')) throw error;
    return measuredAt([{ name: 'host', subject: 'all rules', verdict: 'skip', expected, measured: 'not measured', reason: error.message }], Date.now());
  }
}
