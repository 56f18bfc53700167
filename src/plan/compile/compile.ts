import { LvsPlayError, throwCollected } from '../../core/errors.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { backupFirst } from '../../lvs/model/groups.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import { selectTasks } from '../../playbook/select.ts';
import type { Play, Task } from '../../playbook/types.ts';
import { splitBatches } from './batches.ts';
import type { RunInput } from '../input.ts';
import { buildSite, type Site } from '../site.ts';

/** The controller itself, in patterns and `delegate_to`. */
export const CONTROLLER = 'localhost';

/** A playbook laid over an inventory: who does what, in which order. Nothing was asked of any host yet. */
export interface CompiledRun {
  readonly site: Site;
  readonly plays: readonly CompiledPlay[];
  /** All hosts of all plays, in the order they come up. */
  readonly hosts: readonly string[];
  /** Patterns that match nothing, and the like. */
  readonly warnings: readonly string[];
}

export interface CompiledPlay {
  readonly play: Play;
  readonly tasks: readonly Task[];
  readonly handlers: readonly Task[];
  readonly batches: readonly (readonly string[])[];
}

/** Pure. @throws LvsPlayError kind `input` for a wrong pattern, topology or `serial` */
export function compileRun(input: RunInput): CompiledRun {
  const site = buildSite(input.inventory, input.extraVars, input.engine);
  const warnings: string[] = [];
  const errors: LvsPlayError[] = [];
  const limit = input.limit.length === 0 ? undefined : limitedHosts(site, input.limit, warnings);
  let started = input.startAtTask === undefined;
  const plays = input.playbook.plays.map((play): CompiledPlay => {
    const { hosts, unmatched } = selectHosts(site.inventory, play.hosts);
    for (const pattern of unmatched) warnings.push(`play "${play.name}": no host matches "${pattern}"`);
    const chosen = orderHosts(limit === undefined ? hosts : hosts.filter((host) => limit.has(host)), play, site.topology, errors);
    let tasks = selectTasks(play, { tags: input.tags, skipTags: input.skipTags });
    if (!started) {
      const start = tasks.findIndex((task) => task.name === input.startAtTask);
      started = start >= 0;
      tasks = started ? tasks.slice(start) : [];
    }
    return { play, tasks, handlers: play.handlers, batches: splitBatches(chosen, play.serial, play.position) };
  });
  if (!started) {
    errors.push(
      new LvsPlayError({
        code: 'unknown-task',
        kind: 'usage',
        message: `no task is named "${input.startAtTask ?? ''}"`,
        hint: '--list-tasks shows the names',
      }),
    );
  }
  throwCollected(errors);
  return { site, plays, hosts: [...new Set(plays.flatMap((play) => play.batches.flat()))], warnings };
}

function limitedHosts(site: Site, patterns: readonly string[], warnings: string[]): ReadonlySet<string> {
  const { hosts, unmatched } = selectHosts(site.inventory, patterns);
  if (hosts.length > 0) for (const pattern of unmatched) warnings.push(`--limit: no host matches "${pattern}"`);
  if (hosts.length === 0) {
    throw new LvsPlayError({
      code: 'limit-matches-nothing',
      kind: 'usage',
      message: `--limit "${unmatched[0] ?? patterns.join(',')}" matches no host of the inventory`,
      hint: 'lvs-play inventory --graph shows hosts and groups',
    });
  }
  return new Set(hosts);
}

function orderHosts(hosts: readonly string[], play: Play, topology: Topology | undefined, errors: LvsPlayError[]): readonly string[] {
  switch (play.order) {
    case 'inventory':
      return hosts;
    case 'reverse_inventory':
      return [...hosts].reverse();
    case 'sorted':
      return [...hosts].sort();
    case 'reverse_sorted':
      return [...hosts].sort().reverse();
    case 'backup_first':
      if (topology !== undefined) return backupFirst(topology, hosts);
      errors.push(
        new LvsPlayError({
          code: 'order-needs-topology',
          kind: 'input',
          message: 'order: backup_first needs the inventory variable lvs',
          position: play.position,
          hint: 'describe the HA pairs under lvs.ha_pairs, or choose another order',
        }),
      );
      return hosts;
  }
}
