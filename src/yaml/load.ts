import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type ScalarTag,
} from 'yaml';
import { LvsPlayError, messageOf, type Position } from '../core/errors.ts';
import type { InputFiles } from '../core/inputs.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { DataPath, Located } from '../core/located.ts';

/** The key under which a `!vault` scalar's ciphertext stands until it is decrypted. */
const VAULT_KEY = '__lvs_play_vault';

/** Ciphertext of a `!vault` scalar as `parseYaml` leaves it, undefined for any other value. */
export function vaultCiphertext(value: Json): string | undefined {
  if (!isJsonObject(value)) return undefined;
  const text = value[VAULT_KEY];
  return typeof text === 'string' && Object.keys(value).length === 1 ? text : undefined;
}

type Tags = Parameters<Extract<NonNullable<ParseOptions['customTags']>, (...args: never) => unknown>>[0];
type ParseOptions = NonNullable<ConstructorParameters<typeof Document>[2]>;

const VAULT_TAG: ScalarTag = { tag: '!vault', resolve: (text) => text };
const UNSAFE_TAG: ScalarTag = { tag: '!unsafe', resolve: (text) => text };
const TRUE_TAG: ScalarTag = { tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON)$/, resolve: () => true };
const FALSE_TAG: ScalarTag = { tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF)$/, resolve: () => false };
/** PyYAML wants a point before the exponent and a sign in it. */
const FLOAT_EXP_TAG: ScalarTag = { tag: 'tag:yaml.org,2002:float', default: true, test: /^[-+]?[0-9][0-9_]*\.[0-9_]*[eE][-+][0-9]+$/, resolve: (text) => Number(text.replaceAll('_', '')) };
/** Of the full YAML 1.1: a date stays the string that was written, and `y`, `n` and `1e3` are strings to PyYAML. */
const LEFT_OUT = new Set(['tag:yaml.org,2002:timestamp', 'tag:yaml.org,2002:bool']);

/** As Ansible reads it: YAML 1.1 as PyYAML knows it (`yes` is true, `0644` is 420). */
const OPTIONS = {
  version: '1.1',
  merge: true,
  keepSourceTokens: false,
  prettyErrors: false,
  strict: true,
  uniqueKeys: true,
  customTags: (tags: Tags) => [...tags.filter((tag) => typeof tag === 'string' || (!LEFT_OUT.has(tag.tag) && tag.format !== 'EXP')), TRUE_TAG, FALSE_TAG, FLOAT_EXP_TAG, VAULT_TAG, UNSAFE_TAG],
} as const;

/** Reads a file, which `inputs` notes. @throws LvsPlayError `no-such-file`, `bad-yaml` */
export async function parseYamlFile(file: string, inputs: InputFiles): Promise<Located> {
  let text: string;
  try {
    text = await inputs.readText(file);
  } catch (cause) {
    throw new LvsPlayError({ code: 'no-such-file', kind: 'input', message: `${file} cannot be read: ${messageOf(cause)}`, cause });
  }
  return parseYaml(text, file);
}

/**
 * One YAML document as plain values that know where they were written. An empty text gives null.
 * @param file named in positions and errors
 * @throws LvsPlayError `bad-yaml` with position and a way out
 */
export function parseYaml(text: string, file: string): Located {
  const lines = new LineCounter();
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const parsed = parseAllDocuments(text, { ...OPTIONS, lineCounter: lines });
  const documents: Document.Parsed[] = Array.isArray(parsed) ? parsed : [];
  const [document, second] = documents;
  if (document === undefined) return { value: null, locate: () => ({ file, line: 1, column: 1 }) };
  const [error] = documents.flatMap((one) => one.errors);
  if (error !== undefined) throw badYaml(error.message, positionAt(error.pos[0]), text);
  if (second !== undefined) throw badYaml('a second document begins here; one file holds one', positionAt(second.range[0]), text);
  const [warning] = document.warnings;
  if (warning !== undefined) throw badYaml(warning.message.replace('Unresolved tag: ', 'unknown tag '), positionAt(warning.pos[0]), text);
  const root = document.contents;
  return {
    value: toJson(root, document, positionAt, text, 0),
    locate: (path, of) => positionAt(offsetOf(root, document, path, of ?? 'value')),
  };
}

/** A part of a located value, still knowing its place. */
export function subLocated(located: Located, path: DataPath): Located {
  let value: Json = located.value;
  for (const step of path) {
    if (Array.isArray(value)) value = (value as readonly Json[])[Number(step)] ?? null;
    else value = isJsonObject(value) ? (value[String(step)] ?? null) : null;
  }
  return { value, locate: (below, of) => located.locate([...path, ...below], of) };
}

/** Billions of laughs: an alias tree deeper than any person writes. */
const MAX_DEPTH = 100;

