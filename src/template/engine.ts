import { createRequire } from 'node:module';
import type { Environment } from 'minijinja-js';
import { LvsPlayError, messageOf, type Position } from '../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { suggest } from '../core/text/suggest.ts';
import { type Filter, FILTERS, NAMED_ARGUMENTS, TESTS } from './filters.ts';
import { codeOf, isTemplate, namesIn, pathsIn, plainPath, soleExpression } from './names.ts';
import type { Scope, TemplateEngine, Where } from './types.ts';

/** A mapping's entry that renders to this disappears, as with Ansible's `omit`. */
const OMIT = '__lvs_play_omit__';

/** A new engine; its WebAssembly is loaded when the first real expression is met. */
export function createTemplateEngine(): TemplateEngine {
  return new Engine();
}

class Engine implements TemplateEngine {
  #environment: Environment | undefined;
  /** What a filter of ours threw: thrown inside, it would poison the WebAssembly instance. */
  #filterError: unknown;
  readonly #resolved = new WeakMap<Scope, Map<string, Json>>();
  readonly #resolving: string[] = [];

  renderValue(value: Json, scope: Scope, where?: Where): Json {
    return this.#render(value, scope, where ?? (() => undefined), []);
  }

  renderText(text: string, scope: Scope, file: string): string {
    return this.#renderString(text, scope, (line) => ({ file, line, column: 1 }));
  }

  evaluate(expression: string, scope: Scope, where?: Position): Json {
    return this.#evaluate(expression.trim(), scope, where);
  }

  references(value: Json, scope: Scope): ReadonlySet<string> {
    const direct = new Set<string>();
    collect(value, direct);
    return this.#transitive(direct, scope);
  }

  expressionReferences(expression: string, scope: Scope): ReadonlySet<string> {
    return this.#transitive(namesIn(expression), scope);
  }

