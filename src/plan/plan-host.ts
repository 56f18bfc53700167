import type { Json, JsonObject } from '../core/json.ts';
import type { FactRequest } from '../facts/contract.ts';
import { FactStore } from '../facts/store.ts';
import { classifyChange } from '../lvs/change/classify.ts';
import type { PairWork } from '../modules/contract.ts';
import { loadModule } from '../modules/registry.ts';
import type { Task } from '../playbook/types.ts';
import type { CompiledPlay } from './compile/compile.ts';
import { instantiate, type InstantiateServices, type TaskInstance, type Unknowns, variablesOf } from './compile/instantiate.ts';
import type { Resumed } from './resumed.ts';
import { type HostSession, PredictedFacts, type Question } from './session.ts';
import { staleOf } from './predict.ts';
import type { PlannedPair, PlannedTask } from './types.ts';
import { viewChange } from './view.ts';

/** The tasks of one play on one host, in order; handlers are kept apart as they run only when notified. */
export interface HostPlay {
  readonly index: number;
  readonly play: CompiledPlay;
  readonly batch: readonly string[];
}

/** Everything a host will be asked to do, worked out as far as possible before any answer is known. */
export interface HostOutline {
  readonly host: string;
  readonly entries: readonly OutlineEntry[];
}

export interface OutlineEntry {
  readonly hostPlay: HostPlay;
  readonly task: Task;
  readonly handler: boolean;
  /** `run_once`: another host of the batch is expected to do it, and to tell this one. */
  readonly elsewhere: boolean;
  readonly instances: readonly TaskInstance[];
}

/** Pure but for files on the controller. Results of earlier tasks count as unknown. */
export async function outlineHost(host: string, plays: readonly HostPlay[], services: InstantiateServices): Promise<HostOutline> {
  const memory = new PlannedMemory();
  const entries: OutlineEntry[] = [];
  for (const hostPlay of plays) {
    for (const [task, handler] of inOrder(hostPlay.play)) {
      const elsewhere = task.runOnce && !handler && hostPlay.batch[0] !== host;
      const place = { host, play: hostPlay.play, batch: hostPlay.batch, task, handler };
      const instances = elsewhere ? [] : await instantiate(place, memory, memory.unknowns, services);
      entries.push({ hostPlay, task, handler, elsewhere, instances });
      if (elsewhere) await memory.setElsewhere(task);
      for (const instance of instances) await memory.setVariables(instance);
      if (task.register !== undefined) memory.unknown(task.register);
    }
  }
  return { host, entries };
}

function inOrder(play: CompiledPlay): (readonly [Task, boolean])[] {
  return [...play.tasks.map((task) => [task, false] as const), ...play.handlers.map((task) => [task, true] as const)];
}

/** What an instance must know of its host. */
export function questionsOf(instance: TaskInstance): Question[] {
  return instance.work.kind === 'ready' ? instance.work.requests.map((request) => ({ request, become: instance.become })) : [];
}

/**
 * Asks everything that a host's outline needs to know: one request for each connection and privilege. A host that is only told to run something
 * is asked whether it is there: a rollout must know that before it begins.
 * @param live what is asked along of a host that is asked or told anything
 */
export async function askOutline(outline: HostOutline, sessions: SessionOf, live: readonly FactRequest[]): Promise<void> {
  const bySession = new Map<HostSession, Question[]>();
  const along = (become: boolean) => live.map((request) => ({ request, become }));
  for (const instance of outline.entries.flatMap((entry) => entry.instances)) {
    const questions = questionsOf(instance);
    if (questions.length === 0 || instance.onController) continue;
    const session = await sessions(instance);
    bySession.set(session, [...(bySession.get(session) ?? (bySession.size === 0 ? along(instance.become) : [])), ...questions]);
  }
  for (const [session, questions] of bySession) await session.ask(questions);
  if (bySession.size > 0) return;
  const first = outline.entries.filter((entry) => !entry.handler).flatMap((entry) => entry.instances).find(acts);
  if (first === undefined) return;
  const session = await sessions(first);
  await (live.length === 0 ? session.reach(first.become) : session.ask(along(first.become)));
}

