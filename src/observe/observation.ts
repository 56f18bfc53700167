import type { LvsPlayError } from '../core/errors.ts';

/**
 * What came of asking one host. `unreachable`: there was no way to it, or it did not answer in time. `failed`: it was reached, but its shell failed, or what it
 * said was cut off or is not an answer.
 */
export type Observed<T> = { readonly kind: 'answered'; readonly value: T } | { readonly kind: 'unreachable' | 'failed'; readonly error: LvsPlayError };

/** A host that gave no answer, as a document names it. */
export interface MissingHost {
  readonly host: string;
  readonly kind: 'unreachable' | 'failed';
}

/** The same, and why. */
export interface Missing extends MissingHost {
  readonly error: LvsPlayError;
}

/** A judgement, or the hosts without whose answer there is none. */
export type Verdict<V> = { readonly known: true; readonly value: V } | { readonly known: false; readonly missing: readonly Missing[] };

/**
 * What hosts answered when they were looked at. There is no way to all the answers that does not also hand over the hosts that gave none: whoever judges has to say
 * what they mean. `each` is for statements about one host each, by what it said itself; `judge` and `some` are for statements about all of them. Immutable.
 */
export class Observation<T> {
  readonly #hosts: ReadonlyMap<string, Observed<T>>;

  /** @param hosts in the order in which they are to be named */
  constructor(hosts: Iterable<readonly [string, Observed<T>]>) {
    this.#hosts = new Map(hosts);
  }

  /** Everybody who was asked. */
  get hosts(): readonly string[] {
    return [...this.#hosts.keys()];
  }

  /** Those who gave no answer. */
  get missing(): readonly Missing[] {
    return [...this.#hosts].flatMap(([host, seen]) => (seen.kind === 'answered' ? [] : [{ host, kind: seen.kind, error: seen.error }]));
  }

  /** Undefined: it was not asked. */
  at(host: string): Observed<T> | undefined {
    return this.#hosts.get(host);
  }

  /** What some of the hosts answered; those that were not asked are left out. */
  among(hosts: Iterable<string>): Observation<T> {
    const wanted = new Set(hosts);
    return new Observation([...this.#hosts].filter(([host]) => wanted.has(host)));
  }

  /** Without some hosts: nothing is said of them. */
  without(hosts: Iterable<string>): Observation<T> {
    const left = new Set(hosts);
    return new Observation([...this.#hosts].filter(([host]) => !left.has(host)));
  }

  /** One statement for each host that answered, about that host alone. */
  each<V>(about: (value: T, host: string) => V): V[] {
    return [...this.#hosts].flatMap(([host, seen]) => (seen.kind === 'answered' ? [about(seen.value, host)] : []));
  }

  /** A statement about all hosts: unknown as soon as one of them gave no answer. */
  judge<V>(about: (answers: ReadonlyMap<string, T>) => V): Verdict<V> {
    const { missing } = this;
    if (missing.length > 0) return { known: false, missing };
    return { known: true, value: about(new Map(this.each((value, host) => [host, value] as const))) };
  }

  /** Whether any of the hosts is so: one that is suffices; that none is takes the answers of all. */
  some(isSo: (value: T, host: string) => boolean): Verdict<boolean> {
    if (this.each(isSo).includes(true)) return { known: true, value: true };
    return this.judge(() => false);
  }
}
