import path from 'node:path';
import type { RoleScope } from './inherit.ts';
import { readVars } from './inherit.ts';
import type { Node } from '../node.ts';
import type { LoadState } from './state.ts';
import type { VarLayer } from '../types.ts';

/** Which file of each folder of a role is taken; `main` unless `tasks_from` and its like say otherwise. */
export interface RoleParts {
  readonly tasks: string;
  readonly handlers: string;
  readonly vars: string;
  readonly defaults: string;
}

export const MAIN_PARTS: RoleParts = { tasks: 'main', handlers: 'main', vars: 'main', defaults: 'main' };

/**
 * The absolute directory of a role: beside the playbook in `roles/`, then in `../roles`, beside the role that asks, and beside the playbook.
 * @param asker where the role is named; the error goes there
 */
export async function findRole(name: string, parent: RoleScope | undefined, asker: Node, state: LoadState): Promise<string | undefined> {
  const bases = [path.join(state.playbookDir, 'roles'), path.join(state.playbookDir, '..', 'roles'), ...(parent === undefined ? [] : [path.dirname(parent.dir)]), state.playbookDir];
  const places = [...new Set(bases.map((base) => path.resolve(base, name)))];
  const dir = await state.files.firstDirectory(places);
  if (dir !== undefined) return dir;
  return asker.fail({ code: 'unknown-role', message: `role "${name}" was not found`, hint: `looked at ${places.join(', ')}` });
}

/** A YAML file of a role's folder, such as tasks/main.yml; undefined when there is none and none was asked for by name. */
export async function readRoleFile(dir: string, folder: string, name: string, asker: Node, state: LoadState): Promise<{ node: Node; file: string } | undefined> {
  const base = path.join(dir, folder, name);
  const places = /\.ya?ml$/.test(name) ? [base] : [`${base}.yml`, `${base}.yaml`, base];
  const file = await state.files.firstFile(places);
  if (file === undefined) {
    if (name === 'main') return undefined;
    return asker.fail({ code: 'no-such-file', message: `the role has no ${folder}/${name}`, hint: `looked at ${places.join(', ')}` });
  }
  const node = await state.files.read(file, asker);
  return node === undefined || node.value === null ? undefined : { node, file };
}

/** defaults/ or vars/ of a role as a layer; empty when there is no file. */
export async function readRoleVars(dir: string, folder: 'defaults' | 'vars', name: string, asker: Node, state: LoadState): Promise<VarLayer[]> {
  const found = await readRoleFile(dir, folder, name, asker, state);
  const vars = readVars(found?.node);
  return vars === undefined ? [] : [{ source: folder === 'defaults' ? 'role-defaults' : 'role-vars', vars }];
}

/** The roles that meta/main.yml says must come first. */
export async function readDependencies(dir: string, asker: Node, state: LoadState): Promise<{ nodes: readonly Node[]; allowDuplicates: boolean }> {
  const meta = (await readRoleFile(dir, 'meta', 'main', asker, state))?.node;
  if (meta === undefined) return { nodes: [], allowDuplicates: false };
  const known = ['dependencies', 'galaxy_info', 'allow_duplicates', 'collections', 'argument_specs'];
  meta.mapping();
  for (const key of meta.keys()) {
    if (!known.includes(key)) meta.child(key).fail({ code: 'unknown-keyword', message: `unknown keyword "${key}" in a role's meta`, hint: `it may have: ${known.join(', ')}` }, 'key');
  }
  return { nodes: meta.get('dependencies')?.items() ?? [], allowDuplicates: meta.get('allow_duplicates')?.boolean() ?? false };
}
