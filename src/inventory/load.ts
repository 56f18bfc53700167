import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InputFiles } from '../core/inputs.ts';
import type { Located } from '../core/located.ts';
import { SecretMask } from '../core/secrets.ts';
import { joinGroups, mergeHosts, type SideVars } from './merge.ts';
import { loadSideVars } from './side-vars.ts';
import { addSource, emptyInventory, type RawInventory } from './source.ts';
import type { Inventory } from './types.ts';
import { decryptValues, registerSecret, type VaultOptions } from './vault.ts';

export interface InventoryOptions {
  /** Tried in turn on vaulted files and values. */
  readonly vaultPasswords?: readonly string[];
  /** Learns every secret that is met. */
  readonly secrets?: SecretMask;
  /** Notes every file that is read. */
  readonly inputs?: InputFiles;
  /** Its group_vars/ and host_vars/ count above the inventory's. */
  readonly playbookDir?: string;
}

/**
 * Reads an inventory as Ansible's YAML plugin does.
 * @param sources files, directories, or lists such as `web1,web2,`; later ones add to and override earlier ones
 * @throws LvsPlayError kind `input` with file, line and column
 */
export async function loadInventory(sources: readonly string[], options: InventoryOptions = {}): Promise<Inventory> {
  const inputs = options.inputs ?? new InputFiles();
  const vault: VaultOptions = { passwords: options.vaultPasswords ?? [], secrets: options.secrets ?? new SecretMask(), inputs };
  const raw = emptyInventory();
  for (const source of sources) await addSource(raw, source, inputs);
  await decryptAll(raw, vault);
  const groups = joinGroups(raw);
  const dirs = await Promise.all(sources.filter((source) => !source.includes(',')).map(sideDir));
  if (options.playbookDir !== undefined) dirs.push(options.playbookDir);
  const sides: SideVars[] = [];
  for (const dir of new Set(dirs.map((dir) => path.resolve(dir)))) sides.push(await loadSideVars(dir, groups.keys(), raw.hosts.keys(), vault));
  const hosts = mergeHosts(raw, groups, sides);
  for (const host of hosts.values()) for (const [name, { value }] of host.vars) registerSecret(name, value, vault.secrets);
  return { source: sources.join(', '), hosts, groups };
}

async function sideDir(source: string): Promise<string> {
  return (await stat(source)).isDirectory() ? source : path.dirname(source);
}

async function decryptAll(raw: RawInventory, vault: VaultOptions): Promise<void> {
  const all: Map<string, Located>[] = [...[...raw.groups.values()].map((group) => group.vars), ...raw.hosts.values()];
  for (const vars of all) for (const [name, located] of vars) vars.set(name, await decryptValues(located, vault));
}
