import type { JsonObject } from '../core/json.ts';

/** What a run that did not come to its end had done. Tasks are named by host and `TaskRef.id`. */
export interface Resumed {
  /** Its id. */
  readonly run: string;
  /** A task that had its turn and did not fail: it is not run again, and what came of it is taken over. */
  finished(host: string, id: string): FinishedTask | undefined;
  /** A task that was begun, and of which nobody knows how far it came. */
  begun(host: string, id: string): boolean;
}

export interface FinishedTask {
  readonly status: 'ok' | 'changed' | 'skipped' | 'ignored';
  /** Handlers that it called. */
  readonly notifies: readonly string[];
  /** What `register` gets; undefined: it was not kept, or nobody asked for it. */
  readonly result: JsonObject | undefined;
}
