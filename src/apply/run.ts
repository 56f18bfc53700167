import { setTimeout as delay } from 'node:timers/promises';
import { LvsPlayError } from '../core/errors.ts';
import type { HostRecap, HostStats } from '../core/events.ts';
import type { Json } from '../core/json.ts';
import { mapLimited } from '../core/pool.ts';
import type { CompiledPlay } from '../plan/compile/compile.ts';
import type { Emit, RunInput } from '../plan/input.ts';
import { prepareRun, type PreparedRun } from '../plan/prepare.ts';
import type { Plan } from '../plan/types.ts';
import type { Task } from '../playbook/types.ts';
import { HostProgress, type RunContext } from './context.ts';
import { changingHosts, Keepers, type KeptRun, type RunEnding, type RunKeeper } from './keeper.ts';
import { runTasks } from './host-tasks.ts';
import { PairCoordinator } from './pair/coordinate.ts';
import { type Round, roundsOf, type Stretch } from './rounds.ts';

/** How a run ended; the CLI makes the exit code of it. */
export interface RunResult {
  readonly plan: Plan;
  readonly recap: Readonly<Record<string, HostRecap>>;
  readonly stats: Readonly<Record<string, HostStats>>;
  /** Why the run ended before its last task, if it did. */
  readonly stopped: string | undefined;
  readonly interrupted: boolean;
  /** What went wrong beside the tasks: a keeper refused, or could not end well. */
  readonly errors: readonly LvsPlayError[];
}

/** What a deploy is carried out with, beside what it starts from. */
export interface DeployOptions {
  /** See core/run-id.ts. */
  readonly id: string;
  readonly keepers: readonly RunKeeper[];
}

/** The dry run: asks every host once, changes nothing, and gives the plan. */
export async function makePlan(input: RunInput, emit: Emit): Promise<RunResult & { readonly prepared: PreparedRun }> {
  const prepared = await prepareRun(input, { dryRun: true }, emit);
  const stats = await statsOf(prepared);
  await prepared.sessions.close();
  const recap = Object.fromEntries(prepared.compiled.hosts.map((host) => [host, plannedRecap(prepared.plan, host)]));
  emit({ at: Date.now(), type: 'run-finished', recap, stats, interrupted: false });
  return { plan: prepared.plan, recap, stats, stopped: undefined, interrupted: false, errors: [], prepared };
}

function plannedRecap(plan: Plan, host: string): HostRecap {
  const rows = plan.plays.flatMap((play) => play.tasks).filter((row) => row.host === host);
  const count = (...statuses: string[]) => rows.filter((row) => statuses.includes(row.status)).length;
  const changed = rows.filter((row) => row.changes.length > 0).length;
  return { ok: rows.length - count('skipped', 'deferred'), changed, unreachable: host in plan.unreachable ? 1 : 0, failed: host in plan.failed ? 1 : 0, skipped: count('skipped'), rescued: 0, ignored: 0 };
}

/**
 * Plans as `makePlan` does, then carries the plan out, play by play and batch by batch. Hosts of a batch go through their tasks side by side;
 * a batch begins when the one before has ended well. What fails on a host takes that host out of the run; a play with
 * `any_errors_fatal`, a passed `max_fail_percentage` or a batch that failed whole stops the run.
 * After `signal` fires the steps in hand are finished and nothing more is begun.
 */
export async function runDeploy(input: RunInput, emit: Emit, signal: AbortSignal, options: DeployOptions): Promise<RunResult> {
  const startedAt = Date.now();
  const prepared = await prepareRun(input, { dryRun: false, id: options.id }, emit);
  const kept: KeptRun = { id: options.id, startedAt, input, prepared, changing: changingHosts(prepared.plan), emit, signal };
  const hosts = new Map(prepared.compiled.hosts.map((host) => [host, new HostProgress(host)]));
  for (const state of ['unreachable', 'failed'] as const) {
    for (const host of Object.keys(prepared.plan[state])) hosts.get(host)?.lose(state);
  }
  const sleep = async (milliseconds: number): Promise<void> => {
    await delay(milliseconds, undefined, { signal }).catch(() => undefined);
  };
  const run: RunContext = {
    input,
    services: prepared.services,
    sessions: prepared.sessions,
    outlines: prepared.outlines,
    emit,
    signal,
    keepers: new Keepers(options.keepers, kept),
    changedSoFar: () => [...hosts.values()].some((host) => host.recap.changed > 0),
    sleep,
    pairs: new PairCoordinator({
      topology: prepared.compiled.site.topology,
      target: async (host) => (await prepared.sessions.get(host)).target,
      mask: (text) => input.secrets.mask(text),
      emit,
      sleep,
    }),
  };
  try {
    const { stopped, errors } = await runKept(prepared, hosts, run);
    const recap = recapOf(hosts);
    const stats = await statsOf(prepared);
    emit({ at: Date.now(), type: 'run-finished', recap, stats, interrupted: signal.aborted });
    return { plan: prepared.plan, recap, stats, stopped, interrupted: signal.aborted, errors };
  } finally {
    await prepared.sessions.close();
  }
}

