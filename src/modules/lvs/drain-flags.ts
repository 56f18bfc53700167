import { HOST_STATE } from '../../core/host-state.ts';
import type { FactPatch, FactReader, FactRequest } from '../../facts/contract.ts';
import { patch, request } from '../../facts/contract.ts';
import { drainFlagsFact, flagValue } from '../../facts/records/drain-flags.ts';
import { flaggedHosts, flaggedIn, flagPath, FLAGS_FOLDER, flagText } from '../../lvs/drain/flags.ts';
import type { DrainMethod } from '../../lvs/drain/method.ts';
import { isHostFile } from '../../lvs/drain/record.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import type { Change, Step } from '../contract.ts';

/** What a director is asked about its flags. */
export const DRAIN_FLAGS: FactRequest = request(drainFlagsFact, FLAGS_FOLDER);

/** keepalived that looks at flags, and what they shall say. */
export interface WantedFlags {
  readonly topology: Topology;
  readonly director: string;
  readonly method: DrainMethod;
  /** Weights of the director's drains, by real server. */
  readonly weights: ReadonlyMap<string, string>;
}

/** The folder, where it is missing, and every flag that says something else than it shall. Pure. */
export function flagChanges(wanted: WantedFlags, facts: FactReader): Change[] {
  const state = facts.get(drainFlagsFact, FLAGS_FOLDER);
  const folder: Change[] = wanted.method === 'flag' && !state.folder ? [{ path: FLAGS_FOLDER, before: null, after: 'directory' }] : [];
  const hosts = [...new Set([...flaggedHosts(wanted.topology, wanted.director), ...Object.keys(state.flags).filter(isHostFile)])];
  return [
    ...folder,
    ...hosts.flatMap((host): Change[] => {
      const before = flagValue(state.flags[host]);
      const after = valueOf(wanted, host, before);
      return before === after ? [] : [{ path: flagPath(host), before, after, impact: after === '0' ? `gives ${host} new connections again` : `drains ${host}` }];
    }),
  ];
}

const STALE = ['drain_flags', 'ipvs', 'keepalived'].map((fact) => ({ fact, key: '*' }));

/** Before a reload: a flag that is raised has to be read with the file that names it, and one that is lowered is watched by nobody, or means it. Pure. */
export function flagSteps(changes: readonly Change[]): Step[] {
  const folder = changes.some(({ path }) => path === FLAGS_FOLDER);
  return [
    ...(folder ? [{ kind: 'exec' as const, title: `make ${FLAGS_FOLDER}`, argv: ['install', '-d', '-m', '0700', HOST_STATE, FLAGS_FOLDER], stale: STALE }] : []),
    ...changes.flatMap(({ path, after }): Step[] => {
      const host = flaggedIn(path);
      if (host === undefined) return [];
      // Renamed into its place, as keepalived is told of that too, and never reads half of it.
      return [{ kind: 'put', title: `${after === '1' ? 'raise' : 'lower'} the drain flag of ${host}`, path: flagPath(host), content: Buffer.from(flagText(after === '1')), mode: '0644', stale: STALE }];
    }),
  ];
}

/** Pure. */
export function flagPatches(wanted: WantedFlags, changes: readonly Change[]): FactPatch[] {
  const flags = changes.flatMap(({ path, after }) => {
    const host = flaggedIn(path);
    return host === undefined ? [] : [[host, after === '1' ? '1' : '0'] as const];
  });
  return [patch(drainFlagsFact, FLAGS_FOLDER, (state) => ({ folder: state.folder || wanted.method === 'flag' || flags.length > 0, flags: { ...state.flags, ...Object.fromEntries(flags) } }))] as never;
}

/** Raised as long as there is a drain, at whatever weight. Where drains go another way, nobody looks at flags: one is lowered when its drain is over, not while keepalived may still run a file that names it. */
function valueOf({ topology, director, method, weights }: WantedFlags, host: string, before: string): string {
  if (!weights.has(host)) return '0';
  if (method !== 'flag') return before;
  return flaggedHosts(topology, director).includes(host) ? '1' : '0';
}
