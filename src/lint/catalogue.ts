import { RULES } from './rules.ts';
import type { RuleGroup } from './types.ts';

/** Everything that `lint` can report, by what it looks at. */
export const CATALOGUE: readonly RuleGroup[] = [
  { title: 'What is sound and will bite', examples: 'in the variable lvs', rules: RULES },
];
