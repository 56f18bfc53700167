import type { HostRecap } from '../core/events.ts';
import type { InputFile } from '../core/inputs.ts';

/** What a run was started with. A versioned document without secrets; `resume` and `rollback` start from it. */
export interface RunHeader {
  readonly version: 1;
  readonly id: string;
  readonly command: RunCommand;
  /** The command line for people: without values of variables, which may be secrets. */
  readonly line: string;
  readonly playbook: string;
  readonly owner: string;
  readonly reason: string | undefined;
  /** Guards that were overruled. */
  readonly allowed: readonly string[];
  /** ISO times. */
  readonly started: string;
  readonly pid: number;
  /** The process's own start, which tells it from another one with its pid: field 22 of /proc/PID/stat. */
  readonly pidStarted: string | undefined;
  readonly cwd: string;
  readonly tool: string;
  readonly options: RunOptions;
  /** Every file that it was made from. Empty until the plan is made. */
  readonly inputs: readonly InputFile[];
  /** Of the plan's changes, so that two runs can be compared; undefined until it is made. */
  readonly planDigest: string | undefined;
  /** Hosts that the plan changes. */
  readonly changing: readonly string[];
  /** The run that this one goes on with or takes back. */
  readonly of: string | undefined;
  /** The maintenance that it is a part of; undefined: none. */
  readonly partOf?: string | undefined;
}

export type RunCommand = 'deploy' | 'apply' | 'resume' | 'rollback' | 'maintain' | 'drill';

/** The options that a later command needs to do the same again. */
export interface RunOptions {
  readonly inventories: readonly string[];
  readonly limit: readonly string[];
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly startAtTask: string | undefined;
  readonly forks: number;
  readonly user: string | undefined;
  readonly become: boolean;
  readonly becomeUser: string | undefined;
  readonly privateKey: string | undefined;
  readonly vaultPasswordFiles: readonly string[];
  /** `-e @FILE` as it is; of `-e name=value` only that there were some, as a salted digest: values may be secrets and must be given again. */
  readonly extraVarFiles: readonly string[];
  readonly extraVarsDigest: string | undefined;
}

/** How a run ended. */
export interface RunEnd {
  readonly version: 1;
  readonly at: string;
  /** refused: nothing was changed as a keeper of the run (lock, guard, window ...) said no; stopped: not all was begun. */
  readonly result: 'ok' | 'failed' | 'unreachable' | 'stopped' | 'interrupted' | 'refused';
  /** One line; undefined when all went well. */
  readonly message: string | undefined;
  readonly recap: Readonly<Record<string, HostRecap>>;
}

/** A run as the journal knows it. */
export interface JournaledRun {
  readonly header: RunHeader;
  /** Undefined: it is at work, or it died. */
  readonly end: RunEnd | undefined;
  /** Its process is still there. */
  readonly alive: boolean;
}
