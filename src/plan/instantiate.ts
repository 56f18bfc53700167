import { LvsPlayError } from '../core/errors.ts';
import type { TaskRef } from '../core/events.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { Located } from '../core/located.ts';
import type { SecretMask } from '../core/secrets.ts';
import type { FactRequest } from '../facts/contract.ts';
import type { ModuleContext, ModuleDef } from '../modules/contract.ts';
import { loadModule, validateArgs } from '../modules/registry.ts';
import type { Task } from '../playbook/types.ts';
import type { Scope, TemplateEngine } from '../template/types.ts';
import { CONTROLLER, type CompiledPlay } from './compile.ts';
import { controllerFiles } from './controller-files.ts';
import type { HostMemory, ScopePlace, Scopes } from './scope.ts';
import type { Site } from './site.ts';

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
  for (const [index, item] of items.value.entries()) {
    const itemPlace: ScopePlace = { ...place, loop: { variable: task.loopVar, item } };
    instances.push(await instantiateOne(place, services.scopes.taskScope(itemPlace, memory), `.${String(index)}`, unknowns, services));
  }
  return instances;
}

async function instantiateOne(place: TaskPlace, scope: Scope, suffix: string, unknowns: Unknowns, services: InstantiateServices): Promise<TaskInstance> {
  const head = header(place, scope, suffix, services);
  const gate = checkWhen(place.task, scope, unknowns, services);
  if (gate !== undefined) return { ...head, work: gate };
  return { ...head, work: await readyWork(place, head, scope, unknowns, services) };
}

function header(place: TaskPlace, scope: Scope, suffix: string, services: InstantiateServices): Omit<TaskInstance, 'work'> {
  const { task, host, play, handler } = place;
  const own = scope.vars['ansible_become'];
  return {
    host,
    task,
    ref: { id: `${task.id}${suffix}`, play: play.play.name, name: services.secrets.mask(taskName(task, scope, services.engine) + itemLabel(task, scope, suffix)), module: task.module, handler },
    become: typeof own === 'boolean' ? own : (task.become ?? play.play.become ?? services.become),
    becomeUser: task.becomeUser ?? play.play.becomeUser,
    onController: task.delegateTo !== undefined || host === CONTROLLER,
    scope,
  };
}

/** A value as text: numbers and words as they are, anything else as JSON. */
function textOf(value: Json): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const LABEL_LENGTH = 60;

/** Which round of a loop it is, as Ansible tells it. */
function itemLabel(task: Task, scope: Scope, suffix: string): string {
  if (suffix === '' || task.noLog) return '';
  const label = textOf(scope.vars[task.loopVar] ?? null);
  return ` (item=${label.length > LABEL_LENGTH ? `${label.slice(0, LABEL_LENGTH - 3)}...` : label})`;
}

// A name is for people: one that cannot be rendered is shown as written.
function taskName(task: Task, scope: Scope, engine: TemplateEngine): string {
  if (!task.name.includes('{{')) return task.name;
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
    () => renderArgs(module, task, scope, engine),
    () => new Set([...engine.references(written.value, scope), ...expressionNames(module, written.value, scope, engine)]),
  );
  if (rendered.kind === 'unknown') return { kind: 'deferred', reason: rendered.reason };
  await validateArgs(module, { value: rendered.value, locate: (path, of) => written.locate(path, of) }, task.position);
  const family = scope.vars['lvs_play_os_family'];
  const context: ModuleContext = {
    host,
    topology: site.topology,
    onController: head.onController,
    osFamily: family === 'redhat' ? 'redhat' : 'debian',
  };
  return atTask(task, async () => {
    const args = module.resolve === undefined ? rendered.value : await module.resolve(rendered.value, controllerFiles(task, scope, engine));
    const environment = task.environment === undefined ? {} : engine.renderValue(task.environment.value, scope, (path) => task.environment?.locate(path));
    return {
      kind: 'ready',
      module,
      args,
      context,
      requests: module.facts(args, context),
      environment: Object.fromEntries(Object.entries(isJsonObject(environment) ? environment : {}).map(([name, value]) => [name, textOf(value)])),
    };
  });
}

function renderArgs(module: ModuleDef, task: Task, scope: Scope, engine: TemplateEngine): JsonObject {
  const expressions = new Set(module.expressions ?? []);
  const where = (path: readonly (string | number)[]) => task.args.locate(path);
  const plain = Object.fromEntries(Object.entries(task.args.value).filter(([key]) => !expressions.has(key)));
  const rendered = engine.renderValue(plain, scope, where);
  const evaluated = Object.entries(task.args.value)
    .filter(([key]) => expressions.has(key))
    .map(([key, value]): [string, Json] => [key, evaluateExpressions(value, scope, engine, [key], where)]);
  return { ...(isJsonObject(rendered) ? rendered : {}), ...Object.fromEntries(evaluated) };
}

/** `assert: that` and `debug: var`: bare expressions, each replaced by itself and what it gives. */
function evaluateExpressions(
  value: Json,
  scope: Scope,
  engine: TemplateEngine,
  path: readonly (string | number)[],
  where: (path: readonly (string | number)[]) => ReturnType<Located['locate']>,
): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((item, index) => evaluateExpressions(item, scope, engine, [...path, index], where));
  if (typeof value !== 'string') return { expression: JSON.stringify(value), result: value };
  return { expression: value, result: engine.evaluate(value, scope, where(path)) };
}

function expressionNames(module: ModuleDef, args: JsonObject, scope: Scope, engine: TemplateEngine): ReadonlySet<string> {
  const texts = (module.expressions ?? []).flatMap((key) => [args[key] ?? []].flat()).filter((text): text is string => typeof text === 'string');
  return new Set(texts.flatMap((text) => [...engine.expressionReferences(text, scope)]));
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
