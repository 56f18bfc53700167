import { LvsPlayError, messageOf } from '../core/errors.ts';
import { InputFiles } from '../core/inputs.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import type { Located } from '../core/located.ts';
import type { SecretMask } from '../core/secrets.ts';
import { parseYaml, vaultCiphertext } from '../yaml/load.ts';

/** How vaulted values are opened. Every decrypted value is registered with `secrets`. */
export interface VaultOptions {
  /** Tried in turn. */
  readonly passwords: readonly string[];
  readonly secrets: SecretMask;
  /** Notes every file that is read. */
  readonly inputs?: InputFiles;
}

const HEADER = '$ANSIBLE_VAULT;';

/** A YAML file of variables, which may be vaulted as a whole or hold `!vault` values. @throws LvsPlayError `vault-password` */
export async function loadVarsFile(file: string, vault: VaultOptions): Promise<Located> {
  let text: string;
  try {
    text = await (vault.inputs ?? new InputFiles()).readText(file);
  } catch (cause) {
    throw new LvsPlayError({ code: 'no-such-file', kind: 'input', message: `${file} cannot be read: ${messageOf(cause)}`, cause });
  }
  if (!text.startsWith(HEADER)) return decryptValues(parseYaml(text, file), vault);
  const document = parseYaml(await open(text, file, vault), file);
  registerAll(document.value, vault.secrets);
  return document;
}

/** The same value with every `!vault` scalar in it decrypted. */
export async function decryptValues(located: Located, vault: VaultOptions): Promise<Located> {
  return { value: await decrypt(located.value, located, [], vault), locate: (path, of) => located.locate(path, of) };
}

async function decrypt(value: Json, located: Located, path: readonly (string | number)[], vault: VaultOptions): Promise<Json> {
  const ciphertext = vaultCiphertext(value);
  if (ciphertext !== undefined) {
    const where = located.locate(path);
    const text = await open(ciphertext, where === undefined ? 'a vaulted value' : `${where.file}:${String(where.line)}`, vault);
    vault.secrets.add(text);
    return text;
  }
  if (Array.isArray(value)) return Promise.all((value as readonly Json[]).map((item, index) => decrypt(item, located, [...path, index], vault)));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(await Promise.all(Object.entries(value).map(async ([key, item]) => [key, await decrypt(item, located, [...path, key], vault)] as const)));
}

async function open(ciphertext: string, where: string, vault: VaultOptions): Promise<string> {
  const { Vault } = await import('ansible-vault');
  for (const password of vault.passwords) {
    try {
      const text = await new Vault({ password }).decrypt(ciphertext.trim(), undefined);
      if (text !== undefined) return text;
    } catch {
      // The wrong one of several passwords.
    }
  }
  throw new LvsPlayError({
    code: 'vault-password',
    kind: 'input',
    message: vault.passwords.length === 0 ? `${where} is vaulted and no vault password was given` : `no given vault password opens ${where}`,
    hint: 'give it with --vault-password-file FILE',
  });
}

/** Passwords are often written plainly; that is no reason to print them. */
export function registerSecret(name: string, value: Json, secrets: SecretMask): void {
  if (typeof value === 'string' && /(?:^|_)(?:password|passwd|pass|secret|token)$/i.test(name)) secrets.add(value);
}

function registerAll(value: Json, secrets: SecretMask): void {
  if (typeof value === 'string') secrets.add(value);
  else if (Array.isArray(value)) for (const item of value as readonly Json[]) registerAll(item, secrets);
  else if (isJsonObject(value)) for (const item of Object.values(value)) registerAll(item, secrets);
}
