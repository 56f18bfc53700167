import { mkdir, mkdtemp, readFile, readlink, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadInventory } from '../../../src/inventory/load.ts';
import { plainVars } from '../../../src/inventory/types.ts';
import { enterLabIfNeeded, isInside, labOfInventories } from '../../../src/lab/enter.ts';
import { labSpecFromInventory } from '../../../src/lab/inventory/from-inventory.ts';
import { writeOverlay } from '../../../src/lab/inventory/overlay.ts';
import { labPaths } from '../../../src/lab/state/paths.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lab-overlay-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(file: string, text: string): Promise<string> {
  const full = path.join(root, file);
  await mkdir(path.dirname(full), { recursive: true });
  await writeFile(full, text);
  return full;
}

describe('overlay', () => {
  it('outranks every variable of the inventory and keeps all others', async () => {
    const hosts = await put('inv/hosts', 'all: {vars: {ansible_user: deploy}, children: {web: {hosts: {rs1: {ansible_port: 2222, colour: red}}}}}\n');
    await put('inv/group_vars/web.yml', 'ansible_user: web\nsize: 3\n');
    await put('inv/host_vars/rs1/main.yml', 'ansible_host: 192.0.2.1\nansible_user: admin\n');
    await put('inv/host_vars/rs1/zzz.yml', 'ansible_port: 23\nansible_ssh_common_args: -J jump\n');
    const lab = labPaths('demo', path.join(root, 'labs'));
    const spec = labSpecFromInventory(await loadInventory([hosts]));
    await writeOverlay(lab, spec, [hosts]);
    const rs1 = plainVars((await loadInventory([lab.overlay])).hosts.get('rs1')!.vars);
    expect(rs1).toMatchObject({
      ansible_host: '192.0.2.1',
      ansible_port: 22,
      ansible_user: 'root',
      ansible_ssh_private_key_file: lab.key,
      ansible_ssh_common_args: `-o UserKnownHostsFile=${lab.knownHosts} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes`,
      colour: 'red',
      size: 3,
    });
    expect(await readlink(path.join(lab.overlay, '01-hosts.yml'))).toBe(hosts);
  });

  it('keeps the order of several inventories, and can be written again', async () => {
    const first = await put('a/hosts.yml', 'all: {hosts: {rs1: {ansible_host: 192.0.2.1, colour: red, size: 1}}}\n');
    await put('b/extra.yaml', 'all: {hosts: {rs1: {colour: blue}}}\n');
    await put('b/.hidden', 'not: [valid\n');
    const second = path.join(root, 'b');
    const lab = labPaths('demo', path.join(root, 'labs'));
    const spec = labSpecFromInventory(await loadInventory([first, second]));
    await writeOverlay(lab, spec, [first, second]);
    await writeOverlay(lab, spec, [first, second]);
    expect((await readdir(lab.overlay)).sort()).toEqual(['.lab.json', '01-hosts.yml', '02-extra.yml', 'host_vars']);
    expect(plainVars((await loadInventory([lab.overlay])).hosts.get('rs1')!.vars)).toMatchObject({ colour: 'blue', size: 1 });
  });

  it('says so when there is no file to link to', async () => {
    const lab = labPaths('demo', path.join(root, 'labs'));
    await expect(writeOverlay(lab, { nodes: [], networks: [] }, ['192.0.2.1,'])).rejects.toMatchObject({ code: 'lab-inventory' });
  });

  it('is known by its marker, and refuses to be used when the lab is gone', async () => {
    const lab = labPaths('gone-for-sure', path.join(root, 'labs'));
    await writeOverlay(lab, { nodes: [], networks: [] }, []);
    expect(labOfInventories([path.join(root, 'nowhere'), lab.overlay])).toEqual({ name: 'gone-for-sure', namespace: 'lvsplay-gone-for-sure' });
    expect(JSON.parse(await readFile(path.join(lab.overlay, '.lab.json'), 'utf8'))).toEqual(labOfInventories([lab.overlay]));
    expect(isInside('lvsplay-gone-for-sure')).toBeUndefined();
    await expect(enterLabIfNeeded([lab.overlay])).rejects.toMatchObject({ code: 'lab-down' });
    expect(await enterLabIfNeeded(['hosts.yml'])).toBeUndefined();
  });
});