  #transitive(direct: ReadonlySet<string>, scope: Scope): ReadonlySet<string> {
    const seen = new Set<string>();
    const open = [...direct];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      if (scope.raw?.has(name) === true || !Object.hasOwn(scope.vars, name)) continue;
      const below = new Set<string>();
      collect(scope.vars[name] ?? null, below);
      open.push(...below);
    }
    return seen;
  }

  #render(value: Json, scope: Scope, where: Where, path: readonly (string | number)[]): Json {
    if (typeof value === 'string') {
      if (!isTemplate(value)) return value;
      const sole = soleExpression(value);
      return sole === undefined ? this.#renderString(value, scope, () => where(path)) : this.#evaluate(sole, scope, where(path));
    }
    if (Array.isArray(value)) return (value as readonly Json[]).map((item, index) => this.#render(item, scope, where, [...path, index])).filter((item) => item !== OMIT);
    if (!isJsonObject(value)) return value;
    const entries = Object.entries(value).map(([key, item]): [string, Json] => [key, this.#render(item, scope, where, [...path, key])]);
    return Object.fromEntries(entries.filter(([, item]) => item !== OMIT));
  }

  #evaluate(expression: string, scope: Scope, position: Position | undefined): Json {
    const path = plainPath(expression);
    if (path !== undefined) return this.#lookUp(path, expression, scope, position);
    this.#refuseMissing(expression, scope, position);
    const result = this.#run(namesIn(expression), expression, scope, () => position, (environment, context) => environment.evalExpr(expression, context) as unknown);
    if (result === undefined) throw this.#undefinedIn(expression, namesIn(expression), scope, position);
    return toJson(result);
  }

  /**
   * minijinja takes an undefined value in a comparison or a condition for false, so that `when: typo == 1` would skip its task without a
   * word. What is missing and not asked about with `is defined` or `default` is refused here, also in a branch that would not be taken.
   */
  #refuseMissing(expression: string, scope: Scope, position: Position | undefined): void {
    for (const { steps, guarded } of pathsIn(expression)) {
      const [name = '', ...rest] = steps;
      if (guarded || FUNCTIONS.has(name)) continue;
      if (!Object.hasOwn(scope.vars, name)) {
        // What is called like a function is for the engine to refuse.
        if (!new RegExp(`\\b${name}\\s*\\(`).test(expression)) throw this.#undefinedIn(expression, new Set([name]), scope, position);
        continue;
      }
      if (rest.length > 0) this.#lookUp(steps, expression, scope, position, true);
    }
  }

  #renderString(text: string, scope: Scope, positionOf: (line: number) => Position | undefined): string {
    const names = new Set(codeOf(text).flatMap((code) => [...namesIn(code)]));
    return this.#run(names, text, scope, positionOf, (environment, context) => environment.renderStr(text, context));
  }

  #run<T>(names: ReadonlySet<string>, source: string, scope: Scope, positionOf: (line: number) => Position | undefined, work: (environment: Environment, context: JsonObject) => T): T {
    const { context, failures } = this.#context(names, scope);
    this.#environment ??= newEnvironment((error) => (this.#filterError = error));
    this.#filterError = undefined;
    let result: T | undefined;
    let failure: unknown;
    try {
      result = work(this.#environment, context);
    } catch (error) {
      failure = error;
    }
    const thrown = this.#filterError ?? failure;
    if (thrown === undefined) return result as T;
    const message = messageOf(thrown).split('\n')[0] ?? '';
    const line = Number(/\(in <\w+>:(\d+)\)/.exec(message)?.[1] ?? 1);
    const position = positionOf(line);
    if (/^undefined value|on unsupported types (?:undefined and|\w+ and undefined)/.test(message)) throw failures[0] ?? this.#undefinedIn(source, names, scope, position);
    throw new LvsPlayError({
      code: message.startsWith('syntax error') ? 'template-syntax' : 'template-error',
      kind: 'input',
      message: `${shorten(source)}: ${message.replace(/ \(in <\w+>:\d+\)/, '')}`,
      position,
      hint: hintFor(message),
      cause: thrown,
    });
  }

  /** Hands over only what an expression names. A variable that cannot be rendered matters only if it turns out to be missing. */
  #context(names: ReadonlySet<string>, scope: Scope): { context: JsonObject; failures: LvsPlayError[] } {
    const context: Record<string, Json> = { omit: OMIT };
    const failures: LvsPlayError[] = [];
    for (const name of names) {
      if (!Object.hasOwn(scope.vars, name)) continue;
      try {
        context[name] = this.#variable(name, scope);
      } catch (error) {
        if (!(error instanceof LvsPlayError) || error.code === 'template-cycle') throw error;
        failures.push(error);
      }
    }
    return { context, failures };
  }

  #variable(name: string, scope: Scope): Json {
    const written = scope.vars[name] ?? null;
    if (scope.raw?.has(name) === true) return written;
    const known = this.#resolved.get(scope) ?? new Map<string, Json>();
    this.#resolved.set(scope, known);
    const before = known.get(name);
    if (before !== undefined) return before;
    if (this.#resolving.includes(name)) {
      const chain = [...this.#resolving.slice(this.#resolving.indexOf(name)), name].join(' -> ');
      throw new LvsPlayError({ code: 'template-cycle', kind: 'input', message: `variables refer to each other in a circle: ${chain}`, hint: 'give one of them a value of its own' });
    }
    this.#resolving.push(name);
    try {
      const value = this.#render(written, scope, () => undefined, []);
      known.set(name, value);
      return value;
    } finally {
      this.#resolving.pop();
    }
  }

  /** @param mappingsOnly stop where a value is no mapping: what follows may be a method */
  #lookUp(path: readonly (string | number)[], expression: string, scope: Scope, position: Position | undefined, mappingsOnly = false): Json {
    const [first, ...rest] = path;
    const name = String(first);
    if (name === 'omit' && rest.length === 0) return OMIT;
    if (!Object.hasOwn(scope.vars, name)) throw this.#undefinedIn(expression, new Set([name]), scope, position);
    let value: Json | undefined;
    try {
      value = this.#variable(name, scope);
    } catch (error) {
      throw error instanceof LvsPlayError && error.position === undefined && position !== undefined ? at(error, position) : error;
    }
    for (const [index, step] of rest.entries()) {
      const parent: Json = value;
      if (mappingsOnly && !isJsonObject(parent)) return parent;
      if (Array.isArray(parent)) value = (parent as readonly Json[])[Number(step)];
      else value = isJsonObject(parent) && Object.hasOwn(parent, step) ? parent[step] : undefined;
      if (value === undefined) {
        throw new LvsPlayError({
          code: 'undefined-variable',
          kind: 'input',
          message: `${[name, ...rest.slice(0, index + 1)].join('.')} is undefined`,
          position,
          hint: undefinedHint(String(step), isJsonObject(parent) ? Object.keys(parent) : []),
        });
      }
    }
    return value;
  }

  #undefinedIn(source: string, names: ReadonlySet<string>, scope: Scope, position: Position | undefined): LvsPlayError {
    const missing = [...names].find((name) => !Object.hasOwn(scope.vars, name) && !FUNCTIONS.has(name) && !isLocal(name, source));
    return new LvsPlayError({
      code: 'undefined-variable',
      kind: 'input',
      message: missing === undefined ? `${shorten(source)}: a part of it is undefined` : `${missing} is undefined`,
      position,
      hint: missing === undefined ? 'an attribute that may be missing takes | default(...)' : undefinedHint(missing, Object.keys(scope.vars)),
    });
  }
}

