import type { Plan, PlannedTask } from '../plan/types.ts';
import type { DriftItem, DriftLayer } from './types.ts';

/** Paths of changes that are about a kernel, as the modules name them. */
const KERNEL = [/^ipvs /, /^firewall rules$/, /^default route$/, /^tunnel /, /^module \S+$/, /^\S+ [0-9a-f.:]+\/\d+$/i];

/** The layer of a change. Pure. */
export function layerOf(path: string): DriftLayer {
  if (path.startsWith('running configuration: ')) return 'running';
  return !path.startsWith('/') && KERNEL.some((pattern) => pattern.test(path)) ? 'kernel' : 'disk';
}

/** What a plan would repair. What runs each time, and what follows a change (a handler's reload), is no difference. Pure. */
export function driftOfPlan(plan: Plan): DriftItem[] {
  return plan.plays.flatMap((play) => play.tasks).filter(isState).flatMap(({ host, task, changes, predicted }) =>
    changes
      .filter(({ after }) => after !== 'restarted' && after !== 'reloaded')
      .map((change) => ({ host, layer: layerOf(change.path), change, task: task.name, module: task.module, predicted, since: { changed: undefined, run: undefined } })),
  );
}

function isState({ status, task }: PlannedTask): boolean {
  return status === 'change' && !task.handler;
}
