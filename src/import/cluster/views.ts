import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { KeepalivedImport } from '../types.ts';
import { objectAt, textOf } from './json.ts';

/** How two directors see one pair or sync group. */
interface Views {
  /** What earlier members say, put together, and the next one says. */
  readonly before: JsonObject;
  readonly found: JsonObject;
  /** Interfaces that are a director's own there: of each of the earlier members, and of the next one. */
  readonly earlier: readonly (readonly string[])[];
  readonly own: readonly string[];
}

/** Interfaces on which a director has a pair, or the pairs of a sync group. */
export function ownInterfaces({ members }: KeepalivedImport, section: string, name: string, value: JsonObject): readonly string[] {
  const pairs = section === 'ha_pairs' ? [name] : Array.isArray(value['pairs']) ? (value['pairs'] as readonly Json[]).map(textOf) : [];
  return pairs.flatMap((pair) => members.get(pair)?.interface ?? []);
}

/**
 * Members of different interfaces write one and the same thing in different words: a virtual address on the member's own interface, and tracking of it, need not be
 * written. Gives what both say with that put right; what else differs still does.
 */
export function aligned(views: Views): { readonly before: JsonObject; readonly found: JsonObject } {
  const shared: Record<string, Json> = {};
  for (const key of ['vips', 'excluded_vips']) {
    const [ours, theirs] = [views.before[key], views.found[key]];
    // With a virtual MAC none is on the member's own.
    if (views.before['vmac'] === undefined && Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length) {
      const list = (ours as readonly Json[]).map((one, i) => sameAddress(one, (theirs as readonly Json[])[i] ?? null, views));
      if (list.every((one) => one !== undefined)) shared[key] = list;
    }
  }
  const interfaces = sameTracking(itemsOf(views.before), itemsOf(views.found), views);
  const withTrack = (value: JsonObject): JsonObject => {
    if (interfaces === undefined) return value;
    const others = Object.entries(objectAt(value, 'track')).filter(([key]) => key !== 'interfaces');
    const track = Object.fromEntries([...(interfaces.length === 0 ? [] : [['interfaces', interfaces] as const]), ...others]);
    return Object.keys(track).length === 0 ? value : { ...value, track };
  };
  return { before: withTrack({ ...views.before, ...shared }), found: withTrack({ ...views.found, ...shared }) };
}

/** One virtual address as both mean it; undefined: they mean different ones. */
function sameAddress(ours: Json, theirs: Json, { earlier, own }: Views): Json | undefined {
  const [a, b] = [ours, theirs].map((one) => (isJsonObject(one) ? { address: textOf(one['address']), on: textOf(one['interface']) } : { address: textOf(one), on: undefined }));
  if (a === undefined || b === undefined || a.address !== b.address) return undefined;
  if (a.on === b.on) return ours;
  if (a.on === undefined) return earlier.every((names) => names.every((name) => name === b.on)) ? theirs : undefined;
  return b.on === undefined && own.every((name) => name === a.on) ? ours : undefined;
}

/** All interfaces that both watch, in an order that fits both; undefined: they watch different ones. */
function sameTracking(ours: readonly Json[], theirs: readonly Json[], { earlier, own }: Views): readonly Json[] | undefined {
  const has = (list: readonly Json[], item: Json): boolean => list.some((one) => JSON.stringify(one) === JSON.stringify(item));
  const merged = [...ours];
  for (const [index, item] of theirs.entries()) {
    if (has(ours, item)) continue;
    if (!earlier.every((names) => names.includes(nameOf(item)))) return undefined;
    const next = theirs.slice(index + 1).find((one) => has(ours, one));
    merged.splice(next === undefined ? merged.length : merged.findIndex((one) => JSON.stringify(one) === JSON.stringify(next)), 0, item);
  }
  return ours.every((item) => has(theirs, item) || own.includes(nameOf(item))) ? merged : undefined;
}

function itemsOf(value: JsonObject): readonly Json[] {
  const list = objectAt(value, 'track')['interfaces'];
  return Array.isArray(list) ? (list as readonly Json[]) : [];
}

function nameOf(item: Json): string {
  return isJsonObject(item) ? textOf(item['name']) : textOf(item);
}
