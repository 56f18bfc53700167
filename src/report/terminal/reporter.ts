import type { RunEvent } from '../../core/events.ts';

/** Follows a run. `handle` must not throw; `close` resolves when everything told so far has been shown. */
export interface Reporter {
  handle(event: RunEvent): void;
  /** Something to be seen at once, while rows may hold the screen. One line. */
  notice(text: string): void;
  /** Lets go of the screen while something else is on it, a question for example. */
  quiet<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface ProgressOptions {
  readonly color: boolean;
  /** Show the unified diffs of what was changed. */
  readonly diff: boolean;
  /** Show the changes and the output of tasks that went well. */
  readonly verbose: boolean;
}
