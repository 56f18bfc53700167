import { setTimeout as delay } from 'node:timers/promises';
import { LvsPlayError } from '../core/errors.ts';
import type { ChangeView } from '../core/events.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { FactStore } from '../facts/store.ts';
import type { Change, ControlStep, PairWork, RebootStep, Step, StepOutcome, WaitStep } from '../modules/contract.ts';
import { parseOutcomes, renderSteps } from '../modules/render-steps.ts';
import type { Task } from '../playbook/types.ts';
import { CONTROLLER } from '../plan/compile/compile.ts';
import { evaluateCondition, type ReadyWork, type TaskInstance } from '../plan/compile/instantiate.ts';
import { staleOf } from '../plan/predict.ts';
import { idleReason } from '../plan/prepare.ts';
import { type HostSession, newNonce, type Question } from '../plan/session.ts';
import { viewChange } from '../plan/view.ts';
import type { RunContext } from './context.ts';
import type { Done, Executed } from './executed.ts';
import { rebootHost } from './reboot.ts';
import { waitUntilFree } from './wait.ts';

/**
 * Carries one instance out: asks what became doubtful (together with what the tasks after it will ask), compares, does the steps.
 * Never throws for what happens on the host: a failure is an outcome.
 */
export async function executeInstance(instance: TaskInstance, upcoming: readonly Question[], run: RunContext): Promise<Executed> {
  const { work, task } = instance;
  if (work.kind === 'skipped') return skipped(run.input.secrets.mask(work.reason));
  if (work.kind === 'deferred') return failed(`cannot be decided: ${work.reason}`, []);
  const idle = idleReason(instance, run.input, run.changedSoFar());
  if (idle !== undefined) return skipped(idle);
  const attempts = task.until === undefined ? 1 : task.until.retries + 1;
  for (let attempt = 1; ; attempt++) {
    const executed = await attemptOnce(instance, work, upcoming, run);
    if (task.until === undefined || executed.unreachable !== undefined) return executed;
    const holds = untilHolds(instance, executed, run);
    if (holds instanceof LvsPlayError) return turnedFailed(executed, shownError(holds, task, run));
    if (holds) return executed;
    if (attempt >= attempts || run.signal.aborted) {
      const { message } = executed.outcome;
      return turnedFailed(executed, `until: still false after ${String(attempt)} attempts${message === undefined ? '' : `: ${message}`}`);
    }
    await run.sleep(task.until.delay * 1000);
  }
}

/** @returns an error when the condition cannot be worked out from a result that is whole; a failed attempt may lack what it asks about */
function untilHolds(instance: TaskInstance, executed: Executed, run: RunContext): boolean | LvsPlayError {
  const { until, register } = instance.task;
  if (until === undefined) return true;
  try {
    return evaluateCondition(until.condition, 'until', withResult(instance, register, executed.result), run.input.engine);
  } catch (error) {
    if (!(error instanceof LvsPlayError)) throw error;
    return executed.outcome.status === 'failed' ? false : error;
  }
}

function turnedFailed(executed: Executed, message: string): Executed {
  return { ...executed, outcome: { ...executed.outcome, status: 'failed', message }, result: { ...executed.result, failed: true }, notifies: [] };
}

/** An error's text without secrets; one about values shows none of a task with `no_log`. */
export function shownError(error: LvsPlayError, task: Task, run: RunContext): string {
  return task.noLog && error.kind === 'input' ? 'its values cannot be worked out (hidden by no_log)' : run.input.secrets.mask(error.message);
}

async function attemptOnce(instance: TaskInstance, work: ReadyWork, upcoming: readonly Question[], run: RunContext): Promise<Executed> {
  let changes: readonly ChangeView[] = [];
  try {
    const action = run.input.controllerActions.get(instance.task.module);
    if (action !== undefined) {
      await run.keepers.beforeSteps(instance, []);
      const args = isJsonObject(work.args) ? work.args : {};
      const target = async (host: string) => (await run.sessions.get(host)).target;
      const outcome = await action({ args, topology: work.context.topology, target, signal: run.signal });
      return judge(instance, work, [], [], { outcomes: [outcome], failing: undefined }, run);
    }
    const session = await run.sessions.of(instance);
    const reader = (await knownTo(instance, work, upcoming, session)).reader(work.requests);
    const wanted = work.module.diff(work.args, reader, work.context);
    changes = wanted.map((change) => viewChange(change, run.input.secrets, instance.task.noLog));
    if (wanted.length === 0 && (work.module.action !== true || work.module.guarded?.(work.args) === true)) return judge(instance, work, wanted, changes, { outcomes: [], failing: undefined }, run);
    await run.keepers.beforeSteps(instance, wanted);
    const steps = work.module.apply(work.args, wanted, reader, work.context);
    const activation = work.module.pair?.(work.args, wanted, reader, work.context);
    const doSteps = (some: readonly Step[]): Promise<Done> => carryOut(instance, some.map((step) => withEnvironment(step, work.environment)), session, run);
    const done = await withPair(instance.host, activation, steps, doSteps, run);
    return judge(instance, work, wanted, changes, done, run);
  } catch (error) {
    if (!(error instanceof LvsPlayError)) throw error;
    const executed = failed(shownError(error, instance.task, run), changes, error.hint);
    return error.kind === 'unreachable' ? { ...executed, unreachable: error } : executed;
  }
}

