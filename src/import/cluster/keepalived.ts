import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { HostSetup } from '../host/setup.ts';
import type { KeepalivedImport, KeepalivedMark, KeepalivedMember, Note } from '../types.ts';
import { addressesOfPair, addressesOfService, objectAt } from './json.ts';
import { markedPackets } from './marks.ts';
import type { Merging } from './services.ts';
import { aligned, ownInterfaces } from './views.ts';

interface DirectorSource {
  readonly setup: HostSetup;
  readonly keepalived: KeepalivedImport | undefined;
  readonly name: string;
}

/** Puts the configurations of all directors together: pairs get their members, services go to the pair or the one director. Gives every section but the services. */
export function addKeepalived(directors: readonly DirectorSource[], merging: Merging): JsonObject {
  const sections: Record<string, JsonObject> = {};
  let scriptUser: Json | undefined;
  for (const { keepalived, name } of directors) {
    if (keepalived === undefined) continue;
    for (const [section, value] of Object.entries(keepalived.lvs)) {
      if (section === 'script_user') scriptUser ??= value;
      else if (section === 'virtual_services' && isJsonObject(value)) addConfigured(value, { director: name, keepalived, directors }, merging);
      else if (isJsonObject(value)) sections[section] = section === 'ipvs' ? { ...sections[section], ...value } : joined(section, sections[section] ?? {}, value, { director: name, keepalived, directors }, merging);
    }
  }
  const pairs = Object.entries(sections['ha_pairs'] ?? {}).flatMap(([pair, value]): [string, JsonObject][] => (isJsonObject(value) ? [[pair, withMembers(pair, value, directors, merging)]] : []));
  return { ...(scriptUser === undefined ? {} : { script_user: scriptUser }), ...sections, ...(pairs.length === 0 ? {} : { ha_pairs: Object.fromEntries(pairs) }) };
}

/** What both directors have must be the same; the first one's is taken. */
function joined(section: string, before: JsonObject, found: JsonObject, { director, keepalived, directors }: Configured, { notes }: Merging): JsonObject {
  const result: Record<string, Json> = { ...before };
  const earlier = directors.slice(0, directors.findIndex(({ name }) => name === director)).flatMap((one) => one.keepalived ?? []);
  for (const [name, value] of Object.entries(found)) {
    const other = result[name];
    result[name] ??= value;
    if (other === undefined) continue;
    const seen = section === 'ha_pairs' || section === 'sync_groups' ? both(section, name, { other, value, earlier, keepalived }) : undefined;
    if (seen !== undefined) result[name] = seen.before;
    const [ours, theirs] = [seen?.before ?? other, seen?.found ?? value].map((one) => (isJsonObject(one) ? withoutOwn(one) : one));
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
      notes.push({ kind: 'bug', id: 'members-differ', host: director, text: `${section} ${name}: ${differing(ours, theirs)}`, reason: 'it differs from what another member has, and they must be the same; the first one is taken' });
    }
  }
  return result;
}

function both(section: string, name: string, { other, value, earlier, keepalived }: { other: Json; value: Json; earlier: readonly KeepalivedImport[]; keepalived: KeepalivedImport }): ReturnType<typeof aligned> | undefined {
  if (!isJsonObject(other) || !isJsonObject(value)) return undefined;
  const knowing = earlier.filter(({ lvs }) => objectAt(lvs, section)[name] !== undefined);
  return aligned({ before: other, found: value, earlier: knowing.map((one) => ownInterfaces(one, section, name, other)), own: ownInterfaces(keepalived, section, name, value) });
}

/** An interface may be a member's own. */
function withoutOwn(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'interface').sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names of keys, never values: a password may be among them. */
function differing(a: Json | undefined, b: Json | undefined): string {
  if (!isJsonObject(a ?? null) || !isJsonObject(b ?? null)) return 'the value';
  const [one, other] = [a as JsonObject, b as JsonObject];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((key) => JSON.stringify(one[key]) !== JSON.stringify(other[key])).join(', ');
}

function withMembers(pair: string, value: JsonObject, directors: readonly DirectorSource[], merging: Merging): JsonObject {
  const shared = value['interface'];
  const members = directors.flatMap(({ name, keepalived }): [string, KeepalivedMember][] => {
    const member = keepalived?.members.get(pair);
    return member === undefined ? [] : [[name, member]];
  });
  // Unicast names the peers, which may have no file here.
  const missing = members.flatMap(([, { peers }]) => peers).filter((peer, i, all) => all.indexOf(peer) === i && !members.some(([name, { address }]) => address === peer || merging.names.addressesOf(name).includes(peer)));
  const lowest = Math.min(...members.map(([, { priority }]) => priority));
  const others = missing.map((peer, i): [string, JsonObject] => {
    const name = merging.names.of(peer, 'lvs', merging.taken);
    merging.taken.add(name);
    merging.notes.push({ kind: 'missing', host: name, text: `${name} (${peer}), another member of ${pair}`, reason: `its keepalived.conf was not given: priority ${String(Math.max(1, lowest - 10 * (i + 1)))} is a guess` });
    return [name, { priority: Math.max(1, lowest - 10 * (i + 1)) }];
  });
  if (members.length + others.length === 1) {
    const name = partner(members[0]?.[0] ?? 'lvs1', merging);
    const guess = lowest > 10 ? lowest - 10 : lowest + 10;
    merging.notes.push({ kind: 'missing', host: name, text: `the other member of ${pair}`, reason: `only one keepalived.conf was given: ${name} with priority ${String(guess)} is a guess; import both, as lvs1@ADDRESS=FILE lvs2@ADDRESS=FILE` });
    others.push([name, { priority: guess }]);
  }
  const own = members.map(([name, { priority, interface: at, address }]): [string, JsonObject] => [
    name,
    { priority, ...(at === shared ? {} : { interface: at }), ...(address === undefined || merging.names.addressesOf(name).includes(address) ? {} : { address }) },
  ]);
  return { members: Object.fromEntries([...own, ...others]), ...value };
}

