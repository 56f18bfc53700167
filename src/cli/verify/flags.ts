/** The options of `verify` that are its own. */
export interface VerifyFlags {
  /** Vantages as they were named; empty: from here. */
  readonly from: readonly string[];
  readonly requests: number;
  readonly path: string | undefined;
  /** Seconds. */
  readonly settle: number;
  readonly hosts: boolean;
  /** A playbook whose plan must be empty. */
  readonly plan: string | undefined;
  /** Files; `-` for stdout. */
  readonly junit: string | undefined;
  readonly evidence: string | undefined;
  /** Seconds between rounds; undefined: one. */
  readonly watch: number | undefined;
  readonly during: DuringFlags | undefined;
}

/** A command that runs while clients go on asking. Milliseconds. */
export interface DuringFlags {
  readonly argv: readonly string[];
  /** Between two requests. */
  readonly every: number;
  /** Connections that are held, for each service. */
  readonly hold: number;
  /** Undefined: nothing may be lost. */
  readonly tolerated: number | undefined;
}
