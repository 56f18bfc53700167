import { shellQuote } from '../../core/text/quote.ts';
import type { Json } from '../../core/json.ts';
import type { ConfiguredService, KeepalivedConfig, VrrpInstance } from '../../lvs/change/config.ts';
import { parseDump, parseHealth, type ServerHealth, type ServiceHealth } from '../../lvs/change/dump.ts';
import { DUMP_SCRIPT } from '../../lvs/change/dump-script.ts';
import { parseProcNetIpVs } from '../../lvs/ipvs/parse.ts';
import type { IpvsTable } from '../../lvs/ipvs/types.ts';
import { defineFact } from '../contract.ts';
import { jsonOf } from '../network/ipvs.ts';

/** What a running keepalived tells of itself. Null: none runs, it is only starting or reloading, or this version tells nothing that is known here. */
export type KeepalivedState = {
  /** Holds passwords: compared, never shown, and no aspect of it is kept. */
  readonly instances: Json;
  readonly services: Json;
  /** IpvsTables right before it was asked and right after: what health checks change meanwhile is in one of them. */
  readonly tables: readonly Json[];
  /** Seconds since its file was written; null where nobody knows. */
  readonly fileAge: number | null;
} | null;

const table = (name: string): string => `echo '--- ${name}'; if [ -r /proc/net/ip_vs ]; then cat /proc/net/ip_vs; fi`;

/**
 * Key: the path of its file. Some fifteen processes and two tenths of a second, for keepalived takes its time; see DUMP_SCRIPT.
 * Nothing is changed on the host but for the files of the dump, which are gone again.
 */
export const keepalivedFact = defineFact<KeepalivedState>({
  name: 'keepalived',
  summary: 'the configuration that a running keepalived works with, and what its health checks found',
  script: ([path = '']) => [table('before'), DUMP_SCRIPT, table('after'), `echo '--- times'; stat -c %Y ${shellQuote(path)} 2>/dev/null; date +%s`].join('\n'),
  parse: (output, keys) => {
    const state = stateOf(output.toString('utf8'));
    return new Map(keys.map((key) => [key, state]));
  },
  // Health checks change what they like, and the rest follows from the file.
  aspects: (): Readonly<Record<string, Json>> => ({}),
});

function stateOf(text: string): KeepalivedState {
  const sections = new Map(text.split(/^--- (?=(?:before|vrrp|checkers|after|times)\n)/m).map((section): [string, string] => [section.slice(0, section.indexOf('\n')), section.slice(section.indexOf('\n') + 1)]));
  const [vrrp = '', checkers = ''] = [sections.get('vrrp'), sections.get('checkers')];
  if (!vrrp.includes('Global definitions') && !checkers.includes('Global definitions')) return null;
  const { instances, services } = parseDump(vrrp, checkers);
  if (instances.length === 0 && services.length === 0) return null;
  const health = parseHealth(checkers);
  const [written, now] = (sections.get('times') ?? '').trim().split('\n').map(Number);
  return {
    instances: instances.map(({ name, state, virtualRouterId, interface: device, priority, advertInterval, password, vips, excluded }) => ({ name, state: state ?? null, virtualRouterId, interface: device, priority, advertInterval, password: password ?? null, vips, excluded })),
    services: services.map(({ servers, ...service }) => ({ ...service, servers: [...servers], up: health.get(service.name)?.up === true, health: [...(health.get(service.name)?.servers ?? [])].map(([server, { set, weight }]) => [server, set, weight]) })),
    tables: ['before', 'after'].map((name) => jsonOf(parseProcNetIpVs(sections.get(name) ?? ''))),
    fileAge: written === undefined || now === undefined || Number.isNaN(now - written) ? null : now - written,
  };
}

/** A running keepalived. */
export interface RunningKeepalived {
  readonly config: KeepalivedConfig;
  /** By the names of its services. */
  readonly health: ReadonlyMap<string, ServiceHealth>;
  /** The kernel's table right before and right after it was asked. */
  readonly tables: readonly IpvsTable[];
  readonly fileAge: number | null;
}

/** An answer as it is worked with. */
export function runningOf(state: KeepalivedState): RunningKeepalived | undefined {
  if (state === null) return undefined;
  // The shapes are those of stateOf: facts are JSON, which knows neither maps nor undefined.
  const instances = state.instances as unknown as readonly (Omit<VrrpInstance, 'state' | 'password'> & { readonly state: string | null; readonly password: string | null })[];
  const services = state.services as unknown as readonly (Omit<ConfiguredService, 'servers'> & { readonly servers: readonly [string, number][]; readonly up: boolean; readonly health: readonly [string, boolean, number][] })[];
  return {
    config: {
      instances: instances.map((one) => ({ ...one, state: one.state ?? undefined, password: one.password ?? undefined })),
      services: services.map(({ name, scheduler, forward, persistence, servers }) => ({ name, scheduler, forward, persistence, servers: new Map(servers) })),
    },
    health: new Map(services.map(({ name, up, health }) => [name, { up, servers: new Map(health.map(([server, set, weight]): [string, ServerHealth] => [server, { set, weight }])) }])),
    tables: state.tables as unknown as readonly IpvsTable[],
    fileAge: state.fileAge,
  };
}
