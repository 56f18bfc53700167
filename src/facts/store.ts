import type { Json } from '../core/json.ts';
import type { FactDef, FactPatch, FactReader, FactRequest, StaleFacts } from './contract.ts';

/** What one question was answered with. */
export interface Answer {
  readonly def: FactDef;
  readonly fact: string;
  readonly key: string;
  readonly value: Json;
  /** It is what a plan expects, not what a host said. */
  readonly predicted: boolean;
}

/** Answers of one host. Immutable: every change gives a new store. */
export class FactStore {
  static readonly empty = new FactStore(new Map());

  readonly #answers: ReadonlyMap<string, Answer>;

  private constructor(answers: ReadonlyMap<string, Answer>) {
    this.#answers = answers;
  }

  /** Answers of one fact, as its `parse` gave them. */
  static of(fact: FactDef, values: ReadonlyMap<string, Json>): FactStore {
    return new FactStore(new Map([...values].map(([key, value]) => [idOf(fact.name, key), { def: fact, fact: fact.name, key, value, predicted: false }])));
  }

  answers(): readonly Answer[] {
    return [...this.#answers.values()];
  }

  /** Those of `requests` that have no answer, each once. */
  missing(requests: readonly FactRequest[]): FactRequest[] {
    const open = new Map(requests.map((request) => [idOf(request.fact.name, request.key), request]));
    return [...open].filter(([id]) => !this.#answers.has(id)).map(([, request]) => request);
  }

  /** Both; where both have an answer, `other`'s. */
  merged(other: FactStore): FactStore {
    return new FactStore(new Map([...this.#answers, ...other.#answers]));
  }

  /** With the answers that a change is expected to bring; they are marked as predicted. */
  patched(patches: readonly FactPatch[]): FactStore {
    const answers = new Map(this.#answers);
    for (const change of patches) {
      const pattern = { fact: change.fact.name, key: change.key };
      for (const [id, answer] of answers) {
        if (!concerns(pattern, answer)) continue;
        const value = change.update(answer.value, answer.key);
        if (!sameJson(value, answer.value)) answers.set(id, { ...answer, value, predicted: true });
      }
    }
    return new FactStore(answers);
  }

  /** The same answers, of which some may not hold any more when they are needed: they are marked as predicted. */
  doubted(stale: readonly StaleFacts[]): FactStore {
    if (stale.length === 0) return this;
    return new FactStore(new Map([...this.#answers].map(([id, answer]) => [id, stale.some((doubt) => concerns(doubt, answer)) ? { ...answer, predicted: true } : answer])));
  }

  /** Without the answers that became doubtful. */
  stale(stale: readonly StaleFacts[]): FactStore {
    return new FactStore(new Map([...this.#answers].filter(([, answer]) => !stale.some((doubt) => concerns(doubt, answer)))));
  }

  isPredicted(fact: string, key: string): boolean {
    return this.#answers.get(idOf(fact, key))?.predicted === true;
  }

  /** Access to what a module asked for, and to nothing else: an answer it did not name would be missing on another host. */
  reader(requests: readonly FactRequest[]): FactReader {
    const named = new Set(requests.map((request) => idOf(request.fact.name, request.key)));
    return {
      get: <V extends Json>(fact: FactDef<V>, key: string): V => {
        const id = idOf(fact.name, key);
        const answer = this.#answers.get(id);
        if (!named.has(id) || answer === undefined) throw new Error(`fact ${fact.name} of "${key}" was read but not asked for`);
        return answer.value as V;
      },
    };
  }
}

function idOf(fact: string, key: string): string {
  return `${fact}\0${key}`;
}

function concerns(pattern: StaleFacts, answer: Answer): boolean {
  return pattern.fact === answer.fact && (pattern.key === '*' || pattern.key === answer.key);
}

function sameJson(a: Json, b: Json): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
