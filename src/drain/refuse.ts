import { InputErrors, LvsPlayError } from '../core/errors.ts';
import { HostsMissing } from '../observe/missing.ts';
import type { Missing } from '../observe/observation.ts';
import type { DrainHands } from './hands.ts';

/** Why something is not begun. */
export interface Refusal {
  /** What `--allow` names it by. */
  readonly rule: string;
  /** One line. */
  readonly message: string;
  /** The cure. */
  readonly hint: string;
  /** It cannot be done at all: `--allow` does not help. */
  readonly firm?: boolean;
  /** Hosts without whose answer it cannot be judged. */
  readonly missing?: readonly Missing[];
}

/**
 * Refuses what nobody allowed, all of it at once, and says what was allowed. What cannot be judged without hosts that gave no answer comes first.
 * @param what `drain`, `restore`. @throws LvsPlayError kind `input`; of a server that is not ready `verification`; of hosts that gave no answer `unreachable` or `host`
 */
export function refuse(hands: Pick<DrainHands, 'say'>, what: string, allow: readonly string[], findings: readonly Refusal[]): void {
  const allowed = ({ rule, firm }: Refusal): boolean => firm !== true && allow.includes(rule);
  for (const finding of findings) if (allowed(finding)) hands.say('warning', `${finding.message}; allowed by --allow ${finding.rule}`);
  const errors = findings.filter((finding) => !allowed(finding)).map((finding) => errorOf(what, finding));
  const weight = ({ kind }: LvsPlayError): number => (kind === 'unreachable' ? 0 : kind === 'host' ? 1 : 2);
  errors.sort((one, other) => weight(one) - weight(other));
  if (errors.length > 0) throw new InputErrors(errors as [LvsPlayError, ...LvsPlayError[]]);
}

function errorOf(what: string, { rule, message, hint, firm, missing = [] }: Refusal): LvsPlayError {
  const details = { code: `${what}-${rule}`, message: `${message} (${rule})`, hint: firm === true ? hint : `${hint}; or say that it is meant: --allow ${rule} --reason "..."` };
  if (missing.length > 0) return new HostsMissing({ ...details, missing });
  return new LvsPlayError({ ...details, kind: rule === 'not-ready' ? 'verification' : 'input' });
}
