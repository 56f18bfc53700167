import type { RuleText } from '../types.ts';

/** A code that the model raises: the plan ends with it, `lint` shows it as a finding, and it cannot be waived. */
export function defineErrors(errors: readonly Omit<RuleText, 'severity'>[]): readonly RuleText[] {
  return errors.map((error) => ({ ...error, severity: 'error' }));
}
