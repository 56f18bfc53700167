import { LvsPlayError, type Position } from '../core/errors.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import { evaluate, type Names } from './evaluate.ts';
import { Fault } from './fault.ts';
import { holdsJinja, TemplateCache } from './parsed.ts';
import { blockNames, expressionNames } from './references.ts';
import { Frame, GLOBALS, render } from './render.ts';
import type { Scope, TemplateEngine, Where } from './types.ts';
import { defined, isList, isMap, kindOf, Omit, type Value } from './values.ts';
import { Variables } from './variables.ts';

/**
 * Jinja as Ansible uses it, interpreted here: nothing of JavaScript, no file and no environment variable is in a template's reach.
 * An expression gives values with their types (Ansible's `jinja2_native`): `"{{ 1 + 1 }}"` is the number 2, not the string "2".
 */
export function createTemplateEngine(): TemplateEngine {
  return new Engine();
}

type Path = readonly (string | number)[];

class Engine implements TemplateEngine {
  readonly #cache = new TemplateCache();
  /** Rendering the same scope again, as for each argument of a task, finds its variables rendered. */
  readonly #variables = new WeakMap<Scope, Variables>();

  renderValue(value: Json, scope: Scope, where: Where = () => undefined): Json {
    const names = this.#names(scope);
    const rendered = this.#walk(value, names, [], (path, work) => atPosition(work, () => where(path)));
    return atPosition(() => toJson(rendered) ?? null, () => where([]));
  }

  renderText(text: string, scope: Scope, file: string): string {
    let firstLine = 1;
    try {
      const parsed = this.#cache.file(text);
      firstLine = parsed.firstLine;
      return render(parsed.block, new Frame(this.#names(scope)));
    } catch (error) {
      throw error instanceof Fault ? asError(error, { file, line: (error.line ?? 1) + firstLine - 1, column: 1 }) : error;
    }
  }

  evaluate(expression: string, scope: Scope, where?: Position): Json {
    return atPosition(
      () => toJson(defined(evaluate(this.#cache.expression(expression), this.#names(scope)))) ?? null,
      () => where,
    );
  }

  references(value: Json, scope: Scope): ReadonlySet<string> {
    return this.#transitive((found) => {
      this.#valueNames(value, found);
    }, scope);
  }

  expressionReferences(expression: string, scope: Scope): ReadonlySet<string> {
    return this.#transitive((found) => {
      expressionNames(this.#cache.expression(expression), NOTHING, found);
    }, scope);
  }

  #names(scope: Scope): Names {
    const known = this.#variables.get(scope);
    if (known !== undefined) return known;
    const made = new Variables(scope, (value, names) => this.#walk(value, names, [], (_, work) => work()));
    this.#variables.set(scope, made);
    return made;
  }

  /** A value with every string rendered. A part without Jinja is given back as it is. */
  #walk(value: Json, names: Names, path: Path, at: (path: Path, work: () => Value) => Value): Value {
    if (typeof value === 'string') return holdsJinja(value) ? at(path, () => this.#string(value, names)) : value;
    if (Array.isArray(value)) {
      const items = (value as readonly Json[]).map((item, index) => this.#walk(item, names, [...path, index], at));
      return items.every((item, index) => item === value[index]) ? value : items.filter((item) => !(item instanceof Omit));
    }
    if (!isJsonObject(value)) return value;
    const entries = Object.entries(value).map(([key, item]): [string, Value] => [
      holdsJinja(key) ? keyText(at([...path, key], () => this.#string(key, names))) : key,
      this.#walk(item, names, [...path, key], at),
    ]);
    if (entries.every(([key, item]) => Object.hasOwn(value, key) && item === value[key])) return value;
    return Object.fromEntries(entries.filter(([, item]) => !(item instanceof Omit)));
  }

  #string(text: string, names: Names): Value {
    const parsed = this.#cache.string(text);
    if (parsed.kind === 'plain') return text;
    if (parsed.kind === 'expression') return defined(evaluate(parsed.expression, names));
    return render(parsed.block, new Frame(names));
  }

  #valueNames(value: Json, found: Set<string>): void {
    if (typeof value === 'string') {
      if (holdsJinja(value)) this.#stringNames(value, found);
    } else if (Array.isArray(value)) {
      for (const item of value as readonly Json[]) this.#valueNames(item, found);
    } else if (isJsonObject(value)) {
      for (const [key, item] of Object.entries(value)) {
        this.#valueNames(key, found);
        this.#valueNames(item, found);
      }
    }
  }

  // What cannot be read refers to nothing that is known; rendering it says what is wrong.
  #stringNames(text: string, found: Set<string>): void {
    try {
      const parsed = this.#cache.string(text);
      if (parsed.kind === 'expression') expressionNames(parsed.expression, NOTHING, found);
      else if (parsed.kind === 'text') blockNames(parsed.block, NOTHING, found);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }

  #transitive(first: (found: Set<string>) => void, scope: Scope): ReadonlySet<string> {
    const all = new Set<string>();
    try {
      first(all);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
    // A Set walks over what is added on the way.
    for (const name of all) {
      const isVariable = Object.hasOwn(scope.vars, name);
      if (!isVariable && (GLOBALS.has(name) || name === 'omit')) all.delete(name);
      else if (isVariable && scope.raw?.has(name) !== true) this.#valueNames(scope.vars[name] ?? null, all);
    }
    return all;
  }
}

const NOTHING: ReadonlySet<string> = new Set();

function keyText(key: Value): string {
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean') return String(key);
  throw new Fault('template-error', `${kindOf(key)} cannot be a key`);
}

/** Undefined for `omit`. @throws Fault for what JSON cannot hold */
function toJson(value: Value): Json | undefined {
  const known = defined(value);
  if (known instanceof Omit) return undefined;
  if (isList(known)) return known.map(toJson).filter((item) => item !== undefined);
  if (isMap(known)) return Object.fromEntries(Object.entries(known).flatMap(([key, item]) => {
    const json = toJson(item);
    return json === undefined ? [] : [[key, json]];
  }));
  if (known === null || typeof known === 'boolean' || typeof known === 'number' || typeof known === 'string') return known;
  throw new Fault('template-error', `the result is ${kindOf(known)}, not a value`);
}

function atPosition<T>(work: () => T, where: () => Position | undefined): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) throw asError(error, where());
    if (error instanceof RangeError) throw asError(new Fault('template-error', 'the template nests too deeply'), where());
    throw error;
  }
}

function asError(fault: Fault, position: Position | undefined): LvsPlayError {
  return new LvsPlayError({ code: fault.code, kind: 'input', message: fault.message, hint: fault.hint, position });
}
