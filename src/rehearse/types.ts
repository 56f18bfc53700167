import type { DrillResult, SkippedDrill } from './drills/types.ts';
import type { Sample } from './sample/types.ts';

/** What a rehearsal found. A versioned document. Spans are seconds unless said otherwise. */
export interface Rehearsal {
  readonly version: 1;
  readonly command: 'rehearse';
  readonly at: string;
  readonly playbook: string;
  readonly inventory: string;
  readonly seconds: number;
  /** Every promise was kept. Null: none was broken, but the replica did not begin from what all live hosts are like (--from-live). */
  readonly ok: boolean | null;
  /** Live hosts that gave no answer. */
  readonly unknown: readonly string[];
  /** What was not, in words. */
  readonly broken: readonly string[];
  readonly replica: Replica;
  /** Null: it was not come to. */
  readonly deploy: Deployed | null;
  /** The same again, which must change nothing. */
  readonly again: Deployed | null;
  readonly verification: Verified | null;
  readonly drills: readonly DrillResult[];
  /** A plan after the faults: nothing may be left to change. */
  readonly left: Deployed | null;
  readonly skipped: readonly SkippedDrill[];
  /** Milliseconds that clocks and timers are given beyond each bound. */
  readonly margin: number;
}

export interface Replica {
  readonly lab: string;
  /** Seconds until every node answered; 0: it was up. */
  readonly booted: number;
  readonly sample: Sample;
  /** From what state the deploy began, in words. */
  readonly start: string;
}

/** A deploy or a plan, from its document. */
export interface Deployed {
  readonly code: number;
  readonly seconds: number;
  /** Changes by host. */
  readonly changed: Readonly<Record<string, number>>;
  readonly changes: readonly { readonly host: string; readonly task: string; readonly what: readonly string[] }[];
  /** Why it failed. */
  readonly failures: readonly string[];
}

export interface Verified {
  readonly ok: boolean;
  readonly seconds: number;
  /** The report of `verify --json`. */
  readonly report: unknown;
  readonly failures: readonly string[];
}
