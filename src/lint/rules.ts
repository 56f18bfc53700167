import { availabilityRules } from './rules/availability.ts';
import { forwardingRules } from './rules/forwarding.ts';
import { schedulingRules } from './rules/scheduling.ts';
import { scriptRules } from './rules/scripts.ts';
import { serviceRules } from './rules/services.ts';
import { vrrpRules } from './rules/vrrp.ts';
import type { LintRule } from './types.ts';

/** Every rule about sound topologies. */
export const RULES: readonly LintRule[] = [...forwardingRules, ...schedulingRules, ...serviceRules, ...availabilityRules, ...vrrpRules, ...scriptRules];
