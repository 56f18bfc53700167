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
}

/** Refuses what nobody allowed, all of it at once, and says what was allowed. @param what `drain`, `restore`. @throws LvsPlayError kind `input`; of a server that is not ready `verification` */
export function refuse(hands: DrainHands, what: string, allow: readonly string[], findings: readonly Refusal[]): void {
  for (const { rule, message } of findings) if (allow.includes(rule)) hands.say('warning', `${message}; allowed by --allow ${rule}`);
  const errors = findings
    .filter(({ rule }) => !allow.includes(rule))
    .map(({ rule, message, hint }) => new LvsPlayError({ code: `${what}-${rule}`, kind: rule === 'not-ready' ? 'verification' : 'input', message: `${message} (${rule})`, hint: `${hint}; or say that it is meant: --allow ${rule} --reason "..."` }));
  if (errors.length > 0) throw new InputErrors(errors as [LvsPlayError, ...LvsPlayError[]]);
}
