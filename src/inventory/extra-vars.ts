import { LvsPlayError } from '../core/errors.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { parseYaml } from '../yaml/load.ts';
import { loadVarsFile, registerSecret, type VaultOptions } from './vault.ts';

/**
 * Variables of `-e`; those named as a password are known as secrets from then on: `@file`, a YAML or JSON mapping, or `name=value name2="two words"` (values stay strings, as in Ansible). Later ones win.
 * @throws LvsPlayError kind `usage` for anything else, kind `input` for a bad file
 */
export async function loadExtraVars(given: readonly string[], vault: VaultOptions): Promise<JsonObject> {
  let vars: JsonObject = {};
  for (const text of given) vars = { ...vars, ...(await one(text.trim(), vault)) };
  for (const [name, value] of Object.entries(vars)) registerSecret(name, value, vault.secrets);
  return vars;
}

async function one(text: string, vault: VaultOptions): Promise<JsonObject> {
  if (text === '') return {};
  if (text.startsWith('@')) {
    const { value } = await loadVarsFile(text.slice(1), vault);
    return asMapping(value ?? {}, text);
  }
  if (text.startsWith('{') || /^[\w]+:\s/.test(text)) return asMapping(parseYaml(text, '-e').value, text);
  const words = [...text.matchAll(/([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']*)(?:\s+|$)/gy)];
  if (words.length === 0 || words.reduce((sum, [whole]) => sum + whole.length, 0) !== text.length) throw wrong(text);
  return Object.fromEntries(words.map(([, name = '', value = '']) => [name, unquoted(value)]));
}

function unquoted(value: string): string {
  if (value.startsWith("'")) return value.slice(1, -1);
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value;
}

function asMapping(value: unknown, text: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw wrong(text);
}

function wrong(text: string): LvsPlayError {
  const name = text.startsWith('@') ? text : `-e ${text.split('=')[0] ?? ''}`;
  return new LvsPlayError({ code: 'bad-extra-vars', kind: 'usage', message: `${name}: this is no set of variables`, hint: 'write -e name=value, -e \'{"name": "value"}\' or -e @file.yml' });
}
