import { guardKeeper } from '../apply/guards.ts';
import type { RunKeeper } from '../apply/keeper.ts';
import { type PlanToApply, savedPlanKeeper } from '../apply/saved-plan.ts';
import { journalKeeper } from '../journal/keeper.ts';
import type { JournalWriter } from '../journal/write.ts';
import { lockKeeper } from '../lock/keeper.ts';
import type { CommonOptions } from './input/options.ts';
import { processSecrets } from './output.ts';

/** Who watches over a run, in the order in which they begin: what refuses without touching a host comes first. */
export function keepersOf(options: CommonOptions, journal: JournalWriter, saved?: PlanToApply): readonly RunKeeper[] {
  const { owner, line } = journal.header;
  const guards = guardKeeper({
    allow: options.allow,
    onAllowed: (findings) => {
      journal.update({ allowed: findings.map(({ rule, reason: what }) => processSecrets.mask(`${rule}: ${what}`)) });
    },
  });
  return [guards, ...(saved === undefined ? [] : [savedPlanKeeper(saved)]), journalKeeper(journal, (text) => processSecrets.mask(text)), lockKeeper({ owner, command: line, reason: options.reason })];
}
