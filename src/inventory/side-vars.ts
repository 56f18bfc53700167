import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { LvsPlayError } from '../core/errors.ts';
import { isJsonObject } from '../core/json.ts';
import type { Located } from '../core/located.ts';
import { subLocated } from '../yaml/load.ts';
import type { SideVars } from './merge.ts';
import { loadVarsFile, type VaultOptions } from './vault.ts';

const EXTENSIONS = ['', '.yml', '.yaml', '.json'];

/** `group_vars/` and `host_vars/` of a directory: the first of NAME (a file, or a directory of such files), NAME.yml, NAME.yaml, NAME.json. */
export async function loadSideVars(dir: string, groups: Iterable<string>, hosts: Iterable<string>, vault: VaultOptions): Promise<SideVars> {
  return { groups: await loadAll(path.join(dir, 'group_vars'), groups, vault), hosts: await loadAll(path.join(dir, 'host_vars'), hosts, vault) };
}

async function loadAll(dir: string, names: Iterable<string>, vault: VaultOptions): Promise<Map<string, Map<string, Located>>> {
  const present = new Set(await entries(dir));
  const result = new Map<string, Map<string, Located>>();
  if (present.size === 0) return result;
  for (const name of names) {
    // As Ansible: the first that is there counts, so a directory NAME hides NAME.yml.
    const extension = EXTENSIONS.find((one) => present.has(name + one));
    const files = extension === undefined ? [] : await filesBelow(path.join(dir, name + extension));
    if (files.length === 0) continue;
    const vars = new Map<string, Located>();
    for (const file of files) for (const [variable, located] of await varsOf(file, vault)) vars.set(variable, located);
    result.set(name, vars);
  }
  return result;
}

/** The variables of one file. @throws LvsPlayError when it holds anything but a mapping */
async function varsOf(file: string, vault: VaultOptions): Promise<[string, Located][]> {
  const document = await loadVarsFile(file, vault);
  if (document.value === null) return [];
  if (!isJsonObject(document.value)) {
    throw new LvsPlayError({ code: 'bad-vars-file', kind: 'input', message: `${file} is not a mapping of variables`, position: document.locate([]), hint: 'write name: value, one a line' });
  }
  return Object.keys(document.value).map((name) => [name, subLocated(document, [name])]);
}

async function filesBelow(place: string): Promise<string[]> {
  if (!(await stat(place)).isDirectory()) return [place];
  const below = (await entries(place)).filter((name) => !name.startsWith('.') && !name.endsWith('~') && EXTENSIONS.includes(path.extname(name))).sort();
  return (await Promise.all(below.map((name) => filesBelow(path.join(place, name))))).flat();
}

async function entries(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch {
    // Most inventories have none.
    return [];
  }
}
