import { mkdir, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';
import { shellCommand } from '../../core/text/quote.ts';
import { MARKER } from '../state/marker.ts';
import type { LabMarker } from '../state/marker.ts';
import type { LabPaths } from '../state/paths.ts';
import type { LabSpec } from '../spec.ts';

/** A file of an inventory: where it stands in one folder for all of them, and the user's own. */
export interface InventoryFile {
  readonly at: string;
  readonly to: string;
}

/** An inventory as it lies on disk: its own files, and the variable files beside them. */
interface Source {
  readonly files: readonly string[];
  /** Folder that holds group_vars/ and host_vars/. */
  readonly folder: string;
}

/**
 * Writes the folder that stands for the inventory on the lab: links to the user's own files, so nothing is copied, and one file of
 * variables per host that outranks all of them (Ansible reads host_vars/HOST/ in the order of names, after every group's).
 */
export async function writeOverlay(lab: LabPaths, spec: LabSpec, inventories: readonly string[]): Promise<void> {
  await rm(lab.overlay, { recursive: true, force: true });
  await mkdir(lab.overlay, { recursive: true });
  const links = await inventoryFiles(inventories);
  for (const { at, to } of links) {
    const target = path.join(lab.overlay, at);
    await mkdir(path.dirname(target), { recursive: true });
    await symlink(to, target);
  }
  for (const node of spec.nodes) {
    const folder = path.join(lab.overlay, 'host_vars', node.name);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'zz-lab.yml'), hostVariables(lab, node.address));
  }
  const marker: LabMarker = { name: lab.name, namespace: lab.namespace };
  await writeFile(path.join(lab.overlay, MARKER), JSON.stringify(marker) + '\n');
}

/** Every file that inventories are made of, with the variable files beside them; in one folder, they mean the same as `-i` of each. */
export async function inventoryFiles(inventories: readonly string[]): Promise<InventoryFile[]> {
  return (await Promise.all(inventories.map(async (inventory, index) => linksOf(await sourceOf(inventory), index)))).flat();
}

/** Pure: how to reach a node. JSON is YAML. */
function hostVariables(lab: Pick<LabPaths, 'key' | 'knownHosts'>, address: string): string {
  const options = ['-o', `UserKnownHostsFile=${lab.knownHosts}`, '-o', 'StrictHostKeyChecking=yes', '-o', 'IdentitiesOnly=yes'];
  const variables = {
    ansible_host: address,
    ansible_port: 22,
    ansible_user: 'root',
    ansible_ssh_private_key_file: lab.key,
    ansible_ssh_common_args: shellCommand(options),
    ansible_ssh_extra_args: '',
  };
  return '# How to reach this node of the lab; written by `lvs-play lab up`.\n' + Object.entries(variables).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`).join('');
}

async function sourceOf(inventory: string): Promise<Source> {
  const real = await realpath(inventory).catch((cause: unknown) => {
    throw new LvsPlayError({ code: 'lab-inventory', kind: 'usage', message: `a lab needs an inventory file or folder, not ${inventory}`, hint: 'write the hosts in a hosts.yml', cause });
  });
  if (!(await stat(real)).isDirectory()) return { files: [real], folder: path.dirname(real) };
  const names = (await readdir(real)).filter((name) => !name.startsWith('.') && /\.ya?ml$/.test(name)).sort();
  return { files: names.map((name) => path.join(real, name)), folder: real };
}

/** The number keeps the order of several -i: a later one wins. */
async function linksOf(source: Source, index: number): Promise<InventoryFile[]> {
  const order = String(index + 1).padStart(2, '0');
  const links: InventoryFile[] = source.files.map((file) => ({ at: `${order}-${path.basename(file).replace(/\.ya?ml$/, '')}.yml`, to: file }));
  for (const kind of ['group_vars', 'host_vars']) {
    const folder = path.join(source.folder, kind);
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const owner = entry.name.replace(/\.(ya?ml|json)$/, '');
      const files = entry.isDirectory() ? await filesBelow(path.join(folder, entry.name)) : [path.join(folder, entry.name)];
      // One flat folder per owner: a path's separators become part of the name, so the order stays that of the paths.
      links.push(...files.map((file) => ({ at: path.join(kind, owner, `${order}-${path.relative(folder, file).replaceAll(path.sep, '-')}`), to: file })));
    }
  }
  return links;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const nested = entries.filter((entry) => !entry.name.startsWith('.')).map((entry) => (entry.isDirectory() ? filesBelow(path.join(folder, entry.name)) : Promise.resolve([path.join(folder, entry.name)])));
  return (await Promise.all(nested)).flat().sort();
}
