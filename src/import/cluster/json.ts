import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';

/** A mapping within a mapping; empty when there is none. */
export function objectAt(value: JsonObject, key: string): JsonObject {
  const found = value[key] ?? null;
  return isJsonObject(found) ? found : {};
}

/** Text of a scalar, '' for anything else. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