function withPair(host: string, work: PairWork | undefined, steps: readonly Step[], doSteps: (some: readonly Step[]) => Promise<Done>, run: RunContext): Promise<Done> {
  if (work === undefined) return doSteps(steps);
  return 'restarts' in work ? run.pairs.restart(host, work, steps, doSteps) : run.pairs.carryOut(host, work, steps, doSteps);
}

/** What is known by the time all that the task asks about is. Hosts share the controller's session: what one asks another may make doubtful. */
async function knownTo(instance: TaskInstance, work: ReadyWork, upcoming: readonly Question[], session: HostSession): Promise<FactStore> {
  const own = work.requests.map((request) => ({ request, become: instance.become }));
  // What comes next concerns the host's own session.
  const more = instance.onController || instance.becomeUser !== undefined ? [] : upcoming;
  let store = session.store(instance.become);
  while (store.missing(work.requests).length > 0) {
    await session.ask([...own, ...more]);
    store = session.store(instance.become);
  }
  return store;
}

/** Does the steps in order; those for the target go in as few requests as the controller's own allow. */
async function carryOut(instance: TaskInstance, steps: readonly Step[], session: HostSession, run: RunContext): Promise<Done> {
  const outcomes: StepOutcome[] = [];
  for (const part of parts(steps)) {
    try {
      const done = part.noScript ? await oneByOne(part.steps, instance.become, session, run) : await onTarget(part.steps, instance.become, session);
      outcomes.push(...done.outcomes);
      if (done.failing !== undefined) return { outcomes, failing: done.failing };
    } finally {
      // Also after a failure: nobody knows how far the step came.
      const stale = staleOf(instance, part.steps);
      for (const open of await run.sessions.openOf(instance.onController ? CONTROLLER : instance.host)) open.markStale(stale);
    }
  }
  return { outcomes, failing: undefined };
}

async function onTarget(steps: readonly Step[], become: boolean, session: HostSession): Promise<Done> {
  const nonce = newNonce();
  const reply = await session.target.request({ script: renderSteps(steps, nonce), become, ...timeoutOf(steps) });
  const { outcomes, failed: index } = parseOutcomes(reply, steps, nonce);
  return { outcomes, failing: index === undefined ? undefined : steps[index] };
}

/** Steps that are no script, one by one up to the first that fails. */
async function oneByOne(steps: readonly Step[], become: boolean, session: HostSession, run: RunContext): Promise<Done> {
  const outcomes: StepOutcome[] = [];
  for (const step of steps) {
    if (!isNoScript(step)) continue;
    const outcome = await doOne(step, become, session, run);
    outcomes.push(outcome);
    if (outcome.exitCode !== 0) return { outcomes, failing: step };
  }
  return { outcomes, failing: undefined };
}

function doOne(step: NoScript, become: boolean, session: HostSession, run: RunContext): Promise<StepOutcome> {
  switch (step.kind) {
    case 'control':
      return step.run(run.signal);
    case 'reboot':
      return reboot(step, become, session, run);
    case 'wait': {
      const tell = (text: string) => {
        run.emit({ at: Date.now(), type: 'message', level: 'info', text, host: session.target.host });
      };
      return waitUntilFree(session.target, step, become, { tell, sleep: (milliseconds) => run.sleep(milliseconds), signal: run.signal });
    }
  }
}

/** An interruption does not end the wait: the step in hand is finished. */
async function reboot(step: RebootStep, become: boolean, session: HostSession, run: RunContext): Promise<StepOutcome> {
  const outcome = await rebootHost(session.target, step, become, (milliseconds) => delay(milliseconds));
  if (outcome.exitCode === 0) await run.keepers.cameBack(session.target.host);
  return outcome;
}

type NoScript = ControlStep | RebootStep | WaitStep;

function isNoScript(step: Step): step is NoScript {
  return step.kind === 'control' || step.kind === 'reboot' || step.kind === 'wait';
}

/** Steps in a row that go in one request, or that go in none. */
function parts(steps: readonly Step[]): { noScript: boolean; steps: Step[] }[] {
  const result: { noScript: boolean; steps: Step[] }[] = [];
  for (const step of steps) {
    const noScript = isNoScript(step);
    const last = result.at(-1);
    if (last?.noScript === noScript) last.steps.push(step);
    else result.push({ noScript, steps: [step] });
  }
  return result;
}

