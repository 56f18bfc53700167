/**
 * The one error tree of the project. Every error an operator can meet is one of these, so that the CLI can
 * print cause, place and way out, and choose the exit code, without knowing who threw it.
 */

/** A place in a file that a person wrote. Lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * What sort of failure it is; the CLI maps it to an exit code (style of Ansible):
 * usage 5, input 1, host 2, unreachable 4, verification 8, interrupted 130, machine 1, internal 1. `machine` is a fault of the machine
 * that lvs-play runs on (memory, disk, a package, a device), `internal` a mistake of ours: nothing external is one.
 */
export type ErrorKind = 'usage' | 'input' | 'host' | 'unreachable' | 'verification' | 'interrupted' | 'machine' | 'internal';

export interface ErrorDetails {
  /** Stable kebab-case identifier, e.g. `unknown-module`; what scripts match on. */
  readonly code: string;
  readonly kind: ErrorKind;
  /** One line, no trailing period needed, never a secret. */
  readonly message: string;
  readonly position?: Position | undefined;
  /** The way out: what to type or change. */
  readonly hint?: string | undefined;
  /** The inventory host concerned. */
  readonly host?: string | undefined;
  readonly cause?: unknown;
}

export class LvsPlayError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly position: Position | undefined;
  readonly hint: string | undefined;
  readonly host: string | undefined;

  constructor(details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'LvsPlayError';
    this.code = details.code;
    this.kind = details.kind;
    this.position = details.position;
    this.hint = details.hint;
    this.host = details.host;
  }
}

/** Several errors found in one pass over the input, so that an operator mends a file once, not error by error. */
export class InputErrors extends LvsPlayError {
  readonly errors: readonly LvsPlayError[];

  /** @param errors at least one */
  constructor(errors: readonly [LvsPlayError, ...LvsPlayError[]]) {
    const [first] = errors;
    super({
      code: first.code,
      kind: first.kind,
      message: errors.length === 1 ? first.message : `${first.message} (and ${String(errors.length - 1)} more)`,
      position: first.position,
      hint: first.hint,
    });
    this.name = 'InputErrors';
    this.errors = errors;
  }
}

/** Throws what was collected: nothing for none, the error itself for one, an InputErrors for more. */
export function throwCollected(errors: readonly LvsPlayError[]): void {
  const [first, ...rest] = errors;
  if (first === undefined) return;
  if (rest.length === 0) throw first;
  throw new InputErrors([first, ...rest]);
}

export function formatPosition(position: Position): string {
  return `${position.file}:${String(position.line)}:${String(position.column)}`;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
