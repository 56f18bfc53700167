import { LvsPlayError } from '../core/errors.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import type { Located } from '../core/located.ts';
import { suggest } from '../core/text/suggest.ts';

/** How much a plan may do at once. */
export interface GuardLimits {
  /** 0-1: a service may lose this share of its real servers, and no more. */
  readonly removedShare: number;
}

export const DEFAULT_LIMITS: GuardLimits = { removedShare: 0.5 };

const KEYS = ['removed_share'];

/**
 * The limits of the inventory's variable `lvs_guards`. @param written undefined: it has none
 * @throws LvsPlayError kind `input`, positioned
 */
export function readLimitsOf(written: Located | undefined): GuardLimits {
  if (written === undefined) return DEFAULT_LIMITS;
  const { value } = written;
  const wrong = (message: string, hint: string, path: readonly string[], of: 'key' | 'value' = 'value'): LvsPlayError =>
    new LvsPlayError({ code: 'bad-guards', kind: 'input', message: `lvs_guards: ${message}`, position: written.locate(path, of), hint });
  if (!isJsonObject(value)) throw wrong('this is no mapping', 'write lvs_guards: { removed_share: 50% }', []);
  for (const key of Object.keys(value)) {
    if (KEYS.includes(key)) continue;
    const meant = suggest(key, KEYS);
    throw wrong(`"${key}" is not known`, meant === undefined ? `it has ${KEYS.join(', ')}` : `did you mean ${meant}?`, [key], 'key');
  }
  const share = value['removed_share'];
  if (share === undefined) return DEFAULT_LIMITS;
  const removedShare = shareOf(share);
  if (removedShare === undefined) throw wrong(`removed_share: ${JSON.stringify(share)} is no share`, 'write a percentage: 0% to 100%', ['removed_share']);
  return { removedShare };
}

function shareOf(value: Json): number | undefined {
  const [, digits] = typeof value === 'string' ? (/^(\d{1,3}(?:\.\d+)?)\s*%$/.exec(value) ?? []) : [];
  const share = digits === undefined ? undefined : Number(digits) / 100;
  return share !== undefined && share <= 1 ? share : undefined;
}