function toJson(node: Node | null | undefined, document: Document, positionAt: (offset: number) => Position, text: string, depth: number): Json {
  if (node === null || node === undefined) return null;
  if (depth > MAX_DEPTH) throw badYaml('values are nested too deeply, or an alias contains itself', positionAt(node.range?.[0] ?? 0), text);
  const below = (child: Node | null | undefined) => toJson(child, document, positionAt, text, depth + 1);
  if (isAlias(node)) {
    const aliased = target(node, document);
    if (aliased === undefined) throw badYaml(`no anchor is named &${node.source}`, positionAt(node.range?.[0] ?? 0), text);
    return below(aliased);
  }
  if (isMap(node)) {
    const result: Record<string, Json> = {};
    const merged: JsonObject[] = [];
    for (const pair of node.items) {
      if (isMergePair(pair)) {
        const value = below(pair.value as Node | null);
        merged.push(...(Array.isArray(value) ? (value as readonly Json[]) : [value]).filter(isJsonObject));
        continue;
      }
      const key = keyText(pair, positionAt, text);
      // Assigning would not make an own property of this name.
      Object.defineProperty(result, key, { value: below(pair.value as Node | null), enumerable: true, writable: true, configurable: true });
    }
    return merged.length === 0 ? result : Object.fromEntries([...merged.reverse(), result].flatMap((part) => Object.entries(part)));
  }
  if (isSeq(node)) return node.items.map((item) => below(item as Node));
  if (!isScalar(node)) return null;
  if (node.tag === '!vault') return { [VAULT_KEY]: String(node.value) };
  if (node.tag === '!unsafe') return unrendered(node.source ?? '', positionAt(node.range?.[0] ?? 0), text);
  const { value } = node;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  // JSON has neither infinity nor NaN, and `08` is no octal number: they stay what was written.
  if (typeof value === 'number' && Number.isFinite(value) && !/^[-+]?0[0-9_]*[89][0-9_]*$/.test(node.source ?? '')) return value;
  if (typeof value === 'bigint') return Number(value);
  return node.source ?? null;
}

/** `!unsafe` text is never rendered: what looks like Jinja in it is wrapped so that rendering gives it back. */
function unrendered(unsafe: string, position: Position, text: string): string {
  if (!/\{[{%#]/.test(unsafe)) return unsafe;
  if (/\{%[-+]?\s*endraw/.test(unsafe)) throw badYaml('an !unsafe text cannot hold {% endraw %}', position, text);
  return `{% raw %}${unsafe}{% endraw %}`;
}

function isMergePair(pair: Pair): boolean {
  return isScalar(pair.key) && (pair.key.value === '<<' || typeof pair.key.value === 'symbol') && pair.key.type !== 'QUOTE_DOUBLE' && pair.key.type !== 'QUOTE_SINGLE';
}

function keyText(pair: Pair, positionAt: (offset: number) => Position, text: string): string {
  const { key } = pair;
  if (isScalar(key)) return key.value === null ? 'null' : (key.source ?? '');
  const offset = isPair(key) ? 0 : ((key as Node | null)?.range?.[0] ?? 0);
  throw badYaml('a key must be plain text, not a list or mapping', positionAt(offset), text);
}

function target(alias: Alias, document: Document): Node | undefined {
  return alias.resolve(document);
}

/** Where the deepest existing part of a path begins; aliases and merge keys are followed to where the value stands. */
function offsetOf(root: Node | null, document: Document, path: DataPath, of: 'key' | 'value'): number {
  let node: Node | null | undefined = root;
  let offset = root?.range?.[0] ?? 0;
  for (const [index, step] of path.entries()) {
    const found = child(node, document, step);
    if (found === undefined) return offset;
    const key = found.key?.range?.[0];
    const value = found.value?.range?.[0];
    const last = index === path.length - 1;
    offset = (last && of === 'key' ? (key ?? value) : (value ?? key)) ?? offset;
    node = found.value;
  }
  return offset;
}

interface Child {
  readonly key: Node | undefined;
  readonly value: Node | null | undefined;
}

function child(node: Node | null | undefined, document: Document, step: string | number): Child | undefined {
  if (isAlias(node)) return child(target(node, document), document, step);
  if (isSeq(node)) {
    const value = node.items[Number(step)] as Node | undefined;
    return value === undefined ? undefined : { key: undefined, value };
  }
  if (!isMap(node)) return undefined;
  for (const pair of node.items) {
    if (!isMergePair(pair) && isScalar(pair.key) && (pair.key.source ?? 'null') === String(step)) {
      return { key: pair.key, value: pair.value as Node | null };
    }
  }
  for (const pair of node.items.filter(isMergePair)) {
    const sources = isSeq(pair.value) ? (pair.value.items as Node[]) : [pair.value as Node];
    const found = sources.map((source) => child(source, document, step)).find((one) => one !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

function badYaml(message: string, position: Position, text: string): LvsPlayError {
  const line = text.split('\n')[position.line - 1] ?? '';
  return new LvsPlayError({ code: 'bad-yaml', kind: 'input', message: `bad YAML: ${message.split('\n')[0] ?? message}`, position, hint: hintFor(message, line) });
}

function hintFor(message: string, line: string): string {
  if (/^[ ]*\t/.test(line) || message.includes('tab')) return 'indent with spaces: YAML takes no tabs there';
  if (/(?:^|[:-]\s)\s*\{\{/.test(line)) return 'a value that begins with {{ needs quotes: "{{ name }}"';
  if (message.startsWith('unknown tag')) return 'there are !vault and !unsafe; quote the value if it is text that begins with !';
  if (message.includes('anchor')) return 'define it above with &name, or quote the value if it is no alias';
  if (message.includes('unique')) return 'a key may stand only once in a mapping: remove one of the two';
  return 'check quotes, brackets and indentation here and on the line above';
}
