import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';

/** Whose doing something is that a director has a record of. */
export type Owned = {
  /** `alice@ops1`. */
  readonly by: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
  /** When it should be over, as its owner meant; null: nobody said. Nothing happens then by itself: it is called forgotten. */
  readonly until: string | null;
};

/** A record of version 1 as an object; undefined: it is none. Pure, as all here. */
export function parseRecord(text: string): JsonObject | undefined {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  return isJsonObject(value) && value['version'] === 1 ? value : undefined;
}

/** What is missing counts as not said. */
export function ownedOf({ by, reason, since, until }: JsonObject): Owned {
  const textOf = (field: Json | undefined): string => (typeof field === 'string' ? field : '');
  return { by: textOf(by), reason: textOf(reason), since: textOf(since), until: typeof until === 'string' ? until : null };
}

/** `by alice@ops1: kernel upgrade, until 2026-11-24T06:00:00Z`. */
export function ownerWords({ by, reason, until }: Owned): string {
  return `by ${by}${reason === '' ? '' : `: ${reason}`}${until === null ? '' : `, until ${until}`}`;
}
