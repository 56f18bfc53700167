import { createHash } from 'node:crypto';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { Topology } from '../lvs/model/topology.ts';

/** SHA-256 of a value in canonical JSON: the same value gives the same digest, whoever wrote it and in whatever order of keys. Pure, as all here. */
export function digestOf(value: Json): string {
  return `sha256:${createHash('sha256').update(canonicalJson(value)).digest('hex')}`;
}

/** A document with its digest. @param document without a property `digest` */
export function sealed(document: JsonObject): JsonObject {
  return { ...document, digest: digestOf(document) };
}

/** Whether a document is as it was when it was sealed. */
export function isIntact(document: JsonObject): boolean {
  const { digest, ...rest } = document;
  return digest === digestOf(rest);
}

/**
 * Digest of a checked topology: two inventories that mean the same cluster have the same one, however they are written. Where something stands in a file does not count.
 * @param mask puts something else in place of secrets: they are not part of it
 */
export function topologyDigest(topology: Topology, mask: (text: string) => string): string {
  return digestOf(maskedJson(plain(topology), mask));
}

/** A value with the secrets in its texts masked, in keys too. */
export function maskedJson(value: Json, mask: (text: string) => string): Json {
  if (typeof value === 'string') return mask(value);
  if (Array.isArray(value)) return value.map((part: Json) => maskedJson(part, mask));
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([key, part]) => [mask(key), maskedJson(part, mask)])) : value;
}

/** Maps as objects; without positions, and without passwords however short. */
function plain(value: unknown): Json {
  if (value instanceof Map) return Object.fromEntries([...(value as ReadonlyMap<string, unknown>)].map(([key, part]) => [key, plain(part)]));
  if (Array.isArray(value)) return value.map((part) => plain(part));
  if (typeof value === 'object' && value !== null) {
    const kept = Object.entries(value).filter(([key, part]) => part !== undefined && key !== 'position' && key !== 'authPass');
    return Object.fromEntries(kept.map(([key, part]) => [key, plain(part)]));
  }
  return value === undefined ? null : (value as Json);
}
