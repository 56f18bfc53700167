import type { RuleText } from '../types.ts';
import { natErrors } from './nat.ts';
import { pairErrors } from './pairs.ts';
import { realServerErrors } from './real-servers.ts';
import { serviceErrors } from './services.ts';
import { trackingErrors } from './tracking.ts';
import { valueErrors } from './values.ts';

/** Every code that src/lvs/model raises. A test compares this with the sources. */
export const MODEL_ERRORS: readonly RuleText[] = [...valueErrors, ...pairErrors, ...trackingErrors, ...serviceErrors, ...realServerErrors, ...natErrors];
