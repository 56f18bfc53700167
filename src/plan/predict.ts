import type { StaleFacts } from '../facts/contract.ts';
import type { ModuleDef, Step } from '../modules/contract.ts';
import type { Task } from '../playbook/types.ts';

/**
 * The answers that a task's steps make doubtful: asked again by a deploy before they are used, and predicted in a plan, also where a module says what it expects of
 * some of them. A command that only asks (`changed_when: false`) changes nothing. Pure.
 */
export function staleOf({ task, work }: { readonly task: Pick<Task, 'changedWhen'>; readonly work: { readonly kind: string; readonly module?: Pick<ModuleDef, 'action'> } }, steps: readonly Step[]): readonly StaleFacts[] {
  return work.module?.action === true && task.changedWhen?.value === false ? [] : steps.flatMap((step) => step.stale);
}
