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
  /** What the rule asks could not be told: an info, whatever its severity. */
  readonly unjudged?: true;
}

/** What `--list`, `--explain`, SARIF and docs/lint.md say of a rule, whatever it looks at. */
export interface RuleText {
  /** kebab-case; stable: waivers name it. */
  readonly id: string;
  readonly severity: Severity;
  /** One line: what is wrong. */
  readonly summary: string;
  /** What happens because of it. */
  readonly why: string;
  /** Where this is known from. */
  readonly source: string;
  /** What fires the rule and what does not; tests run both. In `bad` a § (rules/examples.ts) stands before each place where the rule fires. */
  readonly bad: string;
  readonly good: string;
}

/** Rules that look at the same thing. */
export interface RuleGroup {
  readonly title: string;
  /** What the examples are pieces of, after "Bad,": `in the variable lvs`. */
  readonly examples: string;
  readonly rules: readonly RuleText[];
}

/**
 * One rule about a sound topology; contradictions are errors of the model. Its examples are values of the variable `lvs`; hosts lvs1, lvs2
 * (192.168.0.48, .58) and rs1-rs3 (.18, .28, .29) exist.
 */
export interface LintRule extends RuleText {
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

/** A finding before the waivers were looked at. */
export interface Found extends Omit<Finding, 'waived'> {
  /** Within the variable `lvs`; undefined for what is found elsewhere. */
  readonly place: DataPath | undefined;
}

/** A sound topology, and where each of its values was written. */
export interface LintInput {
  readonly topology: Topology;
  readonly lvs: Located;
}

export function defineRules(rules: readonly LintRule[]): readonly LintRule[] {
  return rules;
}