/** An action on the host that rests on no fact. */
function acts({ work, onController }: TaskInstance): boolean {
  if (work.kind !== 'ready' || onController || work.requests.length > 0) return false;
  return work.module.diff(work.args, FactStore.empty.reader([]), work.context).length > 0;
}

/** The connection that a task's requests go over. */
export type SessionOf = (instance: TaskInstance) => Promise<HostSession>;

export interface PlanHostServices extends InstantiateServices {
  /** Why an action need not run although its task is due; undefined: it runs. */
  readonly idleReason: (instance: TaskInstance) => string | undefined;
  /** What a run that is gone on with had done. */
  readonly resumed: Resumed | undefined;
}

/**
 * Walks a host's outline over what is known, each task seeing what the ones before are expected to have done. The decisions are those of the
 * deploy: the same `diff`, on predicted answers.
 */
export async function planHost(outline: HostOutline, sessions: SessionOf, services: PlanHostServices): Promise<ReadonlyMap<number, readonly PlannedTask[]>> {
  const memory = new PlannedMemory();
  const planned = new Map<number, PlannedTask[]>();
  const notified = new Map<number, Set<string>>();
  const factsFor = predictions(sessions);
  for (const { hostPlay, task, handler, elsewhere, instances } of outline.entries) {
    if (elsewhere) {
      await memory.setElsewhere(task);
      continue;
    }
    const called = notified.get(hostPlay.index) ?? new Set();
    if (handler && ![task.name, ...task.listen].some((name) => called.has(name))) continue;
    const current = instances.some((instance) => memory.touches(instance))
      ? await instantiate({ host: outline.host, play: hostPlay.play, batch: hostPlay.batch, task, handler }, memory, memory.unknowns, services)
      : instances;
    const rows: PlannedTask[] = [];
    for (const instance of current) {
      rows.push(await planInstance(instance, factsFor, services));
      await memory.setVariables(instance);
    }
    planned.set(hostPlay.index, [...(planned.get(hostPlay.index) ?? []), ...rows]);
    notified.set(hostPlay.index, new Set([...called, ...rows.flatMap((row) => row.notifies)]));
    if (task.register !== undefined) memory.register(task.register, rows);
  }
  return planned;
}

function predictions(sessions: SessionOf): (instance: TaskInstance) => Promise<PredictedFacts> {
  const predicted = new Map<HostSession, PredictedFacts>();
  return async (instance) => {
    const session = await sessions(instance);
    const known = predicted.get(session) ?? new PredictedFacts(session);
    predicted.set(session, known);
    return known;
  };
}

