import { LvsPlayError } from '../../core/errors.ts';
import type { TaskRef } from '../../core/events.ts';
import type { InputFiles } from '../../core/inputs.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { Located } from '../../core/located.ts';
import type { SecretMask } from '../../core/secrets.ts';
import type { FactRequest } from '../../facts/contract.ts';
import type { ModuleContext, ModuleDef } from '../../modules/contract.ts';
import { loadModule, validateArgs } from '../../modules/registry.ts';
import type { Task } from '../../playbook/types.ts';
import type { Scope, TemplateEngine } from '../../template/types.ts';
import { expressionNames, renderArgs, renderEnvironment, textOf } from './arguments.ts';
import { CONTROLLER, type CompiledPlay } from './compile.ts';
import { controllerFiles } from './controller-files.ts';
import type { HostMemory, ScopePlace, Scopes } from '../scope.ts';
import type { Site } from '../site.ts';

/** One task, for one loop item, on one host, with its arguments worked out as far as they can be. */
export interface TaskInstance {
  readonly host: string;
  readonly task: Task;
  readonly ref: TaskRef;
  readonly become: boolean;
  /** Undefined: the connection's become user. */
  readonly becomeUser: string | undefined;
  /** Runs on the controller, not on `host`. */
  readonly onController: boolean;
  readonly scope: Scope;
  readonly work: Work;
}

export type Work =
  | { readonly kind: 'skipped'; readonly reason: string }
  /** Something it needs is only known once the run has come there. */
  | { readonly kind: 'deferred'; readonly reason: string }
  | ReadyWork;