function timeoutOf(steps: readonly Step[]): { timeoutMs?: number } {
  const timeouts = steps.flatMap((step) => ((step.kind === 'exec' || step.kind === 'script') && step.timeoutMs !== undefined ? [step.timeoutMs] : []));
  return timeouts.length === 0 ? {} : { timeoutMs: timeouts.reduce((sum, timeout) => sum + timeout, 0) };
}

function withEnvironment(step: Step, environment: Readonly<Record<string, string>>): Step {
  if (Object.keys(environment).length === 0 || step.kind === 'put' || isNoScript(step)) return step;
  return { ...step, env: { ...environment, ...step.env } };
}

/** Turns what happened into a status, by `failed_when` and `changed_when` where given. */
function judge(instance: TaskInstance, work: ReadyWork, wanted: readonly Change[], changes: readonly ChangeView[], done: Done, run: RunContext): Executed {
  const { task } = instance;
  const { engine, secrets } = run.input;
  const told = work.module.result?.(work.args, done.outcomes) ?? { data: {} };
  const last = done.outcomes.at(-1);
  let message = told.failed ?? (done.failing === undefined ? undefined : `${done.failing.title}: ${failureText(last)}`);
  if (message !== undefined && task.noLog) message = `${task.module}: failed (what it said is hidden by no_log)`;
  const hint = message === undefined ? undefined : hintFor(last);
  let result: JsonObject = { ...told.data, changed: wanted.length > 0, failed: message !== undefined, skipped: false };
  if (task.failedWhen !== undefined) {
    const isFailed = evaluateCondition(task.failedWhen, 'failed_when', withResult(instance, task.register, result), engine);
    message = isFailed ? (message ?? `failed_when: ${String(task.failedWhen.value)}`) : undefined;
    result = { ...result, failed: isFailed };
  }
  const changed = task.changedWhen === undefined ? wanted.length > 0 : evaluateCondition(task.changedWhen, 'changed_when', withResult(instance, task.register, result), engine);
  const status = message !== undefined ? 'failed' : changed ? 'changed' : 'ok';
  const said = last === undefined ? shownText(told.data['msg']) : [last.stdout, last.stderr].filter((text) => text !== '').join('\n');
  const output = task.noLog ? '' : secrets.mask(said);
  return {
    outcome: {
      status,
      changes: status === 'ok' ? [] : changes,
      ...(message === undefined ? {} : { message: secrets.mask(message) }),
      ...(hint === undefined ? {} : { hint }),
      ...(output === '' ? {} : { output }),
    },
    result: { ...result, changed },
    notifies: status === 'changed' ? task.notify : [],
  };
}

/** What `debug` and `assert` have to say. */
function shownText(message: Json | undefined): string {
  if (message === undefined) return '';
  return typeof message === 'string' ? message : JSON.stringify(message, null, 2);
}

function withResult(instance: TaskInstance, register: string | undefined, result: JsonObject): TaskInstance['scope'] {
  if (register === undefined) return instance.scope;
  // hostvars is a getter that is dear to call: keep it one.
  const vars = Object.create(null, { ...Object.getOwnPropertyDescriptors(instance.scope.vars), [register]: { enumerable: true, value: result } }) as JsonObject;
  return { vars, raw: new Set([...(instance.scope.raw ?? []), register]) };
}

function skipped(reason: string): Executed {
  return { outcome: { status: 'skipped', changes: [], message: reason }, result: { changed: false, failed: false, skipped: true }, notifies: [] };
}

function failed(message: string, changes: readonly ChangeView[], hint?: string): Executed {
  return {
    outcome: { status: 'failed', changes, message, ...(hint === undefined ? {} : { hint }) },
    result: { changed: false, failed: true, skipped: false, msg: message },
    notifies: [],
  };
}

function failureText(outcome: StepOutcome | undefined): string {
  if (outcome === undefined) return 'was not carried out';
  const lines = [...outcome.stderr.trim().split('\n'), ...outcome.stdout.trim().split('\n')].filter((line) => line.trim() !== '');
  const telling = lines.find((line) => /no space left|read-only file system|permission denied/i.test(line)) ?? lines.find((line) => /^E: |error|fail|unknown|cannot/i.test(line)) ?? lines[0];
  return telling === undefined ? `exit code ${String(outcome.exitCode)}` : `${telling.trim()} (exit code ${String(outcome.exitCode)})`;
}

function hintFor(outcome: StepOutcome | undefined): string | undefined {
  const text = `${outcome?.stderr ?? ''}${outcome?.stdout ?? ''}`;
  if (/no space left on device/i.test(text)) return 'free space on that file system, then run it again: nothing was half-written';
  if (/permission denied|are you root/i.test(text)) return 'the user who logs in may not do this: become: true, or -b';
  return undefined;
}
