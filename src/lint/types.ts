import type { Position } from '../core/errors.ts';
import type { DataPath, Located } from '../core/located.ts';
import type { Topology } from '../lvs/model/topology.ts';

/** error: it does not work, or breaks when it is needed; warning: it works until something happens; info: worth knowing. */
export type Severity = 'error' | 'warning' | 'info';

/** What rules look at. */
export interface LintContext {
  readonly topology: Topology;
}

/** A place where a rule fires. */
export interface Hit {
  /** Within the variable `lvs`. */
  readonly path: DataPath;
  /** Default `value`. */
  readonly of?: 'key' | 'value';
  readonly message: string;
  /** The way out. */
  readonly hint: string;
}

/** One rule about a sound topology. Contradictions are errors of the model, and need no rule. */
export interface LintRule {
  /** kebab-case; stable: waivers name it. */
  readonly id: string;
  readonly severity: Severity;
  /** One line: what is wrong. */
  readonly summary: string;
  /** What happens because of it. */
  readonly why: string;
  /** Where this is known from. */
  readonly source: string;
  /**
   * Values of the variable `lvs` in YAML that fire the rule and do not; tests run both. In the bad one a § (rules/examples.ts) stands before each place where
   * the rule fires. Hosts lvs1, lvs2 (192.168.0.48, .58) and rs1-rs3 (.18, .28, .29) exist.
   */
  readonly bad: string;
  readonly good: string;
  check(context: LintContext): readonly Hit[];
}

export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly position: Position | undefined;
  readonly hint: string | undefined;
  /** Why it is let pass; undefined: it is not. */
  readonly waived: string | undefined;
}

/** A sound topology, and where each of its values was written. */
export interface LintInput {
  readonly topology: Topology;
  readonly lvs: Located;
}

export function defineRules(rules: readonly LintRule[]): readonly LintRule[] {
  return rules;
}
