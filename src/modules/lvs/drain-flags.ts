import { HOST_STATE } from '../../core/host-state.ts';
import type { FactPatch, FactReader, FactRequest } from '../../facts/contract.ts';
import { patch, request } from '../../facts/contract.ts';
import { drainFlagsFact, flagValue } from '../../facts/system/drain-flags.ts';
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
      const [before, after] = [flagValue(state.flags[host]), valueOf(wanted, host)];
      return before === after ? [] : [{ path: flagPath(host), before, after, impact: after === '0' ? `gives ${host} new connections again` : `drains ${host}` }];
    }),
  ];
}

/** `raise` before a reload, `lower` after it: a server of less weight must not be given clients at its whole one in between. */
export interface FlagSteps {
  readonly raise: readonly Step[];
  readonly lower: readonly Step[];
}

const STALE = ['drain_flags', 'ipvs', 'keepalived'].map((fact) => ({ fact, key: '*' }));

/** Pure. */
export function flagSteps(wanted: WantedFlags, changes: readonly Change[]): FlagSteps {
  const due = (value: '0' | '1'): Step[] =>
    changes.flatMap(({ path, after }): Step[] => {
      const host = flaggedIn(path);
      if (host === undefined || after !== value) return [];
      // Renamed into its place, as keepalived is told of that too, and never reads half of it.
      return [{ kind: 'put', title: `${value === '1' ? 'raise' : 'lower'} the drain flag of ${host}`, path: flagPath(host), content: Buffer.from(flagText(value === '1')), mode: '0644', stale: STALE }];
    });
  const folder = changes.some(({ path }) => path === FLAGS_FOLDER);
  return {
    raise: [...(folder ? [{ kind: 'exec' as const, title: `make ${FLAGS_FOLDER}`, argv: ['install', '-d', '-m', '0700', HOST_STATE, FLAGS_FOLDER], stale: STALE }] : []), ...due('1')],
    lower: due('0'),
  };
}

/** Pure. */
export function flagPatches(wanted: WantedFlags, changes: readonly Change[]): FactPatch[] {
  const flags = changes.flatMap(({ path, after }) => {
    const host = flaggedIn(path);
    return host === undefined ? [] : [[host, after === '1' ? '1' : '0'] as const];
  });
  return [patch(drainFlagsFact, FLAGS_FOLDER, (state) => ({ folder: state.folder || wanted.method === 'flag' || flags.length > 0, flags: { ...state.flags, ...Object.fromEntries(flags) } }))] as never;
}

function valueOf({ topology, director, method, weights }: WantedFlags, host: string): '0' | '1' {
  return method === 'flag' && weights.get(host) === '0' && flaggedHosts(topology, director).includes(host) ? '1' : '0';
}
