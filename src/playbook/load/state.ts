import type { LvsPlayError } from '../../core/errors.ts';
import type { SourceFiles } from './source-files.ts';
import type { Task, VarLayer } from '../types.ts';

/** The modules that tasks may name; `freeForm` is the argument that free text goes to. */
export type KnownModules = ReadonlyMap<string, { readonly freeForm?: string | undefined }>;

/** A task that has not got its number yet. */
export type DraftTask = Omit<Task, 'id'>;

/** What reading one play gathers beside its task list. */
export interface PlayParts {
  /** Of roles, in the order they came up. */
  readonly handlers: DraftTask[];
  /** What roles show to the whole play. */
  readonly roleDefaults: VarLayer[];
  readonly roleVars: VarLayer[];
  /** Roles that are in already, with their parameters: Ansible runs each once. */
  readonly rolesDone: Set<string>;
}

/** What everything that reads a playbook shares. */
export interface LoadState {
  readonly errors: LvsPlayError[];
  readonly modules: KnownModules;
  readonly files: SourceFiles;
  /** Absolute directory of the playbook that holds the play. */
  readonly playbookDir: string;
  readonly play: PlayParts;
}
