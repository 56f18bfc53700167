import type { Json } from './json.ts';

/**
 * What happens in a run, told once; terminal, JSON, NDJSON, JUnit and HTML reports all fold the same events.
 * Every event can be written as one line of JSON. Times are milliseconds since the epoch.
 */
export type RunEvent = { readonly at: number } & (
  | { readonly type: 'run-started'; readonly command: 'deploy' | 'plan'; readonly run?: string; readonly playbook: string; readonly inventory: string; readonly hosts: readonly string[] }
  /** Facts are being asked of a host, or its connection made. */
  | { readonly type: 'host-gathering'; readonly host: string }
  /** Nothing more is done on the host: no way to it, or what it needs first (facts, sudo) failed. */
  | { readonly type: 'host-lost'; readonly host: string; readonly state: 'unreachable' | 'failed'; readonly message: string; readonly hint?: string }
  | { readonly type: 'plan-made'; readonly hosts: readonly { readonly host: string; readonly tasks: number; readonly changes: number }[] }
  | { readonly type: 'play-started'; readonly play: string; readonly hosts: readonly string[]; readonly batches: number }
  | { readonly type: 'batch-started'; readonly play: string; readonly batch: number; readonly hosts: readonly string[] }
  | { readonly type: 'task-started'; readonly host: string; readonly task: TaskRef }
  | { readonly type: 'task-finished'; readonly host: string; readonly task: TaskRef; readonly outcome: TaskOutcome }
  /** How virtual IPs fared while a pair was changed: who held them, and for how many milliseconds nobody or two did. */
  | {
      readonly type: 'pair-watched';
      readonly pairs: readonly string[];
      readonly hosts: readonly string[];
      readonly vips: readonly { readonly vip: string; readonly holders: readonly string[]; readonly nobody: number; readonly several: number; readonly uncertainty: number }[];
      readonly text: string;
    }
  | { readonly type: 'batch-finished'; readonly play: string; readonly batch: number }
  | { readonly type: 'play-finished'; readonly play: string }
  /** Rollout stopped: hosts that were not begun. */
  | { readonly type: 'run-stopped'; readonly reason: string; readonly notStarted: readonly string[] }
  | { readonly type: 'run-finished'; readonly recap: Readonly<Record<string, HostRecap>>; readonly stats: Readonly<Record<string, HostStats>>; readonly interrupted: boolean }
  | { readonly type: 'message'; readonly level: 'info' | 'warning'; readonly text: string; readonly host?: string }
);

export interface TaskRef {
  /** Unique in the run: play, position and loop item. The same in a plan and in the deploy of it. */
  readonly id: string;
  readonly play: string;
  readonly name: string;
  readonly module: string;
  readonly handler: boolean;
}

export interface ChangeView {
  readonly path: string;
  readonly before: Json;
  readonly after: Json;
  readonly impact?: string;
  /** Unified diff with secrets masked; only for texts. */
  readonly diff?: string;
  /** `before` and `after` are checksums of texts that may hold a secret: whoever knows the rest could try passwords on them. */
  readonly guessable?: true;
  /** A means to the others that passes with time: a saved plan neither requires nor forbids it. */
  readonly upkeep?: true;
}

export interface TaskOutcome {
  readonly status: 'ok' | 'changed' | 'failed' | 'skipped' | 'ignored';
  readonly changes: readonly ChangeView[];
  /** Why it was skipped or failed; one line. */
  readonly message?: string;
  readonly hint?: string;
  /** Output of commands, for -v and failures; masked. */
  readonly output?: string;
}

/** Counts in Ansible's words. */
export interface HostRecap {
  readonly ok: number;
  readonly changed: number;
  readonly unreachable: number;
  readonly failed: number;
  readonly skipped: number;
  readonly rescued: number;
  readonly ignored: number;
}

export interface HostStats {
  readonly connections: number;
  readonly requests: number;
  readonly becomeRequests: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}
