import type { Play, Task } from './types.ts';

export interface TagSelection {
  /** `-t`; empty: all. */
  readonly tags: readonly string[];
  /** `--skip-tags`. */
  readonly skipTags: readonly string[];
}

/**
 * The tasks of a play that `--tags` and `--skip-tags` leave, by Ansible's rules for always, never, tagged, untagged and all. Pure.
 * Handlers are not selected by tags: a task that was selected may notify any of them.
 */
export function selectTasks(play: Pick<Play, 'tasks'>, selection: TagSelection): readonly Task[] {
  return play.tasks.filter((task) => (task.includeTags ?? []).every((tags) => tagsSelected(tags, selection)) && tagsSelected(task.tags, selection));
}

/** Whether something with these tags is to run. Pure. */
export function tagsSelected(own: readonly string[], selection: TagSelection): boolean {
  const tagged = own.length > 0;
  const tags = new Set(tagged ? own : ['untagged']);
  const only = selection.tags.length === 0 ? ['all'] : selection.tags;
  const skip = selection.skipTags;
  const wanted =
    tags.has('always') ||
    (only.includes('all') && !tags.has('never')) ||
    only.some((tag) => tags.has(tag)) ||
    (only.includes('tagged') && tagged && !tags.has('never'));
  if (!wanted) return false;
  if (skip.includes('all')) return tags.has('always') && !skip.includes('always');
  return !skip.some((tag) => tags.has(tag)) && !(skip.includes('tagged') && tagged);
}
