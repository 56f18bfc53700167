import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { formatEndpoint } from '../../lvs/model/ip.ts';
import type { HostSetup } from '../host/setup.ts';
import type { KeepalivedImport, Note } from '../types.ts';
import { directorBugs } from './bugs/director-bugs.ts';
import type { Draft, DraftHost } from './draft.ts';
import { addKeepalived } from './keepalived.ts';
import { addressesOfService, objectAt, textOf } from './json.ts';
import { unusedMarks } from './marks.ts';
import { HostNames } from './names.ts';
import { natNetworks } from './nat.ts';
import { realServerBugs } from './bugs/real-server-bugs.ts';
import { addInterfaces, addServices, type Merging } from './services.ts';

/** One host's part of what is imported: its files, or what it said itself. */
export interface HostSources {
  readonly setup: HostSetup;
  /** Its keepalived.conf. */
  readonly keepalived: KeepalivedImport | undefined;
}

/** Never routed (RFC 5737), so that nothing is reached by mistake before the operator fills in the address. */
const PLACEHOLDER = '192.0.2.';

/**
 * One inventory of all sources. Pure.
 * @param known inventory names with their addresses in the cluster, where the caller has them
 */
export function mergeSources(sources: readonly HostSources[], known: ReadonlyMap<string, string>): Draft {
  const names = new HostNames(sources.map(({ setup }) => setup), known);
  const merging: Merging = {
    names,
    taken: new Set([...known.keys(), ...sources.flatMap(({ setup }) => setup.name ?? [])]),
    services: new Map(),
    comments: new Map(),
    notes: sources.flatMap(({ setup, keepalived }) => [...setup.notes, ...(keepalived?.notes ?? []).map((note) => withHost(note, setup.name))]),
  };
  // A host's further addresses, IPv6 among them, are its own too; those with a host's own prefix length are virtual ones.
  for (const { setup } of sources) {
    for (const { address, prefix } of setup.addresses) if (setup.name !== undefined && prefix < (address.includes(':') ? 128 : 32)) names.also(setup.name, address);
  }
  const directing = sources.filter(({ setup, keepalived }) => keepalived !== undefined || setup.services.length > 0);
  const directors = directing.map(({ setup, keepalived }) => ({ setup, keepalived, name: directorName(setup, keepalived, merging) }));
  const sections = addKeepalived(directors, merging);
  for (const { setup, keepalived, name } of directors) {
    addServices(withoutOwned(setup, keepalived, name, merging), name, merging);
    addInterfaces(setup, name, merging);
  }
  const services = Object.fromEntries(merging.services);
  for (const { setup } of sources) merging.notes.push(...unusedMarks(setup, merging.services.values()));
  const networks = natNetworks({ directors, servers: sources.filter((one) => !directing.includes(one)).map(({ setup }) => setup), pairs: objectAt(sections, 'ha_pairs') }, merging);
  bugs(sources, directors.map(({ setup }) => setup), merging);
  const settings = ipvsSettings(directors.map(({ setup }) => setup), merging);
  const lvs: JsonObject = {
    ...sections,
    ...(settings === undefined ? {} : { ipvs: { ...objectAt(sections, 'ipvs'), ...settings } }),
    ...(Object.keys(networks).length === 0 ? {} : { nat_networks: networks }),
    ...(Object.keys(services).length === 0 ? {} : { virtual_services: services }),
  };
  return { hosts: hostsOf([...directors.map(({ name }) => name), ...membersOf(sections)], merging), lvs, variables: {}, comments: merging.comments, notes: merging.notes };
}

function withHost(note: Note, host: string | undefined): Note {
  return host === undefined || note.host !== undefined ? note : { ...note, host };
}

function directorName(setup: HostSetup, keepalived: KeepalivedImport | undefined, { names, taken }: Merging): string {
  const address = setup.ownAddress ?? [...(keepalived?.members.values() ?? [])].find((member) => member.address !== undefined)?.address;
  const name = setup.name ?? (address === undefined ? names.free('lvs', taken) : names.of(address, 'lvs', taken));
  taken.add(name);
  if (address !== undefined) names.also(name, address);
  return name;
}

