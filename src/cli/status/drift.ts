import { existsSync } from 'node:fs';
import { LvsPlayError } from '../../core/errors.ts';
import { findDrift } from '../../drift/find.ts';
import type { DriftReport } from '../../drift/types.ts';
import { journalDir } from '../../journal/place.ts';
import { enterLabIfNeeded } from '../../lab/enter.ts';
import { driftJson, formatDrift } from '../../report/plan/drift.ts';
import { EXIT, exitCodeOfMissing } from '../exit.ts';
import { followRun } from '../run/follow.ts';
import { endedBySignals } from '../interrupt.ts';
import { type CommonOptions, requireInventory } from '../input/options.ts';
import { readRunInput } from '../input/run-input.ts';
import { colorOn, printResult } from '../output.ts';

/** `drift` and `plan --refresh-only`, from the command line to the exit code. @param given undefined: site.yml, here or in playbooks/ */
export async function reportDrift(given: string | undefined, options: CommonOptions): Promise<number> {
  requireInventory(options);
  const playbookFile = given ?? defaultPlaybook();
  const inside = await enterLabIfNeeded(options.inventories);
  if (inside !== undefined) return inside;
  const input = await readRunInput(playbookFile, options);
  const follower = await followRun(options);
  let report: DriftReport;
  try {
    report = await endedBySignals(() => findDrift(input, { journal: journalDir(), inventories: options.inventories, cwd: process.cwd() }, follower.emit));
  } finally {
    await follower.close();
  }
  printResult(options.json ? `${JSON.stringify(driftJson(report, new Date().toISOString()), null, 2)}\n` : formatDrift(report, { diff: options.diff, color: colorOn(process.stdout) }));
  return driftExitCode(report);
}

/** What could not be looked at comes before what was found. Pure. */
function driftExitCode({ items, unreachable, failed }: DriftReport): number {
  return exitCodeOfMissing({ unreachable: Object.keys(unreachable), failed: Object.keys(failed) }) ?? (items.length > 0 ? EXIT.changes : EXIT.ok);
}

/** @throws LvsPlayError kind `usage` */
export function defaultPlaybook(): string {
  const found = ['site.yml', 'playbooks/site.yml'].find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new LvsPlayError({ code: 'no-playbook', kind: 'usage', message: 'no playbook: there is neither site.yml nor playbooks/site.yml here', hint: 'lvs-play drift PLAYBOOK -i INVENTORY' });
}
