import { LvsPlayError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { instantiate, NOTHING_UNKNOWN, type TaskInstance, variablesOf } from '../plan/compile/instantiate.ts';
import { questionsOf } from '../plan/plan-host.ts';
import type { Question } from '../plan/session.ts';
import type { Task } from '../playbook/types.ts';
import type { HostProgress, RunContext } from './context.ts';
import type { Executed } from './executed.ts';
import type { Stretch } from './rounds.ts';
import { executeInstance, shownError } from './execute.ts';

/** Takes one host through tasks until the end, a failure or an interruption (which waits for the step in hand). */
export async function runTasks(host: HostProgress, stretch: Stretch, run: RunContext): Promise<void> {
  for (const [index, task] of stretch.tasks.entries()) {
    if (host.state !== 'good' || run.signal.aborted) return;
    if (stretch.handlers && !host.awaits(task)) continue;
    if (stretch.handlers) host.handled.add(task.id);
    const upcoming = stretch.handlers ? [] : upcomingQuestions(host.host, stretch.tasks.slice(index + 1), run);
    await runTask(host, task, stretch, upcoming, run);
  }
}

// What the outline knew of the tasks to come: when one doubtful answer is asked again, theirs go along.
function upcomingQuestions(host: string, tasks: readonly Task[], run: RunContext): Question[] {
  const ids = new Set(tasks.map((task) => task.id));
  const entries = run.outlines.get(host)?.entries ?? [];
  return entries
    .filter((entry) => !entry.handler && ids.has(entry.task.id))
    .flatMap((entry) => entry.instances)
    .filter((instance) => !instance.onController && instance.becomeUser === undefined)
    .flatMap(questionsOf);
}

async function runTask(host: HostProgress, task: Task, stretch: Stretch, upcoming: readonly Question[], run: RunContext): Promise<void> {
  const { instances, failure } = await liveInstances(host, task, stretch, run);
  const results: JsonObject[] = failure === undefined ? [] : [failure];
  for (const instance of instances) {
    if (host.state !== 'good' || (results.length > 0 && run.signal.aborted)) break;
    results.push(await runInstance(host, instance, upcoming, run));
  }
  if (task.register !== undefined) host.register(task.register, results, task.loop !== undefined);
}

async function runInstance(host: HostProgress, instance: TaskInstance, upcoming: readonly Question[], run: RunContext): Promise<JsonObject> {
  const { task, ref } = instance;
  run.emit({ at: Date.now(), type: 'task-started', host: host.host, task: ref });
  const executed = takenOver(instance, run) ?? afterBegun(instance, await executeInstance(instance, upcoming, run), run);
  await run.keepers.afterTask(instance, executed);
  const ignored = executed.outcome.status === 'failed' && task.ignoreErrors && executed.unreachable === undefined;
  const outcome = ignored ? { ...executed.outcome, status: 'ignored' as const } : executed.outcome;
  if (executed.unreachable !== undefined) {
    const { hint } = executed.unreachable;
    host.lose('unreachable');
    run.emit({ at: Date.now(), type: 'host-lost', state: 'unreachable', host: host.host, message: outcome.message ?? '', ...(hint === undefined ? {} : { hint }) });
    return executed.result;
  }
  if (outcome.status === 'failed') host.lose('failed');
  else host.count(outcome.status);
  run.emit({ at: Date.now(), type: 'task-finished', host: host.host, task: ref, outcome });
  for (const name of executed.notifies) host.notified.add(name);
  if (executed.outcome.status !== 'failed') for (const [name, value] of Object.entries(variablesOf(instance))) host.facts.set(name, value);
  return executed.result;
}

/** What an earlier run had done already. */
function takenOver({ host, ref }: TaskInstance, run: RunContext): Executed | undefined {
  const done = run.input.resumed?.finished(host, ref.id);
  if (done === undefined) return undefined;
  const { status, notifies } = done;
  return { outcome: { status, changes: [], message: `done by run ${run.input.resumed?.run ?? ''}` }, result: done.result ?? { changed: status === 'changed', failed: status === 'ignored', skipped: status === 'skipped' }, notifies };
}

/** A task that an earlier run had begun, and which needs nothing more, was done by that run: its handlers are still owed their call. */
function afterBegun(instance: TaskInstance, executed: Executed, run: RunContext): Executed {
  const { host, ref, task, work } = instance;
  if (executed.outcome.status !== 'ok' || run.input.resumed?.begun(host, ref.id) !== true || (work.kind === 'ready' && work.module.action === true)) return executed;
  return { ...executed, outcome: { ...executed.outcome, status: 'changed', message: `was done by run ${run.input.resumed.run}` }, result: { ...executed.result, changed: true }, notifies: task.notify };
}

/** The plan's instances where they can have no other arguments by now, else made anew from what the run has learnt. */
async function liveInstances(host: HostProgress, task: Task, stretch: Stretch, run: RunContext): Promise<{ readonly instances: readonly TaskInstance[]; readonly failure?: JsonObject }> {
  const planned = run.outlines.get(host.host)?.entries.find((entry) => entry.task === task);
  const isSettled = planned?.instances.every((instance) => instance.work.kind !== 'deferred') === true && !planned.elsewhere;
  if (isSettled && host.registered.size === 0 && host.facts.size === 0) return planned;
  const batch = stretch.play.batches.find((hosts) => hosts.includes(host.host)) ?? stretch.hosts;
  const place = { host: host.host, play: stretch.play, batch, task, handler: stretch.handlers };
  try {
    return { instances: await instantiate(place, host, NOTHING_UNKNOWN, run.services) };
  } catch (error) {
    if (!(error instanceof LvsPlayError)) throw error;
    // The plan could not see it: the arguments hang on a result. It is a failed task like any other.
    const ref = { id: task.id, play: stretch.play.play.name, name: task.name, module: task.module, handler: stretch.handlers };
    const message = shownError(error, task, run);
    const status = task.ignoreErrors ? 'ignored' : 'failed';
    if (status === 'failed') host.lose('failed');
    else host.count('ignored');
    run.emit({ at: Date.now(), type: 'task-finished', host: host.host, task: ref, outcome: { status, changes: [], message, ...(error.hint === undefined ? {} : { hint: error.hint }) } });
    return { instances: [], failure: { changed: false, failed: true, skipped: false, msg: message } };
  }
}
