import type { JsonObject } from '../core/json.ts';
import type { Json } from '../core/json.ts';
import type { Emit, RunInput } from '../plan/input.ts';
import type { InstantiateServices } from '../plan/compile/instantiate.ts';
import type { PreparedRun } from '../plan/prepare.ts';
import type { HostMemory } from '../plan/scope.ts';
import type { Sessions } from '../plan/sessions.ts';
import type { HostRecap, TaskOutcome } from '../core/events.ts';
import type { Task } from '../playbook/types.ts';
import type { Keepers } from './keeper.ts';
import type { PairCoordinator } from './pair/coordinate.ts';

/** What carrying out a plan shares between hosts. */
export interface RunContext {
  readonly input: RunInput;
  readonly services: InstantiateServices;
  readonly sessions: Sessions;
  readonly outlines: PreparedRun['outlines'];
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly keepers: Keepers;
  readonly pairs: PairCoordinator;
  /** Whether any host was changed by this run yet. */
  changedSoFar(): boolean;
  /** Milliseconds; ends early when the run is interrupted. */
  sleep(milliseconds: number): Promise<void>;
}

/** A host as the run goes on: the one mutable thing. */
export class HostProgress implements HostMemory {
  readonly host: string;
  readonly facts = new Map<string, Json>();
  readonly registered = new Map<string, Json>();
  /** Handlers and topics notified in this batch. */
  readonly notified = new Set<string>();
  /** Ids of the handlers of this batch that had their turn. */
  readonly handled = new Set<string>();
  state: 'good' | 'failed' | 'unreachable' = 'good';
  #recap: HostRecap = { ok: 0, changed: 0, unreachable: 0, failed: 0, skipped: 0, rescued: 0, ignored: 0 };

  constructor(host: string) {
    this.host = host;
  }

  get recap(): HostRecap {
    return this.#recap;
  }

  /** Ansible counts a changed or ignored task among the ok ones too. */
  count(status: TaskOutcome['status'] | 'unreachable'): void {
    const also = status === 'changed' || status === 'ignored' ? { ok: this.#recap.ok + 1 } : {};
    this.#recap = { ...this.#recap, [status]: this.#recap[status] + 1, ...also };
  }

  /** Whether a handler was notified and had not its turn yet. */
  awaits(handler: Task): boolean {
    return !this.handled.has(handler.id) && [handler.name, ...handler.listen].some((name) => this.notified.has(name));
  }

  /** Takes the host out of the run. */
  lose(state: 'failed' | 'unreachable'): void {
    this.state = state;
    this.count(state);
  }

  register(name: string, results: readonly JsonObject[], loop: boolean): void {
    const [only] = results;
    if (!loop) {
      this.registered.set(name, only ?? { changed: false, failed: false, skipped: true });
      return;
    }
    this.registered.set(name, {
      results,
      changed: results.some((result) => result['changed'] === true),
      failed: results.some((result) => result['failed'] === true),
      skipped: results.every((result) => result['skipped'] === true),
    });
  }
}
