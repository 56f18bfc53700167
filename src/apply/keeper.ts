import { LvsPlayError } from '../core/errors.ts';
import type { HostRecap } from '../core/events.ts';
import type { Change } from '../modules/contract.ts';
import type { TaskInstance } from '../plan/compile/instantiate.ts';
import { CONTROLLER } from '../plan/compile/compile.ts';
import type { Emit, RunInput } from '../plan/input.ts';
import type { PreparedRun } from '../plan/prepare.ts';
import type { Plan } from '../plan/types.ts';
import type { Executed } from './executed.ts';

/** A run as its keepers see it. */
export interface KeptRun {
  readonly id: string;
  /** When the hosts began to be asked; milliseconds since the epoch. */
  readonly startedAt: number;
  readonly input: RunInput;
  readonly prepared: PreparedRun;
  /** Hosts that the plan changes or runs something on, without the controller; in the plan's order. */
  readonly changing: readonly string[];
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** How a run ended, before its keepers have. */
export interface RunEnding {
  readonly recap: Readonly<Record<string, HostRecap>>;
  /** Why it ended before its last task, if it did. */
  readonly stopped: string | undefined;
  readonly interrupted: boolean;
  /** A keeper refused, or something broke: nothing, or not all, was done. */
  readonly error: unknown;
  /** All was done and nothing failed. */
  readonly good: boolean;
}

/**
 * Something that watches over a run: guards, windows, locks, saved states, the journal. Keepers begin in order once the plan is made, and end in
 * reverse order whatever happened; one that refuses is not ended, those before it are.
 */
export interface RunKeeper {
  readonly name: string;
  /** The plan is made and nothing was changed. @throws LvsPlayError to refuse the run */
  begin?(run: KeptRun): Promise<void>;
  /** @throws LvsPlayError to stop the run before this batch */
  beforeBatch?(run: KeptRun, batch: { readonly play: string; readonly index: number; readonly hosts: readonly string[] }): Promise<void>;
  /** Right before the steps of a task that changes or runs something. @throws LvsPlayError to fail the task instead */
  beforeSteps?(run: KeptRun, instance: TaskInstance, changes: readonly Change[]): Promise<void>;
  /** A host that was restarted on purpose answers again. Must not throw. */
  cameBack?(run: KeptRun, host: string): Promise<void>;
  /** A task had its turn on a host. Must not throw. */
  afterTask?(run: KeptRun, instance: TaskInstance, executed: Executed): Promise<void>;
  /** @throws LvsPlayError when it cannot end well, or has found out that the run did not: that becomes the run's error */
  end?(run: KeptRun, ending: RunEnding): Promise<void>;
}

/** The keepers of one run. */
export class Keepers {
  readonly #keepers: readonly RunKeeper[];
  readonly #run: KeptRun;
  #begun: RunKeeper[] = [];

  constructor(keepers: readonly RunKeeper[], run: KeptRun) {
    this.#keepers = keepers;
    this.#run = run;
  }

  /** @throws LvsPlayError of the keeper that refuses; the caller ends the others */
  async begin(): Promise<void> {
    for (const keeper of this.#keepers) {
      await keeper.begin?.(this.#run);
      this.#begun.push(keeper);
    }
  }

  async beforeBatch(batch: Parameters<NonNullable<RunKeeper['beforeBatch']>>[1]): Promise<void> {
    for (const keeper of this.#keepers) await keeper.beforeBatch?.(this.#run, batch);
  }

  async beforeSteps(instance: TaskInstance, changes: readonly Change[]): Promise<void> {
    for (const keeper of this.#keepers) await keeper.beforeSteps?.(this.#run, instance, changes);
  }

  async cameBack(host: string): Promise<void> {
    for (const keeper of this.#keepers) await keeper.cameBack?.(this.#run, host);
  }

  async afterTask(instance: TaskInstance, executed: Executed): Promise<void> {
    for (const keeper of this.#keepers) await keeper.afterTask?.(this.#run, instance, executed);
  }

  /** Each ends, also when one before it could not. @returns what they threw */
  async end(ending: RunEnding): Promise<LvsPlayError[]> {
    const errors: LvsPlayError[] = [];
    let told = ending;
    for (const keeper of this.#begun.splice(0).reverse()) {
      try {
        await keeper.end?.(this.#run, told);
      } catch (error) {
        if (!(error instanceof LvsPlayError)) throw error;
        errors.push(error);
        told = { ...told, error: told.error ?? error, good: false };
      }
    }
    return errors;
  }
}

/** Hosts that a plan changes or runs something on, without the controller. */
export function changingHosts(plan: Plan): string[] {
  const rows = plan.plays.flatMap((play) => play.tasks);
  const due = rows.filter((row) => row.changes.length > 0 || row.status === 'runs' || row.status === 'deferred');
  return [...new Set(due.map((row) => row.host))].filter((host) => host !== CONTROLLER);
}