/** A name beside another one: `lvs2` for `lvs1`. */
function partner(name: string, { names, taken }: Merging): string {
  const found = names.free(name.replace(/\d+$/, ''), taken);
  taken.add(found);
  return found;
}

function addConfigured(services: JsonObject, { director, keepalived, directors }: Configured, merging: Merging): void {
  for (const [name, value] of Object.entries(services)) {
    if (!isJsonObject(value)) continue;
    const mark = keepalived.marks.get(name);
    const matched = mark === undefined ? value : marked(mark, value, { director, keepalived, directors }, merging);
    if (matched === undefined) continue;
    const entry: JsonObject = { on: director, ...named(matched, director, merging) };
    const inPair = typeof matched['on'] === 'string' && keepalived.members.has(matched['on']);
    const twin = [...merging.services].find(([, other]) => (['address', 'fwmark', 'protocol'] as const).every((key) => JSON.stringify(other[key]) === JSON.stringify(entry[key])));
    if (twin === undefined) {
      merging.services.set(merging.services.has(name) ? `${name}-${director}` : name, entry);
    } else if (!inPair || JSON.stringify(twin[1]) !== JSON.stringify(entry)) {
      merging.notes.push({ kind: 'bug', id: 'members-differ', host: director, text: `virtual service ${twin[0]}: ${differing(twin[1], entry)}`, reason: inPair ? 'it differs from what another member has, and they must be the same; the first one is taken' : 'two directors have it and no HA pair holds its address; the first one is taken' });
    }
  }
}

interface Configured {
  readonly director: string;
  readonly keepalived: KeepalivedImport;
  /** All, as firewall rules of one tell what marks of the other mean. */
  readonly directors: readonly DirectorSource[];
}

/** A service of a mark with its packets, on the pair that has their address; undefined: which packets those are is not told. */
function marked({ mark, family, position, text }: KeepalivedMark, service: JsonObject, { director, keepalived, directors }: Configured, { notes }: Merging): JsonObject | undefined {
  const own = directors.filter(({ name }) => name === director);
  const packets = [...own, ...directors].map(({ setup }) => markedPackets(setup, mark, family)).find((one) => one !== undefined);
  if (packets === undefined) {
    notes.push({ kind: 'not-understood', position, host: director, text, reason: `left out: which packets get the mark ${String(mark)} is not told; import the iptables or nft commands that set it, too` });
    return undefined;
  }
  notes.push({ kind: 'understood', position, host: director, text, reason: `virtual service of the mark ${String(mark)}` });
  const addresses = addressesOfService(packets);
  const pairs = objectAt(keepalived.lvs, 'ha_pairs');
  const pair = Object.keys(pairs).find((name) => addressesOfPair(objectAt(pairs, name)).some((address) => addresses.includes(address)));
  return { ...(pair === undefined ? {} : { on: pair }), ...packets, ...service };
}

/** Real servers and the sorry server by name instead of by address. */
function named(service: JsonObject, director: string, { names, taken, notes }: Merging): JsonObject {
  const nameOf = (address: string): string => {
    const name = address.startsWith('127.') ? director : names.of(address, 'rs', taken);
    taken.add(name);
    return name;
  };
  const list = Object.entries(objectAt(service, 'real_servers')).map(([key, options]): [string, Json] => {
    const [address = key] = key.split('#');
    const name = nameOf(address);
    const known = names.addressOf(name);
    const extra = known === undefined || known === address || address.startsWith('127.') ? {} : { address };
    return [key.includes('#') ? `${name}#${key.split('#')[1] ?? ''}` : name, isJsonObject(options) ? { ...extra, ...options } : extra];
  });
  return { ...service, real_servers: Object.fromEntries(distinct(list, director, notes)) };
}

/** The model knows a host once in a service: of several ports of one address the first is kept. */
function distinct(list: readonly [string, Json][], director: string, notes: Note[]): [string, Json][] {
  const seen = new Map<string, Json>();
  for (const [key, value] of list) {
    const [name = key] = key.split('#');
    if (seen.has(name)) notes.push({ kind: 'not-understood', host: director, text: `real server ${key.replace('#', ', port ')}`, reason: `left out: ${name} is a real server of this service already, by another port` });
    else seen.set(name, value);
  }
  return [...seen];
}
