import { InputErrors, LvsPlayError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { directorSysctls } from '../lvs/host/director.ts';
import { realServerAddresses, realServerSysctls } from '../lvs/host/real-server.ts';
import { buildTopology } from '../lvs/model/build.ts';
import { bare } from '../lvs/model/ip.ts';
import { addressesOf, type Topology } from '../lvs/model/topology.ts';
import type { Draft } from './cluster/draft.ts';
import { firewallNotes } from './cluster/firewall.ts';
import type { HostSources } from './cluster/merge.ts';
import { objectAt } from './cluster/json.ts';
import type { Note } from './types.ts';

/** What a review of a draft gives: more notes, and whether our own loader takes it. */
export interface Review {
  readonly draft: Draft;
  readonly sound: boolean;
}

/**
 * Holds a draft against the model's own rules, and what the sources set against what the model sets, so that the report says of every
 * setting what becomes of it.
 */
export function reviewDraft(draft: Draft, sources: readonly HostSources[]): Review {
  const built = topologyOf(draft);
  if ('problems' in built) {
    const notes = built.problems.map((error): Note => ({ kind: 'bug', id: error.code, text: error.message, reason: `${error.hint ?? 'see docs/inventory.md'}; lvs-play refuses the inventory as it is` }));
    return { draft: { ...draft, notes: [...draft.notes, ...notes, ...onFirewalls(draft, sources, undefined)] }, sound: false };
  }
  const { topology } = built;
  const names = new Set(draft.hosts.map(({ name }) => name));
  const changes = sources.flatMap((source) => settingNotes(topology, source, names));
  const replaced = new Set(changes.flatMap(({ position }) => (position === undefined ? [] : [JSON.stringify(position)])));
  const notes = draft.notes.filter((note) => note.kind !== 'understood' || note.position === undefined || !replaced.has(JSON.stringify(note.position)));
  return { draft: { ...draft, notes: [...notes, ...changes, ...onFirewalls(draft, sources, topology), ...whatDeploys(topology)] }, sound: true };
}

function onFirewalls({ hosts }: Draft, sources: readonly HostSources[], topology: Topology | undefined): Note[] {
  const addresses = hosts.map(({ address }) => address);
  return sources.flatMap(({ setup }) => firewallNotes(setup, setup.name ?? hosts.find(({ address }) => address === setup.ownAddress)?.name ?? 'a host', topology, addresses));
}

function topologyOf(draft: Draft): { readonly topology: Topology } | { readonly problems: readonly LvsPlayError[] } {
  try {
    return { topology: buildTopology({ value: withVariables(draft), locate: () => undefined }, new Map(draft.hosts.map(({ name, address }) => [name, { host: name, address }]))) };
  } catch (error) {
    if (error instanceof InputErrors) return { problems: error.errors };
    if (error instanceof LvsPlayError) return { problems: [error] };
    throw error;
  }
}

/** Values that stand in variables of their own, in their places: nothing is templated here. */
function withVariables({ lvs, variables }: Draft): JsonObject {
  const pairs = Object.entries(objectAt(lvs, 'ha_pairs')).map(([name, pair]) => {
    const written = objectAt({ pair }, 'pair');
    const pass = written['auth_pass'];
    const variable = typeof pass === 'string' ? /^\{\{ (\w+) \}\}$/.exec(pass)?.[1] : undefined;
    return [name, variable === undefined ? written : { ...written, auth_pass: variables[variable] ?? null }] as const;
  });
  return pairs.length === 0 ? lvs : { ...lvs, ha_pairs: Object.fromEntries(pairs) };
}

/** Kernel parameters and addresses of a source that the model does not set, or sets otherwise. */
function settingNotes(topology: Topology, { setup }: HostSources, names: ReadonlySet<string>): Note[] {
  const hosts = setup.name !== undefined && names.has(setup.name) ? [setup.name] : setup.services.length > 0 ? [...topology.directors.keys()] : [...topology.realServers.keys()];
  const wanted = new Map(hosts.flatMap((host) => Object.entries({ ...directorSysctls(topology, host), ...realServerSysctls(topology, host) })));
  const about = setup.name === undefined ? {} : { host: setup.name };
  const sysctls = setup.sysctls
    .filter(({ position, key }) => position.line > 0 && !key.startsWith('net/ipv4/vs/'))
    .flatMap(({ key, value, position, transient }): Note[] => {
      const name = key.replaceAll('/', '.');
      // Some are set for every interface.
      const ours = wanted.get(name) ?? wanted.get(name.replace(/^(net\.ipv[46]\.conf)\..+\.(\w+)$/, '$1.*.$2'));
      const at = { ...about, position, text: `${name} = ${value}` };
      if (ours === undefined) return [{ ...at, kind: 'changed', reason: reasonOf(key, topology) }];
      if (ours !== value) return [{ ...at, kind: 'changed', reason: `lvs-play sets ${ours}` }];
      return [{ ...at, kind: transient ? 'changed' : 'understood', reason: transient ? 'set by lvs-play, too, and in a file, so that a reboot keeps it' : 'set by lvs-play, too' }];
    });
  const carried = new Set([
    ...hosts.flatMap((host) => realServerAddresses(topology, host).map(({ address }) => bare(address))),
    ...[...topology.services.values()].filter(({ vipInterface }) => vipInterface !== undefined).map(({ vip }) => vip),
    ...[...topology.pairs.values()].flatMap((pair) => addressesOf(pair).map(({ address }) => address)),
  ]);
  const addresses = setup.addresses
    .filter(({ address, position }) => position.line > 0 && address !== setup.ownAddress && !carried.has(address))
    .map(({ address, prefix, interface: name, position }): Note => ({ ...about, kind: 'changed', position, text: `${address}/${String(prefix)} on ${name}`, reason: 'left out: no service of this host needs it; as an address of the host itself it belongs into the network configuration of the host' }));
  return [...sysctls, ...addresses];
}

function reasonOf(key: string, topology: Topology): string {
  const modes = new Set([...topology.services.values()].map(({ mode }) => mode));
  if (key === 'net/ipv4/ip_forward' && !modes.has('nat')) return 'left out: in DR and TUN nothing is forwarded; packets for the VIP are delivered to the director and IPVS sends them on';
  if (key.endsWith('/arp_ignore') || key.endsWith('/arp_announce')) return 'left out: lvs-play sets it on all, which counts for every interface';
  return 'left out: the services of this host do not need it; a task of the module sysctl can keep it';
}

/** What the first deploy does whatever the sources are: said once, as `plan` will show it. */
function whatDeploys(topology: Topology): Note[] {
  const managers = new Set([...topology.services.values()].map(({ manager }) => manager));
  const carriers = [...topology.realServers.values()].filter(({ vips }) => vips.length > 0).map(({ host }) => host);
  const directors = [...topology.directors.keys()].join(', ');
  return [
    ...(topology.directors.size === 0 ? [] : [{ kind: 'changed', text: `on ${directors}: kernel modules and parameters`, reason: 'lvs-play keeps them in files of its own and adds what the services need (net.ipv4.vs.conn_reuse_mode and the like)' } as const]),
    ...(managers.has('keepalived') || topology.pairs.size > 0 ? [{ kind: 'changed', text: `on ${directors}: keepalived.conf`, reason: 'it is one file in the layout of lvs-play, with what keepalived would assume anyway written out' } as const] : []),
    ...(managers.has('script') ? [{ kind: 'changed', text: `on ${directors}: the IPVS table`, reason: 'filled by a script of lvs-play that systemd runs at boot; the old script shall no longer run' } as const] : []),
    ...(carriers.length === 0 ? [] : [{ kind: 'changed', text: `on ${carriers.join(', ')}: the VIPs and ARP rules`, reason: 'set by a script of lvs-play that systemd runs at boot, rules first; the old script shall no longer run' } as const]),
  ];
}
