import type { JsonObject } from '../core/json.ts';
import type { Located } from '../core/located.ts';
import type { Position } from '../core/errors.ts';

/** A playbook with its roles, imports and static includes read in: nothing is left to load. */
export interface Playbook {
  readonly file: string;
  readonly plays: readonly Play[];
}

export interface Play {
  readonly name: string;
  readonly position: Position;
  /** Host pattern. */
  readonly hosts: string;
  /** Ansible's orders, and `backup_first`: directors by rising VRRP priority, so that a MASTER comes after its BACKUP. */
  readonly order: 'inventory' | 'reverse_inventory' | 'sorted' | 'reverse_sorted' | 'backup_first';
  /** Sizes of batches, the last one repeating; numbers or percentages such as `30%`. Empty: all at once. */
  readonly serial: readonly (number | string)[];
  readonly anyErrorsFatal: boolean;
  /** 0-100; undefined: no limit. */
  readonly maxFailPercentage: number | undefined;
  readonly become: boolean | undefined;
  readonly becomeUser: string | undefined;
  /** Lowest precedence first: defaults of roles, `vars`, `vars_files`, variables of roles. */
  readonly vars: readonly VarLayer[];
  /** The play's own tags; its tasks have them already. For lists. */
  readonly tags?: readonly string[];
  /** pre_tasks, roles, tasks, post_tasks in the order they run. */
  readonly tasks: readonly Task[];
  readonly handlers: readonly Task[];
}

export interface VarLayer {
  readonly source: 'role-defaults' | 'play-vars' | 'vars-files' | 'role-vars' | 'include-vars' | 'block-vars' | 'task-vars';
  readonly vars: Located<JsonObject>;
}

export interface Task {
  /** Stable within the playbook: `play index.task index`. */
  readonly id: string;
  /** May hold Jinja. Default: the module's name. */
  readonly name: string;
  readonly position: Position;
  /** Canonical module name, `ansible.builtin.` prefix taken off. */
  readonly module: string;
  /** As written, strings may hold Jinja; free form already moved to the module's argument. */
  readonly args: Located<JsonObject>;
  /** All must be true; those of enclosing blocks, roles and includes come first. */
  readonly when: readonly Located<string | boolean>[];
  readonly tags: readonly string[];
  /** Tags of the `include_` tasks around it: as in Ansible they select the include, so each of these must be selected too. */
  readonly includeTags?: readonly (readonly string[])[];
  readonly become: boolean | undefined;
  readonly becomeUser: string | undefined;
  readonly register: string | undefined;
  readonly notify: readonly string[];
  /** Handlers only: topics they listen to, beside their name. */
  readonly listen: readonly string[];
  /** `loop` as written: a list or a Jinja expression that gives one. */
  readonly loop: Located | undefined;
  readonly loopVar: string;
  /** Jinja expressions. */
  readonly changedWhen: Located<string | boolean> | undefined;
  readonly failedWhen: Located<string | boolean> | undefined;
  readonly ignoreErrors: boolean;
  /** Values never shown. */
  readonly noLog: boolean;
  /** Only `localhost`, when given. */
  readonly delegateTo: 'localhost' | undefined;
  readonly runOnce: boolean;
  /** `retries`/`delay` (seconds) with `until`. */
  readonly until: { readonly condition: Located<string | boolean>; readonly retries: number; readonly delay: number } | undefined;
  /** `environment:`, Jinja allowed in values. */
  readonly environment: Located<JsonObject> | undefined;
  /** Enclosing role, for `files/` and `templates/`: absolute directory. */
  readonly roleDir: string | undefined;
  /** Directory of the playbook or tasks file, the second place looked in. */
  readonly baseDir: string;
  /** Highest precedence last: role defaults, role vars, then those of blocks and includes from the outside in, the task's own, and role parameters. */
  readonly vars: readonly VarLayer[];
}
