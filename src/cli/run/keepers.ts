import { guardKeeper } from '../../apply/guards.ts';
import type { RunKeeper } from '../../apply/keeper.ts';
import { type PlanToApply, savedPlanKeeper } from '../../apply/saved-plan.ts';
import { hostState } from '../../core/host-state.ts';
import { journalKeeper } from '../../journal/keeper.ts';
import { journalDir } from '../../journal/place.ts';
import { listRuns, runEvents } from '../../journal/read.ts';
import type { JournalWriter } from '../../journal/write.ts';
import { lockKeeper } from '../../lock/keeper.ts';
import { undoKeeper } from '../../undo/keeper.ts';
import { type Durations, durationsOf } from '../../window/estimate.ts';
import { requireOpen, windowKeeper } from '../../window/keeper.ts';
import { parseWindows, type Window } from '../../window/window.ts';
import type { CommonOptions } from '../input/options.ts';
import { processSecrets } from '../output.ts';

/** Who watches over a run, in the order in which they begin: what refuses without touching a host comes first. */
export function keepersOf(options: CommonOptions, journal: JournalWriter, saved?: PlanToApply): readonly RunKeeper[] {
  const { owner, line } = journal.header;
  const guards = guardKeeper({
    allow: options.allow,
    onAllowed: (findings) => {
      journal.update({ allowed: findings.map(({ rule, reason: what }) => processSecrets.mask(`${rule}: ${what}`)) });
    },
  });
  const root = hostState(process.env);
  return [
    guards,
    ...windowOf(options),
    ...(saved === undefined ? [] : [savedPlanKeeper(saved)]),
    journalKeeper(journal, (text) => processSecrets.mask(text)),
    lockKeeper({ owner, command: line, reason: options.reason, root }),
    undoKeeper({ confirmWithin: options.confirmWithin, byHand: options.confirmByHand, root, verify: async (run) => (await import('./verify-action.ts')).verifyRun(run) }),
  ];
}

/** `--window`. @throws LvsPlayError kind `usage` for one that cannot be read */
function windowOf({ window: text }: CommonOptions): readonly RunKeeper[] {
  if (text === undefined) return [];
  return [windowKeeper({ windows: windowsOf(text), text, now: () => Date.now(), durations: pastDurations })];
}

/** For work that is no run. @throws LvsPlayError kind `usage` outside of `--window`, or for one that cannot be read */
export function requireWindow({ window: text }: CommonOptions): void {
  if (text !== undefined) requireOpen(windowsOf(text), text, Date.now());
}

function windowsOf(text: string): readonly Window[] {
  return parseWindows(text, Intl.DateTimeFormat().resolvedOptions().timeZone);
}

/** How many past runs tell how long things take. */
const TELLING = 20;

async function pastDurations(): Promise<Durations> {
  const runs = (await listRuns(journalDir())).filter((run) => run.header.changing.length > 0).slice(0, TELLING);
  return durationsOf(await Promise.all(runs.map((run) => runEvents(journalDir(), run.header.id))));
}
