import { unifiedDiff } from '../core/text/diff.ts';
import type { ChangeView } from '../core/events.ts';
import { SUSPICIOUS } from '../core/inputs.ts';
import type { Json } from '../core/json.ts';
import type { SecretMask } from '../core/secrets.ts';
import type { Change } from '../modules/contract.ts';

const HIDDEN = '(hidden)';

/** A change as it may be shown: secrets masked, sensitive values left out, texts as a unified diff. */
export function viewChange(change: Change, secrets: SecretMask, noLog: boolean): ChangeView {
  const hide = noLog || change.sensitive === true;
  const impact = change.impact === undefined ? {} : { impact: secrets.mask(change.impact) };
  if (hide) return { path: secrets.mask(change.path), before: change.before === null ? null : HIDDEN, after: change.after === null ? null : HIDDEN, ...impact };
  return {
    path: secrets.mask(change.path),
    before: maskJson(change.before, secrets),
    after: maskJson(change.after, secrets),
    ...impact,
    ...(change.upkeep === true ? { upkeep: true as const } : {}),
    ...(change.text !== undefined && mayHoldSecret(change.text, secrets) ? { guessable: true as const } : {}),
    ...(change.text === undefined ? {} : { diff: secrets.mask(unifiedDiff(change.path, change.text.before, change.text.after)) }),
  };
}

function mayHoldSecret({ before, after }: { readonly before: string; readonly after: string }, secrets: SecretMask): boolean {
  return [before, after].some((text) => SUSPICIOUS.test(text) || secrets.mask(text) !== text);
}

function maskJson(value: Json, secrets: SecretMask): Json {
  if (typeof value === 'string') return secrets.mask(value);
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => maskJson(item, secrets));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskJson(item, secrets)]));
  return value;
}
