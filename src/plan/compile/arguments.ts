import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Located } from '../../core/located.ts';
import type { ModuleDef } from '../../modules/contract.ts';
import type { Task } from '../../playbook/types.ts';
import type { Scope, TemplateEngine } from '../../template/types.ts';

/** A value as text: numbers and words as they are, anything else as JSON. */
export function textOf(value: Json): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A task's arguments with their templates rendered and their bare expressions evaluated. @throws LvsPlayError at the argument's place */
export function renderArgs(module: ModuleDef, task: Task, scope: Scope, engine: TemplateEngine): JsonObject {
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

/** The names that the bare expressions among the arguments read. */
export function expressionNames(module: ModuleDef, args: JsonObject, scope: Scope, engine: TemplateEngine): ReadonlySet<string> {
  const texts = (module.expressions ?? []).flatMap((key) => [args[key] ?? []].flat()).filter((text): text is string => typeof text === 'string');
  return new Set(texts.flatMap((text) => [...engine.expressionReferences(text, scope)]));
}

/** `environment`, every value as text. @throws LvsPlayError at the value's place */
export function renderEnvironment(task: Task, scope: Scope, engine: TemplateEngine): Readonly<Record<string, string>> {
  const { environment } = task;
  if (environment === undefined) return {};
  const rendered = engine.renderValue(environment.value, scope, (path) => environment.locate(path));
  return Object.fromEntries(Object.entries(isJsonObject(rendered) ? rendered : {}).map(([name, value]) => [name, textOf(value)]));
}
