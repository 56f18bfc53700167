import { INVENTORY_ERRORS } from './errors/inventory.ts';
import { MODEL_ERRORS } from './errors/model.ts';
import { LIVE_RULES } from './live/rules.ts';
import { PLAYBOOK_RULES } from './playbook/rules.ts';
import { RULES } from './rules.ts';
import type { RuleGroup } from './types.ts';

/** Everything that `lint` can report, by what it looks at. */
export const CATALOGUE: readonly RuleGroup[] = [
  { title: 'What is sound and will bite', examples: 'in the variable lvs', rules: RULES },
  { title: 'What playbooks do', examples: 'in a playbook', rules: PLAYBOOK_RULES },
  { title: 'What hosts are like (--live)', examples: 'in what hosts of a sound cluster answer', rules: LIVE_RULES },
  { title: 'What contradicts itself: errors of plan and deploy too, not to be waived', examples: 'in the variable lvs', rules: MODEL_ERRORS },
  { title: 'What contradicts the variable lvs', examples: 'in the inventory', rules: INVENTORY_ERRORS },
];
