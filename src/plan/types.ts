import type { ChangeView, TaskRef } from '../core/events.ts';

/**
 * What a deploy will do, as a versioned document that survives JSON. Made by plan/, shown by report/, carried out by apply/.
 */
export interface Plan {
  readonly version: 1;
  readonly createdAt: string;
  readonly playbook: string;
  readonly inventory: string;
  readonly plays: readonly PlannedPlay[];
  /** Hosts that could not be asked. */
  readonly unreachable: Readonly<Record<string, string>>;
  /** Hosts that are there but could not answer (sudo refused, facts unreadable). */
  readonly failed: Readonly<Record<string, string>>;
}

export interface PlannedPlay {
  readonly name: string;
  /** Hosts in the order they are taken, one array per batch of `serial`. */
  readonly batches: readonly (readonly string[])[];
  readonly tasks: readonly PlannedTask[];
}

/** One task on one host. */
export interface PlannedTask {
  readonly host: string;
  readonly task: TaskRef;
  /**
   * ok: nothing to do; change: `changes` will be made; runs: an action that runs each time (`command`);
   * skipped: `when` is false; deferred: it depends on a result that only the run gives.
   */
  readonly status: 'ok' | 'change' | 'runs' | 'skipped' | 'deferred';
  readonly changes: readonly ChangeView[];
  /** It rests on what an earlier task of the plan is expected to do. */
  readonly predicted: boolean;
  /** It would do nothing by what is known, but an earlier task of the plan may change what that rests on. */
  readonly doubtful?: true;
  readonly reason?: string;
  /** It changes what an HA pair runs: how its members go about it. */
  readonly pair?: PlannedPair;
  /** Handlers it would notify. */
  readonly notifies: readonly string[];
}

/** How the members of an HA pair make a change; see lvs/change/classify.ts. */
export interface PlannedPair {
  readonly pairs: readonly string[];
  /** restart: the daemon goes away for a moment. */
  readonly class: 'none' | 'serial' | 'simultaneous' | 'disruptive' | 'restart';
  readonly reasons: readonly string[];
  /** Real servers that leave: `TCP 192.168.0.38:80 192.168.0.18:80`. */
  readonly leaving: readonly string[];
  /** Seconds for which nobody may hold the virtual IPs. */
  readonly outage: number;
}