export interface ReadyWork {
  readonly kind: 'ready';
  readonly module: ModuleDef;
  readonly args: Json;
  readonly context: ModuleContext;
  readonly requests: readonly FactRequest[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Results that a dry run cannot know: `all` of a result, or all but what a plan can tell of it (`changed`, `skipped`). */
export interface Unknowns {
  readonly whole: ReadonlySet<string>;
  readonly partial: ReadonlySet<string>;
}

export const NOTHING_UNKNOWN: Unknowns = { whole: new Set(), partial: new Set() };

export interface InstantiateServices {
  readonly site: Site;
  readonly scopes: Scopes;
  readonly engine: TemplateEngine;
  readonly become: boolean;
  readonly secrets: SecretMask;
  /** Notes the files that tasks name. */
  readonly inputs: InputFiles;
}

export interface TaskPlace {
  readonly host: string;
  readonly play: CompiledPlay;
  readonly batch: readonly string[];
  readonly task: Task;
  readonly handler: boolean;
}

/**
 * A task on a host as instances: one, or one for each loop item. Pure but for reading the files that `copy` and `template` name.
 * @throws LvsPlayError kind `input`, positioned in the playbook, when an argument is wrong or a variable undefined
 */
export async function instantiate(place: TaskPlace, memory: HostMemory, unknowns: Unknowns, services: InstantiateServices): Promise<TaskInstance[]> {
  const { task } = place;
  const scope = services.scopes.taskScope({ ...place, loop: undefined }, memory);
  if (task.loop === undefined) return [await instantiateOne(place, scope, '', unknowns, services)];
  const items = decide(services, scope, unknowns, () => loopItems(task.loop, scope, services.engine), (engine) => engine.references(task.loop?.value ?? null, scope));
  if (items.kind !== 'known') return [{ ...header(place, scope, '', services), work: { kind: 'deferred', reason: items.reason } }];
  const instances: TaskInstance[] = [];
  // `set_fact` may build a list up: each item sees what the ones before have set.
  const facts = new Map(memory.facts);
  for (const [index, item] of items.value.entries()) {
    const itemPlace: ScopePlace = { ...place, loop: { variable: task.loopVar, item } };
    const itemScope = services.scopes.taskScope(itemPlace, { facts, registered: memory.registered });
    const instance = await instantiateOne(place, itemScope, `.${String(index)}`, unknowns, services);
    instances.push(instance);
    for (const [name, value] of Object.entries(variablesOf(instance))) facts.set(name, value);
  }
  return instances;
}

/** The variables that an instance sets on its host, as far as they are known. */
export function variablesOf(instance: TaskInstance): JsonObject {
  const { work } = instance;
  return work.kind === 'ready' && work.module.setsVars === true ? (work.module.result?.(work.args, []).data ?? {}) : {};
}

async function instantiateOne(place: TaskPlace, scope: Scope, suffix: string, unknowns: Unknowns, services: InstantiateServices): Promise<TaskInstance> {
  const head = header(place, scope, suffix, services);
  const gate = checkWhen(place.task, scope, unknowns, services);
  if (gate !== undefined) return { ...head, work: gate };
  return { ...head, work: await readyWork(place, head, scope, unknowns, services) };
}

function header(place: TaskPlace, scope: Scope, suffix: string, services: InstantiateServices): Omit<TaskInstance, 'work'> {
  const { task, host, play, handler } = place;
  const { secrets } = services;
  const own = ownBecome(host, scope, services.engine);
  return {
    host,
    task,
    ref: { id: `${task.id}${suffix}`, play: play.play.name, name: secrets.mask(taskName(task, scope, services.engine)) + itemLabel(task, scope, suffix, secrets), module: task.module, handler },
    become: own ?? task.become ?? play.play.become ?? services.become,
    becomeUser: task.becomeUser ?? play.play.becomeUser,
    onController: task.delegateTo !== undefined || host === CONTROLLER,
    scope,
  };
}

/** `ansible_become` stands above the keywords, as in Ansible. @throws LvsPlayError `not-boolean` */
function ownBecome(host: string, scope: Scope, engine: TemplateEngine): boolean | undefined {
  const written = scope.vars['ansible_become'];
  if (written === undefined) return undefined;
  const value = engine.renderValue(written, scope);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(?:true|yes|on)$/i.test(value)) return true;
  if (typeof value === 'string' && /^(?:false|no|off)$/i.test(value)) return false;
  throw new LvsPlayError({ code: 'not-boolean', kind: 'input', host, message: `ansible_become of ${host} is ${JSON.stringify(value)}, which is neither true nor false`, hint: 'write true or false' });
}

const LABEL_LENGTH = 60;

/** Which round of a loop it is, as Ansible tells it. */
function itemLabel(task: Task, scope: Scope, suffix: string, secrets: SecretMask): string {
  if (suffix === '' || task.noLog) return '';
  // Masked before it is cut: half a secret would not be known for one.
  const label = secrets.mask(textOf(scope.vars[task.loopVar] ?? null));
  return ` (item=${label.length > LABEL_LENGTH ? `${label.slice(0, LABEL_LENGTH - 3)}...` : label})`;
}

// A name is for people: one that cannot be rendered is shown as written.
function taskName(task: Task, scope: Scope, engine: TemplateEngine): string {
  if (task.noLog || !task.name.includes('{{')) return task.name;
  try {
    return textOf(engine.renderValue(task.name, scope));
  } catch {
    return task.name;
  }
}

function checkWhen(task: Task, scope: Scope, unknowns: Unknowns, services: InstantiateServices): Work | undefined {
  let deferred: Work | undefined;
  for (const condition of task.when) {
    const { value } = condition;
    if (value === true) continue;
    if (value === false) return { kind: 'skipped', reason: 'when: false' };
    const answer = decide(
      services,
      scope,
      unknowns,
      () => evaluateCondition(condition, 'when', scope, services.engine),
      (engine) => engine.expressionReferences(value, scope),
    );
    if (answer.kind === 'unknown') deferred ??= { kind: 'deferred', reason: `when: ${value} (${answer.reason})` };
    else if (!answer.value) return { kind: 'skipped', reason: `when: ${value}` };
  }
  return deferred;
}

/** @throws LvsPlayError `not-boolean` when the expression gives anything but true or false */
export function evaluateCondition(condition: Located<string | boolean>, keyword: string, scope: Scope, engine: TemplateEngine): boolean {
  if (typeof condition.value === 'boolean') return condition.value;
  const result = engine.evaluate(condition.value, scope, condition.locate([]));
  if (typeof result === 'boolean') return result;
  throw new LvsPlayError({
    code: 'not-boolean',
    kind: 'input',
    message: `${keyword}: ${condition.value} gives ${JSON.stringify(result)}, which is neither true nor false`,
    position: condition.locate([]),
    hint: 'compare it (== "value"), or convert it with | bool, or ask | length > 0',
  });
}

function loopItems(loop: Located | undefined, scope: Scope, engine: TemplateEngine): readonly Json[] {
  const items = engine.renderValue(loop?.value ?? [], scope, (path) => loop?.locate(path));
  if (Array.isArray(items)) return items as readonly Json[];
  throw new LvsPlayError({
    code: 'loop-not-list',
    kind: 'input',
    message: `loop gives ${typeof items === 'object' ? 'a mapping' : JSON.stringify(items)}, not a list`,
    position: loop?.locate([]),
    hint: 'for a mapping write loop: "{{ mapping | dict2items }}"',
  });
}

async function readyWork(place: TaskPlace, head: Omit<TaskInstance, 'work'>, scope: Scope, unknowns: Unknowns, services: InstantiateServices): Promise<Work> {
  const { task, host } = place;
  const { engine, site } = services;
  const module = await loadModule(task.module);
  const written = task.args;
  const rendered = decide(
    services,
    scope,
    unknowns,
    () => ({ args: renderArgs(module, task, scope, engine), environment: renderEnvironment(task, scope, engine) }),
    () => new Set([...engine.references([written.value, task.environment?.value ?? {}], scope), ...expressionNames(module, written.value, scope, engine)]),
  );
  if (rendered.kind === 'unknown') return { kind: 'deferred', reason: rendered.reason };
  const { args: given, environment } = rendered.value;
  await validateArgs(module, { value: given, locate: (path, of) => written.locate(path, of) }, task.position);
  const family = scope.vars['lvs_play_os_family'];
  const context: ModuleContext = {
    host,
    topology: site.topology,
    onController: head.onController,
    osFamily: family === 'redhat' ? 'redhat' : 'debian',
  };
  const files = controllerFiles(task, scope, engine, services.inputs);
  return atTask(task, async () => {
    let args: Json = given;
    try {
      if (module.resolve !== undefined) args = await module.resolve(given, { ...files, render: (text, file) => renderKnown(text, () => files.render(text, file), scope, unknowns, services) });
    } catch (error) {
      if (error instanceof NotKnownYet) return { kind: 'deferred', reason: error.message };
      throw error;
    }
    return { kind: 'ready', module, args, context, requests: module.facts(args, context), environment };
  });
}

/** A template file hangs on a result that is not there yet. Never leaves this file. */
class NotKnownYet extends Error {}

function renderKnown(text: string, render: () => string, scope: Scope, unknowns: Unknowns, services: InstantiateServices): string {
  const rendered = decide(services, scope, unknowns, render, (engine) => engine.references(text, scope));
  if (rendered.kind === 'unknown') throw new NotKnownYet(rendered.reason);
  return rendered.value;
}

type Decision<T> = { readonly kind: 'known'; readonly value: T } | { readonly kind: 'unknown'; readonly reason: string };

/** Works a value out unless it hangs on a result that is not there yet. */
function decide<T>(services: InstantiateServices, scope: Scope, unknowns: Unknowns, work: () => T, names: (engine: TemplateEngine) => ReadonlySet<string>): Decision<T> {
  if (unknowns.whole.size === 0 && unknowns.partial.size === 0) return { kind: 'known', value: work() };
  const used = names(services.engine);
  const whole = [...used].find((name) => unknowns.whole.has(name));
  if (whole !== undefined) return { kind: 'unknown', reason: `depends on the result "${whole}"` };
  const partial = [...used].find((name) => unknowns.partial.has(name));
  if (partial === undefined) return { kind: 'known', value: work() };
  try {
    return { kind: 'known', value: work() };
  } catch (error) {
    if (error instanceof LvsPlayError && (error.code === 'undefined-variable' || error.code === 'template-error')) {
      return { kind: 'unknown', reason: `depends on the result "${partial}"` };
    }
    throw error;
  }
}

/** Errors of a module that has no place of its own are shown at the task. */
async function atTask<T>(task: Task, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LvsPlayError) || error.position !== undefined || error.kind !== 'input') throw error;
    const { code, kind, message, hint, cause } = error;
    throw new LvsPlayError({ code, kind, message, hint, cause, position: task.position });
  }
}
