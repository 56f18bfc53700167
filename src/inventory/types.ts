import type { JsonObject } from '../core/json.ts';
import type { Located } from '../core/located.ts';

export interface Inventory {
  /** As given to -i. */
  readonly source: string;
  /** In the order they were written. */
  readonly hosts: ReadonlyMap<string, Host>;
  /** Includes `all` and `ungrouped`. */
  readonly groups: ReadonlyMap<string, Group>;
}

export interface Host {
  readonly name: string;
  /** Direct and inherited groups, Ansible's merge order (by depth, priority, name). */
  readonly groups: readonly string[];
  /** Merged by Ansible's precedence, not templated; every variable remembers where it was written. */
  readonly vars: ReadonlyMap<string, Located>;
}

export interface Group {
  readonly name: string;
  readonly children: readonly string[];
  /** Direct and through children, in inventory order. */
  readonly hosts: readonly string[];
  /** The group's own variables. */
  readonly vars: ReadonlyMap<string, Located>;
}

/** Plain values, for templates. */
export function plainVars(vars: ReadonlyMap<string, Located>): JsonObject {
  return Object.fromEntries([...vars].map(([name, located]) => [name, located.value]));
}
