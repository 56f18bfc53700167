import type { JsonObject } from '../../core/json.ts';
import type { Note } from '../types.ts';

/** An inventory in the making: what becomes YAML, and what is said about it. */
export interface Draft {
  readonly hosts: readonly DraftHost[];
  /** The variable `lvs`. */
  readonly lvs: JsonObject;
  /** Values kept apart from it, such as passwords; the inventory's variables beside `lvs`. */
  readonly variables: JsonObject;
  /** Remarks at places of the variable `lvs`: path joined by `/` -> one line. */
  readonly comments: ReadonlyMap<string, string>;
  readonly notes: readonly Note[];
}

export interface DraftHost {
  readonly name: string;
  readonly group: 'directors' | 'real_servers' | undefined;
  /** Of the cluster. */
  readonly address: string;
  /** A remark at the host. */
  readonly comment: string | undefined;
}
