import type { LvsPlayError } from '../core/errors.ts';
import type { TaskOutcome } from '../core/events.ts';
import type { JsonObject } from '../core/json.ts';
import type { Step, StepOutcome } from '../modules/contract.ts';

/** What a task did on a host, and what `register` keeps of it. */
export interface Executed {
  readonly outcome: TaskOutcome;
  readonly result: JsonObject;
  /** Notifications that are due. */
  readonly notifies: readonly string[];
  /** The connection is gone: nothing more can be done on this host. */
  readonly unreachable?: LvsPlayError;
}

/** What the steps of a task gave; `failing`: the one that did not succeed, after which nothing more was done. */
export interface Done {
  readonly outcomes: readonly StepOutcome[];
  readonly failing: Step | undefined;
}