/** The plays, with the keepers around them. What is no error of ours is thrown on once they have ended. */
async function runKept({ compiled: { plays }, plan }: PreparedRun, hosts: ReadonlyMap<string, HostProgress>, run: RunContext): Promise<{ stopped: string | undefined; errors: readonly LvsPlayError[] }> {
  const hopeless = hopelessReason(plays, hosts);
  if (hopeless !== undefined) {
    run.emit({ at: Date.now(), type: 'run-stopped', reason: hopeless, notStarted: [...hosts.keys()] });
    return { stopped: hopeless, errors: [] };
  }
  let stopped: string | undefined;
  let error: unknown;
  try {
    await run.keepers.begin();
    stopped = await runPlays(plays, plan, hosts, run);
  } catch (cause) {
    error = cause;
  }
  const errors = await run.keepers.end(endingOf(hosts, run, stopped, error));
  if (error === undefined) return { stopped, errors };
  if (!(error instanceof LvsPlayError)) throw error as Error;
  const reason = stopped ?? error.message;
  run.emit({ at: Date.now(), type: 'run-stopped', reason, notStarted: [...hosts.keys()].filter((host) => hosts.get(host)?.recap.ok === 0) });
  return { stopped: reason, errors: [error, ...errors] };
}

function endingOf(hosts: ReadonlyMap<string, HostProgress>, run: RunContext, stopped: string | undefined, error: unknown): RunEnding {
  const interrupted = run.signal.aborted;
  const good = error === undefined && stopped === undefined && !interrupted && [...hosts.values()].every((host) => host.state === 'good');
  return { recap: recapOf(hosts), stopped, interrupted, error, good };
}

function recapOf(hosts: ReadonlyMap<string, HostProgress>): Record<string, HostRecap> {
  return Object.fromEntries([...hosts].map(([name, host]) => [name, host.recap]));
}

/** A host that a later play cannot do without stops the run before anything is changed. */
function hopelessReason(plays: readonly CompiledPlay[], hosts: ReadonlyMap<string, HostProgress>): string | undefined {
  return plays.map((play) => stopReason(play, progressOf(play.batches.flat(), hosts), false)).find((reason) => reason !== undefined);
}

/** @returns why the run stopped early, if it did */
async function runPlays(plays: readonly CompiledPlay[], plan: Plan, hosts: ReadonlyMap<string, HostProgress>, run: RunContext): Promise<string | undefined> {
  const { emit } = run;
  for (const [index, play] of plays.entries()) {
    const name = play.play.name;
    emit({ at: Date.now(), type: 'play-started', play: name, hosts: play.batches.flat(), batches: play.batches.length });
    const rounds = roundsOf(play, plan.plays[index]?.tasks ?? []);
    for (const [turn, round] of rounds.entries()) {
      const reason = (turn === 0 ? stopReason(play, progressOf(play.batches.flat(), hosts), false) : undefined) ?? (await runRound(play, round, hosts, run));
      if (reason === undefined) continue;
      const notStarted = [...rounds.slice(turn + 1).flatMap((later) => later.hosts), ...plays.slice(index + 1).flatMap((later) => later.batches.flat())];
      emit({ at: Date.now(), type: 'run-stopped', reason, notStarted: [...new Set(notStarted)] });
      return reason;
    }
    emit({ at: Date.now(), type: 'play-finished', play: name });
  }
  return undefined;
}

async function runRound(play: CompiledPlay, { number, hosts: names, stretches }: Round, hosts: ReadonlyMap<string, HostProgress>, run: RunContext): Promise<string | undefined> {
  const members = progressOf(names, hosts);
  await run.keepers.beforeBatch({ play: play.play.name, index: number, hosts: names });
  run.emit({ at: Date.now(), type: 'batch-started', play: play.play.name, batch: number, hosts: names });
  for (const stretch of stretches) {
    await runStretch(stretch, progressOf(stretch.hosts, hosts), run);
    // What went wrong on one director keeps the others of its round as they are.
    if (stretch.pair !== undefined && members.some((host) => host.state !== 'good')) break;
  }
  settleHandlers(play, members, run);
  run.emit({ at: Date.now(), type: 'batch-finished', play: play.play.name, batch: number });
  if (run.signal.aborted) return 'interrupted';
  return stopReason(play, members, true);
}

