import { isJsonObject, type Json } from '../core/json.ts';

/**
 * A fact is a question about a host. One file per kind: it knows the shell, merges all keys asked of it into one
 * fragment, and parses purely. Values are JSON, so that recorded facts and saved plans hold them.
 */
export interface FactDef<V extends Json = Json> {
  readonly name: string;
  /** One line for the documentation. */
  readonly summary: string;
  /**
   * A fragment of POSIX sh (dash, busybox) that answers all keys at once with as few processes as it can. It runs in a
   * subshell with stdin /dev/null; it must exit 0 whenever the question could be asked.
   * Keys are distinct and sorted; every key that reaches the shell goes through core/text/quote.ts.
   */
  script(keys: readonly string[]): string;
  /**
   * Pure. Must return a value for every key (or throw an Error that says what was unreadable).
   * @param output stdout of the fragment, bytes
   */
  parse(output: Buffer, keys: readonly string[]): ReadonlyMap<string, V>;
  /**
   * What of an answer is state, under names that an operator knows it by, for telling whether and what has changed since: counters and caches are left
   * out. Default: each property of an object, else the whole, named by fact and key. Pure.
   */
  aspects?(value: V, key: string): Readonly<Record<string, Json>>;
}

/** Identity, for inference of V. */
export function defineFact<V extends Json>(definition: FactDef<V>): FactDef<V> {
  return definition;
}

/** See `FactDef.aspects`. */
export function aspectsOf(fact: FactDef, key: string, value: Json): Readonly<Record<string, Json>> {
  if (fact.aspects !== undefined) return fact.aspects(value, key);
  const name = `${fact.name} ${key}`;
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([property, part]) => [`${name} ${property}`, part])) : { [name]: value };
}

/** One question: `request(unit, 'keepalived.service')`. */
export interface FactRequest<V extends Json = Json> {
  readonly fact: FactDef<V>;
  readonly key: string;
}

export function request<V extends Json>(fact: FactDef<V>, key: string): FactRequest<V> {
  return { fact, key };
}

/** Answers, typed by the fact asked. */
export interface FactReader {
  /**
   * @throws Error when the module did not name this request in its `facts()`: a programming error
   */
  get<V extends Json>(fact: FactDef<V>, key: string): V;
}

/**
 * What a change is expected to do to the answers, for planning the tasks that come after it.
 * `key: '*'` applies to every key asked of that fact (e.g. all units, after a package is installed).
 */
export interface FactPatch<V extends Json = Json> {
  readonly fact: FactDef<V>;
  readonly key: string;
  /** The value afterwards, from the value now. Pure. */
  update(value: V, key: string): V;
}

export function patch<V extends Json>(fact: FactDef<V>, key: string, update: (value: V, key: string) => V): FactPatch<V> {
  return { fact, key, update };
}

/** Which answers a step makes doubtful: `key: '*'` for all of that fact. They are asked again before the next use. */
export interface StaleFacts {
  readonly fact: string;
  readonly key: string;
}