/** A table read from a host with keepalived: what keepalived fills is described by its configuration. */
function withoutOwned(setup: HostSetup, keepalived: KeepalivedImport | undefined, name: string, { notes }: Merging): HostSetup {
  if (keepalived === undefined) return setup;
  const owned = new Set(
    Object.values(objectAt(keepalived.lvs, 'virtual_services')).flatMap((service) => {
      if (!isJsonObject(service)) return [];
      return [service['fwmark'] === undefined ? `${textOf(service['protocol']) || 'tcp'} ${textOf(service['address'])}` : `fwm ${textOf(service['fwmark'])}`];
    }),
  );
  const inPair = keepalived.members.size > 0;
  const left = setup.services.filter((service) => {
    const key = service.protocol === 'fwm' ? `fwm ${String(service.port)}` : `${service.protocol} ${formatEndpoint(service.address, service.port)}`;
    if (owned.has(key)) return false;
    if (inPair) notes.push({ kind: 'not-understood', position: service.position, host: name, text: `virtual service ${key}`, reason: "it is in the kernel but not in keepalived.conf; a pair's services are keepalived's" });
    return !inPair;
  });
  return { ...setup, services: left };
}

/** The mistakes that only show when the parts are seen together. */
function bugs(sources: readonly HostSources[], directors: readonly HostSetup[], { services, notes }: Merging): void {
  const entries = [...services.values()];
  const vips = new Set(entries.filter((service) => service['mode'] !== 'nat').flatMap(addressesOfService));
  for (const { setup } of sources) {
    if (directors.includes(setup)) notes.push(...directorBugs(setup, entries.some((service) => service['mode'] === 'nat')));
    else notes.push(...realServerBugs(setup, vips.size === 0 ? undefined : vips));
  }
}

function ipvsSettings(setups: readonly HostSetup[], { notes }: Merging): JsonObject | undefined {
  const [timeouts, other] = setups.flatMap((setup) => setup.timeouts ?? []);
  if (other !== undefined && JSON.stringify(other) !== JSON.stringify(timeouts)) notes.push({ kind: 'changed', text: 'the directors have different time-outs of IPVS', reason: 'the first one is taken for all' });
  const sysctls = Object.fromEntries(setups.flatMap(({ sysctls: all }) => all.filter(({ key }) => key.startsWith('net/ipv4/vs/')).map(({ key, value }) => [key.slice('net/ipv4/vs/'.length), value])));
  if (timeouts === undefined && Object.keys(sysctls).length === 0) return undefined;
  return { ...(timeouts === undefined ? {} : { timeouts: { ...timeouts } }), ...(Object.keys(sysctls).length === 0 ? {} : { sysctls }) };
}

function membersOf(sections: JsonObject): string[] {
  const pairs = objectAt(sections, 'ha_pairs');
  return Object.keys(pairs).flatMap((name) => Object.keys(objectAt(objectAt(pairs, name), 'members')));
}

function hostsOf(directors: readonly string[], { names, services, notes }: Merging): DraftHost[] {
  const servers = [...new Set([...services.values()].flatMap((service) => Object.keys(objectAt(service, 'real_servers'))))];
  let placeholder = 0;
  const host = (name: string, group: DraftHost['group']): DraftHost => {
    const address = names.addressOf(name) ?? names.addressesOf(name)[0];
    if (address !== undefined) return { name, group, address, comment: undefined };
    const guess = `${PLACEHOLDER}${String(++placeholder)}`;
    notes.push({ kind: 'missing', host: name, text: `the own address of ${name}`, reason: `no source tells it; ${guess} is a placeholder that leads nowhere: write the address, or import with ${name}@ADDRESS=FILE` });
    return { name, group, address: guess, comment: 'a placeholder: write its own address' };
  };
  return [...[...new Set(directors)].map((name) => host(name, 'directors')), ...servers.filter((name) => !directors.includes(name)).map((name) => host(name, 'real_servers'))];
}
