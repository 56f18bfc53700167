import type { Hit, RuleText } from '../types.ts';
import type { LiveContext } from './state.ts';

/**
 * One rule about what hosts are like. Its examples are lines of what hosts answer, `HOST SECTION: LINE` (question.ts names the sections), put into the
 * answers of a sound cluster: of a section's lines all are replaced, of `values` those about the same file.
 */
export interface LiveRule extends RuleText {
  /** The sound cluster: lvs1 and lvs2 in front of rs1 and rs2. */
  readonly cluster: 'dr' | 'tun' | 'nat';
  check(context: LiveContext): readonly Hit[];
}

export function defineLiveRules(rules: readonly LiveRule[]): readonly LiveRule[] {
  return rules;
}
