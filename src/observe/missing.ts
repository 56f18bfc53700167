import { InputErrors, LvsPlayError } from '../core/errors.ts';
import type { Missing, Observation, Verdict } from './observation.ts';
import { unansweredWords } from './words.ts';

/** Something cannot be said or done as hosts gave no answer. Its kind makes the exit code: 4 as soon as one was unreachable, else 2. */
export class HostsMissing extends LvsPlayError {
  readonly missing: readonly Missing[];

  /** @param details.missing at least one */
  constructor({ message, missing, code = 'hosts-missing', hint = hintOf(missing) }: { readonly message: string; readonly missing: readonly Missing[]; readonly code?: string; readonly hint?: string | undefined }) {
    super({ code, kind: kindOfMissing(missing), message, hint, host: missing.length === 1 ? missing[0]?.host : undefined, cause: missing[0]?.error });
    this.name = 'HostsMissing';
    this.missing = missing;
  }
}

/** @param about what is not known: `whether rs1 is drained` */
export function unknown(about: string, missing: readonly Missing[], hint?: string): HostsMissing {
  return new HostsMissing({ message: `${about} is unknown: ${unansweredWords(missing)}`, missing, ...(hint === undefined ? {} : { hint }) });
}

/** `unreachable` as soon as one was; else `host`. */
export function kindOfMissing(missing: readonly Pick<Missing, 'kind'>[]): 'unreachable' | 'host' {
  return missing.some(({ kind }) => kind === 'unreachable') ? 'unreachable' : 'host';
}

/** What is known, or an error that names who is missing. @param about `whether rs1 is drained`. @throws HostsMissing */
export function known<V>(verdict: Verdict<V>, about: string, hint?: string): V {
  if (verdict.known) return verdict.value;
  throw unknown(about, verdict.missing, hint);
}

/** @param about `what the hosts are like`. @throws HostsMissing unless every host answered */
export function requireAll(observation: Observation<unknown>, about: string): void {
  known(observation.judge(() => undefined), about);
}

/** Hosts that an error says gave no answer; empty for an error about anything else. */
export function missingIn(error: unknown): readonly Missing[] {
  if (error instanceof HostsMissing) return error.missing;
  if (error instanceof InputErrors) return distinct(error.errors.flatMap(missingIn));
  if (!(error instanceof LvsPlayError)) return [];
  const inner = missingIn(error.cause);
  if (inner.length > 0 || error.host === undefined || (error.kind !== 'unreachable' && error.kind !== 'host')) return inner;
  return [{ host: error.host, kind: error.kind === 'unreachable' ? 'unreachable' : 'failed', error }];
}

function distinct(missing: readonly Missing[]): Missing[] {
  return [...new Map(missing.map((one) => [one.host, one])).values()];
}

/** The way out that the first error names, when there is one cause. */
function hintOf(missing: readonly Missing[]): string | undefined {
  const hints = new Set(missing.map(({ error }) => error.hint));
  return hints.size === 1 ? [...hints][0] : undefined;
}
