import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { LvsPlayError } from '../core/errors.ts';
import type { InputFiles } from '../core/inputs.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import type { Located } from '../core/located.ts';
import { suggest } from '../core/text/suggest.ts';
import { parseYamlFile } from '../yaml/load.ts';
import { expandRange } from './range.ts';

/** What inventory files say, before groups are joined and variables merged. */
export interface RawInventory {
  readonly groups: Map<string, RawGroup>;
  /** Own variables of hosts, in the order hosts were first named. */
  readonly hosts: Map<string, Map<string, Located>>;
}

export interface RawGroup {
  readonly vars: Map<string, Located>;
  readonly children: Set<string>;
  readonly hosts: Set<string>;
}

export function emptyInventory(): RawInventory {
  const raw: RawInventory = { groups: new Map(), hosts: new Map() };
  groupOf(raw, 'all');
  groupOf(raw, 'ungrouped');
  return raw;
}

/** Adds one source of `-i`: a file, a directory of files, or `host1,host2,`. @throws LvsPlayError for anything that is no inventory */
export async function addSource(raw: RawInventory, source: string, inputs: InputFiles): Promise<void> {
  if (source.includes(',')) {
    for (const name of source.split(',').map((part) => part.trim()).filter((part) => part !== '')) {
      for (const host of expandRange(name)) addHost(raw, groupOf(raw, 'all'), host);
    }
    return;
  }
  for (const file of await filesOf(source)) addDocument(raw, await parseYamlFile(file, inputs), file);
}

async function filesOf(source: string): Promise<string[]> {
  let info: Awaited<ReturnType<typeof stat>>;
  try {
    info = await stat(source);
  } catch (cause) {
    throw new LvsPlayError({
      code: 'no-inventory',
      kind: 'input',
      message: `inventory ${source} does not exist`,
      hint: 'give a file, a directory, or host names with a comma: -i "web1,"',
      cause,
    });
  }
  if (!info.isDirectory()) return [source];
  const names = (await readdir(source)).filter((name) => /\.ya?ml$/.test(name)).sort();
  if (names.length === 0) {
    throw new LvsPlayError({ code: 'no-inventory', kind: 'input', message: `no .yml file in the inventory directory ${source}`, hint: 'name one hosts.yml' });
  }
  return Promise.all(names.map((name) => realpath(path.join(source, name)).then(() => path.join(source, name))));
}

function addDocument(raw: RawInventory, document: Located, file: string): void {
  if (document.value === null) return;
  if (!isJsonObject(document.value)) throw wrong(document, [], `${file} is no inventory: a mapping of groups is expected`, 'begin it with all:');
  for (const name of Object.keys(document.value)) addGroup(raw, document, [name], name, new Set());
}

const GROUP_KEYS = ['hosts', 'children', 'vars'];

function addGroup(raw: RawInventory, document: Located, at: readonly string[], name: string, above: ReadonlySet<string>): void {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) throw wrong(document, at, `"${name}" is no group name`, 'letters, digits and _ only, not beginning with a digit', 'key');
  const loop = above.has(name);
  if (loop) throw wrong(document, at, `group ${name} is among its own children`, 'remove it from children', 'key');
  const group = groupOf(raw, name);
  const value = valueAt(document.value, at);
  if (value === null) return;
  if (!isJsonObject(value)) throw wrong(document, at, `group ${name} is not a mapping`, 'a group has hosts:, children: and vars:');
  for (const key of Object.keys(value)) {
    if (GROUP_KEYS.includes(key)) continue;
    const meant = suggest(key, GROUP_KEYS);
    throw wrong(document, [...at, key], `"${key}" is not known in a group`, meant === undefined ? 'a group has hosts:, children: and vars:' : `did you mean ${meant}?`, 'key');
  }
  // In the order written: it decides the order of hosts and groups, as in Ansible.
  for (const section of Object.keys(value)) {
    if (section === 'vars') for (const [variable, located] of variables(document, [...at, 'vars'])) group.vars.set(variable, located);
    else if (section === 'hosts') addHosts(raw, document, at, group);
    else {
      for (const child of keysOf(document, [...at, 'children'])) {
        addGroup(raw, document, [...at, 'children', child], child, new Set([...above, name]));
        group.children.add(child);
      }
    }
  }
}

function addHosts(raw: RawInventory, document: Located, at: readonly string[], group: RawGroup): void {
  for (const written of keysOf(document, [...at, 'hosts'])) {
    const place = [...at, 'hosts', written];
    // `name:2222` is a name and a port; the colons of a range stand in brackets, and an IPv6 address has more of them.
    const [, host = written, port] = /^((?:[^:[\]]|\[[^\]]*\])+):(\d+)$/.exec(written) ?? [];
    for (const expanded of expandRange(host, document.locate(place, 'key'))) {
      const own = addHost(raw, group, expanded);
      if (port !== undefined) own.set('ansible_port', { value: Number(port), locate: () => document.locate(place, 'key') });
      for (const [variable, located] of variables(document, place)) own.set(variable, located);
    }
  }
}

/** The entries of a mapping (or null) as variables that know their place. */
function variables(document: Located, at: readonly string[]): [string, Located][] {
  return keysOf(document, at).map((name) => [name, { value: valueAt(document.value, [...at, name]), locate: (below, of) => document.locate([...at, name, ...below], of) }]);
}

function keysOf(document: Located, at: readonly string[]): string[] {
  const value = valueAt(document.value, at);
  if (value === null) return [];
  if (typeof value === 'string' && (at.at(-1) === 'hosts' || at.at(-1) === 'children')) return [value];
  if (!isJsonObject(value)) throw wrong(document, at, `${at.at(-1) ?? ''} is not a mapping`, 'write one "name:" a line below it, each with its colon');
  return Object.keys(value);
}

function valueAt(value: Json, at: readonly string[]): Json {
  return at.reduce<Json>((current, key) => (isJsonObject(current) ? (current[key] ?? null) : null), value);
}

function groupOf(raw: RawInventory, name: string): RawGroup {
  const group = raw.groups.get(name) ?? { vars: new Map<string, Located>(), children: new Set<string>(), hosts: new Set<string>() };
  raw.groups.set(name, group);
  return group;
}

function addHost(raw: RawInventory, group: RawGroup, host: string): Map<string, Located> {
  group.hosts.add(host);
  const own = raw.hosts.get(host) ?? new Map<string, Located>();
  raw.hosts.set(host, own);
  return own;
}

function wrong(document: Located, at: readonly string[], message: string, hint: string, of: 'key' | 'value' = 'value'): LvsPlayError {
  return new LvsPlayError({ code: 'bad-inventory', kind: 'input', message, position: document.locate(at, of), hint });
}
