import type { Found } from '../types.ts';
import { keepalivedRules } from './rules/keepalived.ts';
import { tableRules } from './rules/tables.ts';
import { taskRules } from './rules/tasks.ts';
import type { PlaybookContext, PlaybookRule } from './types.ts';

/** Every rule about playbooks. */
export const PLAYBOOK_RULES: readonly PlaybookRule[] = [...tableRules, ...keepalivedRules, ...taskRules];

/** Runs every rule over a playbook. A role that is used twice is reported once. Pure. */
export function checkPlaybook(context: PlaybookContext): readonly Found[] {
  const found = PLAYBOOK_RULES.flatMap((rule) => rule.check(context).map((hit): Found => ({ rule: rule.id, severity: rule.severity, message: hit.message, position: hit.position, hint: hit.hint, place: undefined })));
  return [...new Map(found.map((one) => [JSON.stringify([one.rule, one.position, one.message]), one])).values()];
}
