import { HOST_STATE } from '../../core/host-state.ts';
import { LvsPlayError } from '../../core/errors.ts';
import { type FactReader, type FactRequest, request } from '../../facts/contract.ts';
import { drainedWeights, drainsFact } from '../../facts/records/drains.ts';
import { failoversFact } from '../../facts/records/failovers.ts';
import { withDrains } from '../../lvs/drain/topology.ts';
import { failoverTargetsOf } from '../../lvs/failover/record.ts';
import { withFailovers } from '../../lvs/failover/topology.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import type { ModuleContext } from '../contract.ts';

/** The topology that a module works from. @param module its name. @throws LvsPlayError no-topology, input */
export function topologyFor(module: string, { topology }: ModuleContext): Topology {
  if (topology !== undefined) return topology;
  throw new LvsPlayError({ code: 'no-topology', kind: 'input', message: `${module} needs the inventory variable lvs`, hint: 'describe the cluster in the variable lvs (docs/inventory.md)' });
}

/**
 * The topology of a module that is for directors only.
 * @param instead what else the user could do, before the usual hint
 * @throws LvsPlayError no-director, input
 */
export function directorTopology({ topology, host }: ModuleContext, instead = ''): Topology {
  if (topology?.directors.has(host) === true) return topology;
  throw new LvsPlayError({
    code: 'no-director',
    kind: 'input',
    message: `${host} is no director of the topology`,
    hint: `${instead}run the task on hosts: lvs_directors, or name the host in lvs.ha_pairs or as "on" of a virtual service`,
  });
}

/** What a module asks that gives a director its weights. */
export const DRAINS: FactRequest = request(drainsFact, HOST_STATE);

/** The director's topology with the weights that its drains leave. Needs `DRAINS`. @throws LvsPlayError no-director, input */
export function drainedTopology(context: ModuleContext, facts: FactReader): Topology {
  return withDrains(directorTopology(context), drainedWeights(facts.get(drainsFact, HOST_STATE)));
}

/** What a module asks that gives a director its priorities. */
export const FAILOVERS: FactRequest = request(failoversFact, HOST_STATE);

/** The director's topology with the priorities that its failovers ask for. Needs `FAILOVERS`. @throws LvsPlayError no-director, input */
export function movedTopology(context: ModuleContext, facts: FactReader): Topology {
  return withFailovers(directorTopology(context), failoverTargetsOf(Object.values(facts.get(failoversFact, HOST_STATE))));
}