async function planInstance(
  instance: TaskInstance,
  factsFor: (instance: TaskInstance) => Promise<PredictedFacts>,
  services: PlanHostServices,
): Promise<PlannedTask> {
  const { host, ref, task, work, become } = instance;
  const row = { host, task: ref, changes: [], predicted: false, notifies: [] };
  if (work.kind !== 'ready') return { ...row, status: work.kind, reason: services.secrets.mask(work.reason) };
  const done = services.resumed?.finished(host, ref.id);
  // That it changed something counts for conditions and handlers; it changes nothing any more.
  if (done !== undefined) return { ...row, status: done.status === 'changed' ? 'change' : done.status === 'skipped' ? 'skipped' : 'ok', notifies: done.notifies, reason: `done by run ${services.resumed?.run ?? ''}` };
  const idle = services.idleReason(instance);
  if (idle !== undefined) return { ...row, status: 'skipped', reason: idle };
  const { module, args, context, requests } = work;
  const facts = requests.length === 0 ? undefined : await factsFor(instance);
  // Only a task whose arguments were unknown when the host was asked still has questions here.
  await facts?.learn(requests.map((request) => ({ request, become })));
  const store = facts?.store(become) ?? FactStore.empty;
  const reader = store.reader(requests);
  const changes = module.diff(args, reader, context);
  const doubtful = requests.some(({ fact, key }) => store.isPredicted(fact.name, key));
  const predicted = changes.length > 0 && doubtful;
  if (changes.length > 0) {
    const stale = staleOf(instance, module.apply(args, changes, reader, context));
    const after = module.after(args, changes, reader, context);
    if (stale.length > 0 || after.length > 0) (await factsFor(instance)).change(after, stale);
  }
  const status = module.action === true && module.guarded?.(args) !== true ? 'runs' : changes.length > 0 ? 'change' : 'ok';
  const rests = changes.length === 0 && doubtful ? { doubtful: true as const } : {};
  if (task.changedWhen?.value === false) return { ...row, status, ...rests };
  // What says of itself that it changed something calls its handlers.
  if (changes.length === 0 && module.action !== true && services.resumed?.begun(host, ref.id) === true) return { ...row, status: 'change', notifies: task.notify };
  if (changes.length === 0) return { ...row, status, notifies: task.changedWhen?.value === true ? task.notify : [], ...rests };
  const activation = module.pair?.(args, changes, reader, context);
  const pair = activation === undefined ? {} : { pair: plannedPair(activation) };
  return { ...row, status, predicted, ...pair, changes: changes.map((change) => viewChange(change, services.secrets, task.noLog)), notifies: task.notify };
}

function plannedPair(work: PairWork): PlannedPair {
  const { pairs } = work;
  if ('restarts' in work) return { pairs, class: 'restart', reasons: [work.restarts], leaving: [], outage: 0 };
  const { before, after } = work;
  const { class: how, reasons, leaving, outage } = classifyChange(before, after);
  return { pairs, class: how, reasons, outage, leaving: [...leaving].flatMap(([service, servers]) => servers.map((server) => `${service} ${server}`)) };
}

/** What a plan can know of the results before it: that a task changes something, never what a command prints. */
class PlannedMemory {
  readonly facts = new Map<string, Json>();
  readonly registered = new Map<string, Json>();
  readonly #whole = new Set<string>();

  get unknowns(): Unknowns {
    return { whole: this.#whole, partial: new Set(this.registered.keys()) };
  }

  unknown(name: string): void {
    this.#whole.add(name);
  }

  /** Whether an instance made without this memory may look different with it. */
  touches(instance: TaskInstance): boolean {
    return this.registered.size > 0 && instance.work.kind !== 'ready';
  }

  /** What `set_fact` sets: a value, or one that only the run will tell. */
  async setVariables(instance: TaskInstance): Promise<void> {
    if (instance.work.kind === 'deferred') await this.#setUnknown(instance.task);
    for (const [name, value] of Object.entries(variablesOf(instance))) {
      this.facts.set(name, value);
      this.#whole.delete(name);
    }
  }

  /** Another host runs the task (`run_once`) and tells this one what came of it. */
  async setElsewhere(task: Task): Promise<void> {
    if (task.register !== undefined) this.#registerUnknown(task.register);
    await this.#setUnknown(task);
  }

  async #setUnknown(task: Task): Promise<void> {
    const { setsVars } = await loadModule(task.module);
    if (setsVars === true) for (const name of Object.keys(task.args.value)) this.unknown(name);
  }

  #registerUnknown(name: string): void {
    this.#whole.add(name);
    this.registered.delete(name);
  }

  register(name: string, rows: readonly PlannedTask[]): void {
    const statuses = rows.map((row) => row.status);
    if (statuses.includes('runs') || statuses.includes('deferred')) {
      this.#registerUnknown(name);
      return;
    }
    const result: JsonObject = { changed: statuses.includes('change'), failed: false, skipped: statuses.every((status) => status === 'skipped') };
    this.#whole.delete(name);
    this.registered.set(name, result);
  }
}
