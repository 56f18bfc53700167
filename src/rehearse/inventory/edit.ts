import { isAlias, isMap, isScalar, type Pair, parseDocument, type Document, type YAMLMap } from 'yaml';
import { expandRange } from '../../inventory/range.ts';

/** What a replica's inventory differs in from the operator's. */
export interface InventoryEdit {
  /** Hosts, services and pairs that stay; undefined: all. */
  readonly keep?: { readonly hosts: ReadonlySet<string>; readonly services: ReadonlySet<string>; readonly pairs: ReadonlySet<string> };
  /** A real server's other weight. */
  readonly weight?: { readonly service: string; readonly host: string; readonly weight: number };
}

/**
 * An inventory or variables file in which only what the edit names is different: comments, vaulted values, templates and anchors stay what they were written as. Pure.
 * A file that is no YAML (a vaulted one) comes back as it is.
 * @param kind `hosts`: groups of hosts; `vars`: variables
 */
export function editInventory(text: string, kind: 'hosts' | 'vars', edit: InventoryEdit): string {
  // Without types: a value that is not touched is printed as it was written, whatever YAML 1.1 takes it for.
  const document = parseDocument(text, { version: '1.1', schema: 'failsafe', prettyErrors: false, logLevel: 'silent' });
  if (document.errors.length > 0 || !isMap(document.contents)) return text;
  const editor = new Editor(document, edit);
  if (kind === 'vars') editor.variables(document.contents);
  else for (const pair of document.contents.items) editor.group(pair.value);
  return editor.touched ? document.toString({ lineWidth: 0 }) : text;
}

class Editor {
  touched = false;
  readonly #document: Document;
  readonly #edit: InventoryEdit;

  constructor(document: Document, edit: InventoryEdit) {
    this.#document = document;
    this.#edit = edit;
  }

  group(node: unknown): void {
    const group = this.#map(node);
    this.variables(this.#map(group?.get('vars', true)));
    for (const { value } of this.#map(group?.get('children', true))?.items ?? []) this.group(value);
    const hosts = this.#map(group?.get('hosts', true));
    for (const { value } of hosts?.items ?? []) this.variables(this.#map(value));
    const keep = this.#edit.keep?.hosts;
    if (keep === undefined) return;
    const written = group?.get('hosts');
    // A single name may stand for the mapping.
    if (typeof written === 'string' && written !== '' && hostsOf(written).every((host) => !keep.has(host))) this.#delete(group, 'hosts');
    if (hosts === undefined) return;
    hosts.items = hosts.items.flatMap((pair) => this.#keptHosts(pair, keep));
  }

  /** A range that stays in part is written out. */
  #keptHosts(pair: Pair, keep: ReadonlySet<string>): Pair[] {
    const written = textOf(pair.key);
    const names = hostsOf(written);
    const stay = names.filter((name) => keep.has(name));
    if (stay.length === names.length) return [pair];
    this.touched = true;
    const port = portOf(written);
    return stay.map((name) => this.#document.createPair(`${name}${port}`, pair.value));
  }

  variables(variables: YAMLMap | undefined): void {
    const lvs = this.#map(variables?.get('lvs', true));
    if (lvs === undefined) return;
    const services = this.#map(lvs.get('virtual_services', true));
    for (const { key, value } of services?.items ?? []) this.#service(textOf(key), this.#map(value));
    const { keep } = this.#edit;
    if (keep === undefined) return;
    this.#filter(services, (name) => keep.services.has(name));
    this.#filter(this.#map(lvs.get('ha_pairs', true)), (name) => keep.pairs.has(name));
    this.#filter(this.#map(lvs.get('sync_groups', true)), (_, group) => namesIn(this.#resolved(group?.get('pairs', true))).every((pair) => keep.pairs.has(pair)));
    this.#filter(this.#map(lvs.get('nat_networks', true)), (_, network) => {
      const on = textOf(network?.get('on', true));
      return keep.pairs.has(on) || keep.hosts.has(on);
    });
  }

  #service(name: string, service: YAMLMap | undefined): void {
    const servers = this.#map(service?.get('real_servers', true));
    const { keep, weight } = this.#edit;
    if (keep !== undefined) this.#filter(servers, (host) => keep.hosts.has(host));
    if (weight === undefined || weight.service !== name || servers?.has(weight.host) !== true) return;
    const own = this.#map(servers.get(weight.host, true));
    this.touched = true;
    if (own === undefined) servers.set(weight.host, this.#document.createNode({ weight: String(weight.weight) }));
    else own.set('weight', String(weight.weight));
  }

  #filter(map: YAMLMap | undefined, stays: (name: string, value: YAMLMap | undefined) => boolean): void {
    for (const { key, value } of [...(map?.items ?? [])]) if (!stays(textOf(key), this.#map(value))) this.#delete(map, textOf(key));
  }

  #delete(map: YAMLMap | undefined, key: string): void {
    if (map?.delete(key) === true) this.touched = true;
  }

  #map(node: unknown): YAMLMap | undefined {
    const resolved = this.#resolved(node);
    return isMap(resolved) ? resolved : undefined;
  }

  #resolved(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }
}

function textOf(node: unknown): string {
  return isScalar(node) ? String(node.value) : '';
}

function namesIn(node: unknown): string[] {
  return typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items) ? node.items.map(textOf) : [];
}

/** `name:2222` is a name and a port, as the inventory's reader takes it. */
function portOf(written: string): string {
  return /^(?:[^:[\]]|\[[^\]]*\])+(:\d+)$/.exec(written)?.[1] ?? '';
}

function hostsOf(written: string): string[] {
  return expandRange(written.slice(0, written.length - portOf(written).length));
}