async function runStretch(stretch: Stretch, members: readonly HostProgress[], run: RunContext): Promise<void> {
  const good = members.filter((host) => host.state === 'good');
  const [task] = stretch.tasks;
  if (stretch.pair !== undefined) {
    await runPairStretch(stretch, stretch.pair, good, run);
    return;
  }
  if (task?.runOnce !== true) {
    await mapLimited(good, run.input.forks, (host) => runTasks(host, stretch, run));
    return;
  }
  const first = good.find((host) => !stretch.handlers || host.awaits(task));
  if (first === undefined) return;
  const before = new Map(first.facts);
  await runTasks(first, stretch, run);
  tellOthers(task, first, before, good);
}

/** A task that changes what HA pairs run: its hosts one after the other, up to the first that fails, or those of a set together. */
async function runPairStretch(stretch: Stretch, pair: NonNullable<Stretch['pair']>, good: readonly HostProgress[], run: RunContext): Promise<void> {
  if (pair === 'in-turn') {
    const order = run.pairs.inOrder(good.map(({ host }) => host));
    for (const host of order.flatMap((name) => good.filter((one) => one.host === name))) {
      await runTasks(host, stretch, run);
      if (host.state !== 'good') return;
    }
    return;
  }
  for (const set of pair.together) run.pairs.join(set);
  // A member that failed before is waited for by nobody.
  for (const host of pair.together.flat().filter((name) => !good.some((one) => one.host === name))) run.pairs.part(host);
  await Promise.all(
    good.map(async (host) => {
      await runTasks(host, stretch, run);
      run.pairs.part(host.host);
    }),
  );
}

// What `run_once` found out and set is known to all.
function tellOthers(task: Task, first: HostProgress, before: ReadonlyMap<string, Json>, good: readonly HostProgress[]): void {
  const result = task.register === undefined ? undefined : first.registered.get(task.register);
  const facts = [...first.facts].filter(([name, value]) => before.get(name) !== value);
  for (const host of good) {
    if (task.register !== undefined && result !== undefined) host.registered.set(task.register, result);
    for (const [name, value] of facts) host.facts.set(name, value);
    if (first.handled.has(task.id)) host.handled.add(task.id);
  }
}

// A handler that never ran is work left undone that no later run will notice: it must be said.
function settleHandlers(play: CompiledPlay, members: readonly HostProgress[], run: RunContext): void {
  for (const host of members) {
    const names = play.handlers.filter((handler) => host.awaits(handler)).map((handler) => handler.name);
    if (names.length > 0) run.emit({ at: Date.now(), type: 'message', level: 'warning', host: host.host, text: `${host.host}: notified but not run: ${names.join(', ')}` });
    host.notified.clear();
    host.handled.clear();
  }
}

function progressOf(names: readonly string[], hosts: ReadonlyMap<string, HostProgress>): HostProgress[] {
  return names.flatMap((name) => hosts.get(name) ?? []);
}

function stopReason(play: CompiledPlay, members: readonly HostProgress[], begun: boolean): string | undefined {
  const lost = members.filter((host) => host.state !== 'good');
  if (lost.length === 0) return undefined;
  const names = lost.map((host) => `${host.host} ${host.state}`).join(', ');
  const { anyErrorsFatal, maxFailPercentage, name } = play.play;
  if (anyErrorsFatal) return `play "${name}" has any_errors_fatal: ${names}`;
  const percentage = (100 * lost.length) / members.length;
  if (maxFailPercentage !== undefined && percentage > maxFailPercentage) return `play "${name}": more than ${String(maxFailPercentage)}% of its hosts failed: ${names}`;
  if (begun && lost.length === members.length) return `play "${name}": every host of the batch failed: ${names}`;
  return undefined;
}

async function statsOf(prepared: PreparedRun): Promise<Record<string, HostStats>> {
  const stats: Record<string, HostStats> = {};
  for (const target of await prepared.sessions.targets()) {
    const now = target.stats();
    const before = stats[target.host];
    stats[target.host] = before === undefined ? { ...now } : addStats(before, now);
  }
  return stats;
}

function addStats(a: HostStats, b: HostStats): HostStats {
  return {
    connections: a.connections + b.connections,
    requests: a.requests + b.requests,
    becomeRequests: a.becomeRequests + b.becomeRequests,
    bytesSent: a.bytesSent + b.bytesSent,
    bytesReceived: a.bytesReceived + b.bytesReceived,
  };
}
