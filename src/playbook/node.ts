import { LvsPlayError, type Position } from '../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { DataPath, Located } from '../core/located.ts';

/** The details of an error whose place a Node knows. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['y', true],
  ['t', true],
  ['1', true],
  ['1.0', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['n', false],
  ['f', false],
  ['0', false],
  ['0.0', false],
]);

/**
 * A value inside a YAML file, its place, and the file's list of errors. Every reader that meets the wrong sort of value adds an
 * error and answers undefined, so that one pass over a file finds all of its errors.
 */
export class Node {
  readonly file: string;
  readonly path: DataPath;
  readonly #document: Located;
  readonly #errors: LvsPlayError[];

  constructor(document: Located, file: string, errors: LvsPlayError[], path: DataPath = []) {
    this.#document = document;
    this.file = file;
    this.#errors = errors;
    this.path = path;
  }

  get value(): Json {
    let value: Json | undefined = this.#document.value;
    for (const step of this.path) value = Array.isArray(value) ? (value as readonly Json[])[Number(step)] : isJsonObject(value) ? value[step] : undefined;
    return value ?? null;
  }

  position(of: 'key' | 'value' = 'value'): Position {
    return this.#document.locate(this.path, of) ?? { file: this.file, line: 1, column: 1 };
  }

  fail(fault: Fault, of: 'key' | 'value' = 'value'): undefined {
    this.#errors.push(new LvsPlayError({ ...fault, kind: 'input', position: this.position(of) }));
  }

  located<T extends Json = Json>(value: T): Located<T> {
    const { path } = this;
    return { value, locate: (inner, of) => this.#document.locate([...path, ...inner], of) };
  }

  child(step: string | number): Node {
    return new Node(this.#document, this.file, this.#errors, [...this.path, step]);
  }

  /** A mapping's entry; undefined when it is absent or empty (`when:` without a value is no condition). */
  get(key: string): Node | undefined {
    const { value } = this;
    return isJsonObject(value) && Object.hasOwn(value, key) && value[key] !== null ? this.child(key) : undefined;
  }

  keys(): string[] {
    const { value } = this;
    return isJsonObject(value) ? Object.keys(value) : [];
  }

  /** The last step of the path, for messages. */
  get label(): string {
    return [...this.path].reverse().find((step) => typeof step === 'string') ?? 'the file';
  }

  mapping(): JsonObject | undefined {
    const { value } = this;
    return isJsonObject(value) ? value : this.#wrong('a mapping');
  }

  /** The entries of a list. */
  items(): Node[] | undefined {
    const { value } = this;
    return Array.isArray(value) ? value.map((_, index) => this.child(index)) : this.#wrong('a list');
  }

  string(): string | undefined {
    const { value } = this;
    if (typeof value === 'string') return value;
    return typeof value === 'number' ? String(value) : this.#wrong('a string');
  }

  boolean(): boolean | undefined {
    const { value } = this;
    if (typeof value === 'boolean') return value;
    const known = typeof value === 'string' || typeof value === 'number' ? BOOLEANS.get(String(value).toLowerCase()) : undefined;
    if (known !== undefined) return known;
    const template = typeof value === 'string' && value.includes('{{');
    return this.#wrong('true or false', template ? 'a template is not supported here; put the decision into when' : undefined);
  }

  /** A number of at least `minimum`; a numeric string counts. */
  number(minimum: number, integer: boolean): number | undefined {
    const { value } = this;
    const number = typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
    if (Number.isFinite(number) && number >= minimum && (!integer || Number.isInteger(number))) return number;
    return this.#wrong(`${integer ? 'a whole number' : 'a number'} of at least ${String(minimum)}`);
  }

  /** A list of strings, or one string; commas split when `commas` is set. */
  strings(commas: boolean): string[] | undefined {
    const { value } = this;
    const nodes = Array.isArray(value) ? value.map((_, index) => this.child(index)) : [this as Node];
    const texts: string[] = [];
    for (const node of nodes) {
      const text = node.string();
      if (text === undefined) return undefined;
      texts.push(...(commas ? text.split(',').map((part) => part.trim()).filter((part) => part !== '') : [text]));
    }
    return texts;
  }

  /** A Jinja expression or a plain truth value. */
  condition(): Located<string | boolean> | undefined {
    const { value } = this;
    if (typeof value === 'boolean') return this.located(value);
    if (typeof value !== 'string') return this.#wrong('an expression');
    if (/^\s*\{\{.*\}\}\s*$/s.test(value)) {
      return this.fail({ code: 'braces-in-expression', message: `${this.label} is an expression already`, hint: 'write it without {{ and }}' });
    }
    return this.located(value);
  }

  /** One condition or a list of them. */
  conditions(): Located<string | boolean>[] {
    const { value } = this;
    const nodes = Array.isArray(value) ? value.map((_, index) => this.child(index)) : [this as Node];
    return nodes.flatMap((node) => node.condition() ?? []);
  }

  #wrong(expected: string, hint?: string): undefined {
    const { value } = this;
    const got = value === null ? 'empty' : Array.isArray(value) ? 'a list' : isJsonObject(value) ? 'a mapping' : JSON.stringify(value);
    return this.fail({ code: 'wrong-type', message: `${this.label} must be ${expected}, but is ${got}`, hint });
  }
}
