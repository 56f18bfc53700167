import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { parseEndpoint, parsePrefixed } from '../../lvs/model/ip.ts';

/** A mapping within a mapping; empty when there is none. */
export function objectAt(value: JsonObject, key: string): JsonObject {
  const found = value[key] ?? null;
  return isJsonObject(found) ? found : {};
}

/** Text of a scalar, '' for anything else. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** Addresses that clients ask a service of the inventory at. */
export function addressesOfService(service: JsonObject): string[] {
  const endpoints: readonly Json[] = Array.isArray(service['endpoints']) ? (service['endpoints'] as readonly Json[]) : [];
  return [service['address'], ...endpoints].flatMap((one) => {
    const text = isJsonObject(one ?? null) ? textOf((one as JsonObject)['address']) : textOf(one);
    return parseEndpoint(text)?.address ?? [];
  });
}

/** Addresses that move with a pair of the inventory. */
export function addressesOfPair(pair: JsonObject): string[] {
  return ['vips', 'excluded_vips'].flatMap((key) => {
    const list = pair[key];
    return Array.isArray(list) ? (list as readonly JsonObject[]).flatMap((one) => parsePrefixed(textOf(one) || textOf(one['address']))?.address ?? []) : [];
  });
}
