import type { Position } from '../../core/errors.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import type { Play, Task } from '../../playbook/types.ts';
import type { RuleText } from '../types.ts';

/** A command of a task or of a script that a task copies. Templates in it are blanked out. */
export interface PlaybookCommand {
  readonly position: Position;
  /** Without `sudo` and the like in front; the program without its folder. */
  readonly argv: readonly string[];
  /** As written. */
  readonly text: string;
}

export interface LintTask {
  readonly task: Task;
  readonly handler: boolean;
  /** What `command` or `shell` run. */
  readonly commands: readonly PlaybookCommand[];
  /** What scripts would run that are copied to the host, as `content` or from a file. */
  readonly copied: readonly PlaybookCommand[];
  /** All texts of its arguments, and those of the files that it copies. */
  readonly texts: readonly string[];
}

export interface LintPlay {
  readonly play: Play;
  readonly hosts: readonly string[];
  /** Those that run side by side. */
  readonly batches: readonly (readonly string[])[];
  /** Parts of the pattern that match nothing. */
  readonly unmatched: readonly string[];
  readonly tasks: readonly LintTask[];
}

/** What rules about a playbook look at. */
export interface PlaybookContext {
  readonly topology: Topology;
  readonly plays: readonly LintPlay[];
  /** Whether a variable holds a secret: it is vaulted, or has such a name. */
  readonly isSecret: (variable: string) => boolean;
}

/** A place in a playbook where a rule fires. */
export interface PlaybookHit {
  readonly position: Position;
  readonly message: string;
  readonly hint: string;
}

/**
 * One rule about playbooks. Its examples are playbooks, over an inventory with the HA pair `edge` of lvs1 and lvs2, the real servers rs1 and
 * rs2 and the vaulted variable `db_key`.
 */
export interface PlaybookRule extends RuleText {
  check(context: PlaybookContext): readonly PlaybookHit[];
}

export function definePlaybookRules(rules: readonly PlaybookRule[]): readonly PlaybookRule[] {
  return rules;
}