const FUNCTIONS = new Set(['range', 'dict', 'namespace', 'cycler', 'joiner', 'lipsum', 'omit']);

/** Set or looped over inside the template itself. */
function isLocal(name: string, source: string): boolean {
  return new RegExp(`\\b(?:for|set)\\b[^%]*\\b${name}\\b`).test(source);
}

function undefinedHint(name: string, known: readonly string[]): string {
  const meant = suggest(name, known);
  return meant === undefined ? 'define it, or give it a default: {{ name | default("...") }}' : `did you mean ${meant}?`;
}

function hintFor(message: string): string {
  const lookup = /unknown function: (?:function )?(lookup|query|q)\b/.exec(message);
  if (lookup !== null) return 'templates cannot read files or the environment: pass the value with -e or vars_files';
  const filter = /unknown filter: filter (\w+)/.exec(message)?.[1];
  const meant = filter === undefined ? undefined : suggest(filter, [...Object.keys(FILTERS), 'default', 'join', 'map', 'length', 'lower', 'upper', 'replace', 'select', 'sort']);
  return meant === undefined ? 'see docs of Jinja expressions; strings inside an expression need quotes' : `did you mean ${meant}?`;
}

function shorten(source: string): string {
  const line = source.trim().split('\n')[0] ?? '';
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

function at(error: LvsPlayError, position: Position): LvsPlayError {
  const { code, kind, message, hint, cause } = error;
  return new LvsPlayError({ code, kind, message, hint, cause, position });
}

function collect(value: Json, names: Set<string>): void {
  if (typeof value === 'string') {
    if (isTemplate(value)) for (const code of codeOf(value)) for (const name of namesIn(code)) names.add(name);
  } else if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) collect(item, names);
  } else if (isJsonObject(value)) {
    for (const item of Object.values(value)) collect(item, names);
  }
}

/** Plain values again: minijinja gives mappings as Map. */
function toJson(value: unknown): Json {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), toJson(item)]));
  if (Array.isArray(value)) return value.map(toJson);
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
  // Whole numbers beyond 2**53 come as bigint.
  return typeof value === 'bigint' ? Number(value) : null;
}

function newEnvironment(onFilterError: (error: unknown) => void): Environment {
  // Loaded here, not above: its WebAssembly costs more than most commands' whole start.
  const { Environment: Constructor } = createRequire(import.meta.url)('minijinja-js') as { Environment: new () => Environment };
  const environment = new Constructor();
  environment.undefinedBehavior = 'strict';
  environment.trimBlocks = true;
  environment.keepTrailingNewline = true;
  environment.enablePyCompat();
  // It prints every variable in reach.
  environment.removeGlobal('debug');
  for (const [name, filter] of Object.entries(FILTERS)) environment.addFilter(name, guarded(filter, onFilterError));
  for (const [name, test] of Object.entries(TESTS)) environment.addTest(name, guarded(test, onFilterError));
  return environment;
}

function guarded(filter: Filter, onError: (error: unknown) => void): (...args: unknown[]) => unknown {
  return (value, ...rest) => {
    try {
      // Keyword arguments come last, as a Map.
      const last = toJson(rest.at(-1) ?? null);
      const named = rest.at(-1) instanceof Map && isJsonObject(last) && isNamed(last) ? last : undefined;
      return filter(toJson(value), (named === undefined ? rest : rest.slice(0, -1)).map(toJson), named ?? {});
    } catch (error) {
      onError(error);
      return null;
    }
  };
}

/** A mapping as the last positional argument looks like keyword arguments: its keys tell. */
function isNamed(last: JsonObject): boolean {
  const keys = Object.keys(last);
  return keys.length > 0 && keys.every((key) => NAMED_ARGUMENTS.has(key));
}
