import { addressRules } from './rules/addresses.ts';
import { pathRules } from './rules/paths.ts';
import { softwareRules } from './rules/software.ts';
import { wireRules } from './rules/wire.ts';
import type { LiveRule } from './rule.ts';

/** Every rule about live hosts. */
export const LIVE_RULES: readonly LiveRule[] = [...addressRules, ...wireRules, ...pathRules, ...softwareRules];
