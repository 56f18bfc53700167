import { createHash } from 'node:crypto';
import type { RunEnding, RunKeeper } from '../apply/keeper.ts';
import { messageOf } from '../core/errors.ts';
import type { Plan } from '../plan/types.ts';
import { finishedLine } from './steps.ts';
import type { RunEnd } from './types.ts';
import type { JournalWriter } from './write.ts';

/** Notes in the journal what a run is made from once that is known, and how it ended. Its events are written by whoever emits them. */
export function journalKeeper(writer: JournalWriter, mask: (text: string) => string): RunKeeper {
  return {
    name: 'journal',
    begin: ({ input, prepared, changing }) => {
      writer.update({ inputs: input.inputs.list(), planDigest: planDigest(prepared.plan), changing });
      return Promise.resolve();
    },
    beforeSteps: (_run, { host, ref }) => {
      writer.step({ step: 'begun', host, id: ref.id });
      return Promise.resolve();
    },
    afterTask: (_run, instance, executed) => {
      writer.step(finishedLine(instance, executed, mask));
      return Promise.resolve();
    },
    end: (_run, ending) => {
      writer.end(endOf(ending, mask));
      return Promise.resolve();
    },
  };
}

/** The same for two plans that change the same things in the same order. Pure. */
function planDigest(plan: Plan): string {
  return createHash('sha256').update(JSON.stringify(plan.plays)).digest('hex');
}

/** What the journal says of a run that came to an end before its keepers had begun. Pure. */
export function endBefore(recap: RunEnd['recap'], why: string): RunEnd {
  return { version: 1, at: new Date().toISOString(), result: Object.values(recap).some((host) => host.unreachable > 0) ? 'unreachable' : 'refused', message: why, recap };
}

/** What the journal says of an end. Pure. */
function endOf(ending: RunEnding, mask: (text: string) => string): RunEnd {
  const message = ending.error === undefined ? ending.stopped : messageOf(ending.error);
  return { version: 1, at: new Date().toISOString(), result: resultOf(ending), message: message === undefined ? undefined : mask(message), recap: ending.recap };
}

function resultOf({ recap, interrupted, error, stopped, good }: RunEnding): RunEnd['result'] {
  if (good) return 'ok';
  if (interrupted) return 'interrupted';
  const hosts = Object.values(recap);
  if (hosts.some((host) => host.failed > 0)) return 'failed';
  if (hosts.some((host) => host.unreachable > 0)) return 'unreachable';
  // Nobody had a turn: somebody said no before.
  if (error !== undefined && hosts.every((host) => host.ok === 0)) return 'refused';
  return error === undefined && stopped !== undefined ? 'stopped' : 'failed';
}
