import { InputErrors, LvsPlayError } from '../core/errors.ts';
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
}

/** Refuses what nobody allowed, all of it at once, and says what was allowed. @param what `drain`, `restore`. @throws LvsPlayError kind `input`; of a server that is not ready `verification` */
export function refuse(hands: DrainHands, what: string, allow: readonly string[], findings: readonly Refusal[]): void {
  const allowed = ({ rule, firm }: Refusal): boolean => firm !== true && allow.includes(rule);
  for (const finding of findings) if (allowed(finding)) hands.say('warning', `${finding.message}; allowed by --allow ${finding.rule}`);
  const errors = findings
    .filter((finding) => !allowed(finding))
    .map(({ rule, message, hint, firm }) => new LvsPlayError({ code: `${what}-${rule}`, kind: rule === 'not-ready' ? 'verification' : 'input', message: `${message} (${rule})`, hint: firm === true ? hint : `${hint}; or say that it is meant: --allow ${rule} --reason "..."` }));
  if (errors.length > 0) throw new InputErrors(errors as [LvsPlayError, ...LvsPlayError[]]);
}
