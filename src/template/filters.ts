import { createHash } from 'node:crypto';
import { parse, stringify } from 'yaml';
import { shellQuote } from '../core/text/quote.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';

/** A filter or test in plain values: the piped value, positional arguments, keyword arguments. It may throw; the engine reports it. */
export type Filter = (value: Json, args: readonly Json[], named: JsonObject) => Json;

/** Keyword arguments that any of the filters takes. */
export const NAMED_ARGUMENTS: ReadonlySet<string> = new Set(['key_name', 'value_name', 'recursive', 'indent']);

/** Filters of Ansible and Jinja that minijinja lacks. None reads files, the environment or the network. */
export const FILTERS: Readonly<Record<string, Filter>> = {
  dict2items: (value, args, named) => {
    const [key, item] = [text(named['key_name'] ?? args[0] ?? 'key'), text(named['value_name'] ?? args[1] ?? 'value')];
    return Object.entries(mapping(value)).map(([name, held]) => ({ [key]: name, [item]: held }));
  },
  items2dict: (value, args, named) => {
    const [key, item] = [text(named['key_name'] ?? args[0] ?? 'key'), text(named['value_name'] ?? args[1] ?? 'value')];
    return Object.fromEntries(list(value).map((entry) => [text(mapping(entry)[key] ?? null), mapping(entry)[item] ?? null]));
  },
  combine: (value, args, named) => {
    const merge = named['recursive'] === true ? deepMerge : (a: JsonObject, b: JsonObject): JsonObject => ({ ...a, ...b });
    return args.map(mapping).reduce(merge, mapping(value));
  },
  union: (value, [other]) => distinct([...list(value), ...list(other ?? [])]),
  intersect: (value, [other]) => distinct(list(value).filter((item) => holds(list(other ?? []), item))),
  difference: (value, [other]) => distinct(list(value).filter((item) => !holds(list(other ?? []), item))),
  flatten: (value) => flatten(list(value)),
  zip: (value, args) => {
    const lists = [list(value), ...args.map(list)];
    return Array.from({ length: Math.min(...lists.map((one) => one.length)) }, (_, i) => lists.map((one) => one[i] ?? null));
  },
  ternary: (value, [yes, no, none]) => (value === null && none !== undefined ? none : truthy(value) ? (yes ?? null) : (no ?? null)),
  mandatory: (value) => value,
  to_json: (value) => pythonJson(value),
  to_nice_json: (value, _args, named) => JSON.stringify(value, null, typeof named['indent'] === 'number' ? named['indent'] : 4),
  from_json: (value) => JSON.parse(text(value)) as Json,
  to_yaml: (value) => stringify(value, { version: '1.1' }),
  to_nice_yaml: (value, _args, named) => stringify(value, { version: '1.1', indent: typeof named['indent'] === 'number' ? named['indent'] : 4 }),
  from_yaml: (value) => parse(text(value), { version: '1.1' }) as Json,
  regex_replace: (value, [pattern, replacement]) => text(value).replace(new RegExp(text(pattern ?? ''), 'g'), pythonReplacement(text(replacement ?? ''))),
  regex_search: (value, [pattern]) => new RegExp(text(pattern ?? '')).exec(text(value))?.[0] ?? null,
  regex_findall: (value, [pattern]) => [...text(value).matchAll(new RegExp(text(pattern ?? ''), 'g'))].map(([whole, group]) => group ?? whole),
  regex_escape: (value) => text(value).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  basename: (value) => text(value).split('/').at(-1) ?? '',
  dirname: (value) => text(value).replace(/\/?[^/]*$/, ''),
  quote: (value) => shellQuote(text(value)),
  b64encode: (value) => Buffer.from(text(value)).toString('base64'),
  b64decode: (value) => Buffer.from(text(value), 'base64').toString('utf8'),
  hash: (value, [algorithm]) => createHash(text(algorithm ?? 'sha1')).update(text(value)).digest('hex'),
  format: (value, args) => printf(text(value), args),
};

export const TESTS: Readonly<Record<string, Filter>> = {
  match: (value, [pattern]) => new RegExp(`^(?:${text(pattern ?? '')})`).test(text(value)),
  search: (value, [pattern]) => new RegExp(text(pattern ?? '')).test(text(value)),
  regex: (value, [pattern]) => new RegExp(text(pattern ?? '')).test(text(value)),
  failed: (value) => mapping(value)['failed'] === true,
  succeeded: (value) => mapping(value)['failed'] !== true,
  success: (value) => mapping(value)['failed'] !== true,
  changed: (value) => mapping(value)['changed'] === true,
  skipped: (value) => mapping(value)['skipped'] === true,
  subset: (value, [other]) => list(value).every((item) => holds(list(other ?? []), item)),
  superset: (value, [other]) => list(other ?? []).every((item) => holds(list(value), item)),
  contains: (value, [item]) => (typeof value === 'string' ? value.includes(text(item ?? '')) : holds(list(value), item ?? null)),
};

function list(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value as readonly Json[];
  throw new Error(`a list is needed, not ${describe(value)}`);
}

function mapping(value: Json): JsonObject {
  if (isJsonObject(value)) return value;
  throw new Error(`a mapping is needed, not ${describe(value)}`);
}

function text(value: Json): string {
  return typeof value === 'object' && value !== null ? pythonJson(value) : String(value);
}

function describe(value: Json): string {
  return value === null ? 'none' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a mapping' : JSON.stringify(value);
}

function truthy(value: Json): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isJsonObject(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

function same(a: Json, b: Json): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function holds(items: readonly Json[], wanted: Json): boolean {
  return items.some((item) => same(item, wanted));
}

function distinct(items: readonly Json[]): Json[] {
  return items.filter((item, index) => items.findIndex((other) => same(other, item)) === index);
}

function flatten(items: readonly Json[]): Json[] {
  return items.flatMap((item) => (Array.isArray(item) ? flatten(item as readonly Json[]) : [item]));
}

function deepMerge(a: JsonObject, b: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const old = merged[key];
    merged[key] = old !== undefined && isJsonObject(old) && isJsonObject(value) ? deepMerge(old, value) : value;
  }
  return merged;
}

/** As Python's json.dumps prints: a blank after comma and colon. */
function pythonJson(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(pythonJson).join(', ')}]`;
  if (isJsonObject(value)) return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${pythonJson(item)}`).join(', ')}}`;
  return JSON.stringify(value);
}

/** Python writes groups as \1, JavaScript as $1. */
function pythonReplacement(replacement: string): string {
  return replacement.replaceAll('$', '$$$$').replaceAll(/\\(\d)/g, '$$$1');
}

function printf(format: string, args: readonly Json[]): string {
  let next = 0;
  return format.replaceAll(/%(-?)(0?)(\d*)(?:\.(\d+))?([sdfx%])/g, (_all, left: string, zero: string, width: string, precision: string | undefined, kind: string) => {
    if (kind === '%') return '%';
    const arg = args[next++];
    if (arg === undefined) throw new Error('format: too few arguments');
    const shown = kind === 's' ? text(arg) : kind === 'f' ? Number(arg).toFixed(Number(precision ?? 6)) : kind === 'x' ? Number(arg).toString(16) : String(Math.trunc(Number(arg)));
    return left === '-' ? shown.padEnd(Number(width)) : shown.padStart(Number(width), zero === '0' ? '0' : ' ');
  });
}
