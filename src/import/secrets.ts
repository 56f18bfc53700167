import type { JsonObject } from '../core/json.ts';
import type { Draft } from './cluster/draft.ts';
import { objectAt } from './cluster/json.ts';
import type { Note } from './types.ts';

/** What stands for a password that is not shown. */
const PLACEHOLDER = 'CHANGEME';

/**
 * Passwords become variables of their own, so that a vault can hold them: with `shown` the variables have the passwords, else a placeholder.
 */
export function separateSecrets(draft: Draft, shown: boolean): Draft {
  const variables: Record<string, string> = {};
  const notes: Note[] = [];
  const pairs: Record<string, JsonObject> = {};
  for (const name of Object.keys(objectAt(draft.lvs, 'ha_pairs'))) {
    const pair = objectAt(objectAt(draft.lvs, 'ha_pairs'), name);
    const pass = pair['auth_pass'];
    pairs[name] = pair;
    if (typeof pass !== 'string') continue;
    const variable = `vault_auth_pass_${name.replaceAll(/\W/g, '_')}`;
    variables[variable] = shown ? pass : PLACEHOLDER;
    pairs[name] = { ...pair, auth_pass: `{{ ${variable} }}` };
    notes.push(
      shown
        ? { kind: 'missing', text: `password of HA pair ${name}`, reason: `it stands in clear in the variable ${variable}: put it into a vaulted file (ansible-vault encrypt_string) before the inventory goes anywhere` }
        : { kind: 'missing', text: `password of HA pair ${name}`, reason: `${variable} has a placeholder: put the password there, in a vaulted file, or import with --with-secrets` },
    );
  }
  if (Object.keys(pairs).length === 0) return draft;
  return { ...draft, lvs: { ...draft.lvs, ha_pairs: pairs }, variables: { ...draft.variables, ...variables }, notes: [...draft.notes, ...notes] };
}

/** Every password in a draft, for the mask of what is printed. */
export function secretsOfDraft(draft: Draft): string[] {
  const pairs = objectAt(draft.lvs, 'ha_pairs');
  return Object.keys(pairs).flatMap((name) => {
    const pass = objectAt(pairs, name)['auth_pass'];
    return typeof pass === 'string' ? [pass] : [];
  });
}
