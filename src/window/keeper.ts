import type { KeptRun, RunKeeper } from '../apply/keeper.ts';
import { LvsPlayError } from '../core/errors.ts';
import type { Durations } from './estimate.ts';
import { estimateBatch } from './estimate.ts';
import { closesAt, nextOpening, type Window } from './window.ts';
import { zonedTime } from './zone.ts';

export interface WindowOptions {
  readonly windows: readonly Window[];
  /** As it was written. */
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly durations: () => Promise<Durations>;
}

/** Keeps a run inside its window: it does not begin outside, and no batch begins that is expected to end outside. A run that changes nothing may run at any time. */
export function windowKeeper({ windows, text, now, durations }: WindowOptions): RunKeeper {
  let known: Durations = new Map();
  return {
    name: 'window',
    begin: async (run) => {
      if (run.changing.length === 0) return;
      requireOpen(windows, text, now());
      known = await durations();
      const { plays } = run.prepared.plan;
      const batches = plays.flatMap((play, index) => play.batches.map((hosts) => estimateBatch(run.prepared.plan, index, hosts, known)));
      const seconds = batches.reduce((sum, batch) => sum + batch.seconds, 0);
      const [tasks, told] = [batches.reduce((sum, batch) => sum + batch.tasks, 0), batches.reduce((sum, batch) => sum + batch.known, 0)];
      const source = told === 0 ? 'by rough figures, as nothing like it is in the journal' : told === tasks ? 'by earlier runs' : `${String(told)} of ${String(tasks)} tasks by earlier runs, the others by rough figures`;
      run.emit({ at: now(), type: 'message', level: 'info', text: `expected to take ${span(seconds)} (${source}); the window closes in ${span(left(windows, now()))}` });
    },
    beforeBatch: (run, { play, hosts }) => {
      const failure = run.changing.length === 0 ? undefined : tooLate(run, play, hosts, windows, now(), known);
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    },
  };
}

/** @throws LvsPlayError kind `usage` outside of the windows. @param text as they were written */
export function requireOpen(windows: readonly Window[], text: string, now: number): void {
  if (closesAt(windows, now) === undefined) throw outside(text, windows, now);
}

function tooLate(run: KeptRun, play: string, hosts: readonly string[], windows: readonly Window[], now: number, durations: Durations): LvsPlayError | undefined {
  const index = run.prepared.plan.plays.findIndex(({ name }) => name === play);
  const { seconds, tasks } = estimateBatch(run.prepared.plan, index, hosts, durations);
  if (tasks === 0) return undefined;
  const remaining = left(windows, now);
  if (seconds <= remaining) return undefined;
  return new LvsPlayError({
    code: 'window-closes',
    kind: 'host',
    message: `"${play}" on ${hosts.join(', ')} is expected to take ${span(seconds)}, and the window closes in ${span(remaining)}: it was not begun`,
    hint: `go on in the next window: lvs-play resume ${run.id}`,
  });
}

/** Seconds until it closes; 0 when it has. */
function left(windows: readonly Window[], now: number): number {
  const closes = closesAt(windows, now);
  return closes === undefined ? 0 : Math.floor((closes - now) / 1000);
}

function outside(text: string, windows: readonly Window[], now: number): LvsPlayError {
  const next = nextOpening(windows, now);
  const opens = next === undefined ? '' : `; the next one opens ${clock(next.from, next.zone)} (${next.zone}), in ${span((next.from - now) / 1000)}`;
  return new LvsPlayError({ code: 'outside-window', kind: 'usage', message: `outside of the window "${text}"${opens}; nothing was changed`, hint: 'wait for it, or leave --window out' });
}

/** `2026-11-28 02:00`, as clocks there show it. */
function clock(instant: number, zone: string): string {
  const { year, month, day, minute } = zonedTime(instant, zone);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${String(year)}-${two(month)}-${two(day)} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function span(seconds: number): string {
  if (seconds < 90) return `${String(Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${String(minutes)} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${String(hours)} h ${String(minutes % 60)} min` : `${String(Math.floor(hours / 24))} days`;
}
