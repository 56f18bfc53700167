import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Executed } from '../apply/executed.ts';
import { LvsPlayError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { TaskInstance } from '../plan/compile/instantiate.ts';
import type { FinishedTask, Resumed } from '../plan/resumed.ts';

/** A line of steps.ndjson: what `resume` needs to know of a task on a host. */
export type StepLine =
  | { readonly step: 'begun'; readonly host: string; readonly id: string }
  | {
      readonly step: 'finished';
      readonly host: string;
      readonly id: string;
      readonly name: string;
      readonly status: FinishedTask['status'] | 'failed';
      readonly notifies: readonly string[];
      /** Only of tasks that register one. null: it holds a secret, or the task says no_log. */
      readonly result?: JsonObject | null;
    };

/** What is noted of a task that had its turn. @param mask takes known secrets out of a text */
export function finishedLine(instance: TaskInstance, executed: Executed, mask: (text: string) => string): StepLine {
  const { task, host, ref } = instance;
  const line = { step: 'finished' as const, host, id: ref.id, name: ref.name, status: executed.outcome.status, notifies: executed.notifies };
  if (task.register === undefined) return line;
  const text = JSON.stringify(executed.result);
  return { ...line, result: task.noLog || mask(text) !== text ? null : executed.result };
}

/** What a run had done, from its lines. The last word on a task counts. Pure. */
export function resumedFrom(run: string, lines: readonly StepLine[]): Resumed {
  const last = new Map<string, StepLine>();
  for (const line of lines) last.set(key(line.host, line.id), line);
  return {
    run,
    finished: (host, id) => {
      const line = last.get(key(host, id));
      if (line?.step !== 'finished' || line.status === 'failed') return undefined;
      return { status: line.status, notifies: line.notifies, result: line.result ?? undefined };
    },
    begun: (host, id) => last.get(key(host, id))?.step === 'begun',
  };
}

/** @throws LvsPlayError when a result is missing that a later task may ask for */
export function requireResults(run: string, lines: readonly StepLine[]): void {
  const missing = lines.find((line) => line.step === 'finished' && line.status !== 'failed' && line.result === null);
  if (missing?.step !== 'finished') return;
  throw new LvsPlayError({
    code: 'result-not-kept',
    kind: 'usage',
    message: `run ${run} cannot be gone on with: what "${missing.name}" registered on ${missing.host} holds a secret, and was not kept`,
    hint: 'run it again, or from the task on that failed: lvs-play deploy ... --start-at-task',
  });
}

/** The lines of a run; a last one that was cut short is left out. */
export async function readSteps(root: string, id: string): Promise<StepLine[]> {
  const text = await readFile(path.join(root, id, 'steps.ndjson'), 'utf8');
  return text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as StepLine);
}

function key(host: string, id: string): string {
  return `${host}\0${id}`;
}
