import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadInventory } from '../../../src/inventory/load.ts';
import { selectHosts } from '../../../src/inventory/pattern.ts';
import { plainVars, type Inventory } from '../../../src/inventory/types.ts';

const TEXT = `all:
  vars: { x: from all, y: from all }
  hosts: { lonely: {} }
  children:
    web:
      hosts: { "rs[01:04]": { z: host } }
      vars: { x: from web }
      children:
        canary: { hosts: { rs02: { x: own } }, vars: { x: from canary, c: 1 } }
    directors:
      hosts: { lvs1: {}, lvs2: { ansible_host: 192.168.0.58 } }
    both:
      children: { web: {}, directors: {} }
      vars: { y: from both }
`;
const PATTERNS = [
  'all', '*', 'web', 'rs01', 'web:directors', 'web,lvs2', 'both:!canary', 'web:&canary', 'rs0*', '~rs0[13]', 'web[0]', 'web[-1]', 'web[1:2]', 'web[2:]', 'both:&web:!rs03', 'ungrouped', '!canary', 'lvs?', 'all[0:1]',
];

/** One process for everything: starting Ansible is slow. */
const ORACLE = `
import json, sys
from ansible.parsing.dataloader import DataLoader
from ansible.inventory.manager import InventoryManager
from ansible.vars.manager import VariableManager
manager = InventoryManager(loader=DataLoader(), sources=[sys.argv[1]])
variables = VariableManager(loader=manager._loader, inventory=manager)
answers = {pattern: [h.name for h in manager.get_hosts(pattern)] for pattern in json.loads(sys.argv[2])}
hosts = {h.name: {k: v for k, v in variables.get_vars(host=h, include_hostvars=False).items() if k in 'xyzc' or k in ('ansible_host', 'g')} for h in manager.get_hosts('all')}
groups = {h.name: sorted(g.name for g in h.get_groups()) for h in manager.get_hosts('all')}
print(json.dumps({'answers': answers, 'hosts': hosts, 'groups': groups}))
`;

let dir: string;
let inventory: Inventory;
let ansible: { answers: Record<string, string[]>; hosts: Record<string, unknown>; groups: Record<string, string[]> };

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-inventory-'));
  const file = path.join(dir, 'hosts.yml');
  await writeFile(file, TEXT);
  await mkdir(path.join(dir, 'group_vars', 'web'), { recursive: true });
  await mkdir(path.join(dir, 'host_vars'));
  await writeFile(path.join(dir, 'group_vars', 'all.yml'), 'y: group_vars all\ng: all\n');
  await writeFile(path.join(dir, 'group_vars', 'web', 'a.yml'), 'g: web a\n');
  await writeFile(path.join(dir, 'group_vars', 'web', 'b.yml'), 'g: web b\n');
  await writeFile(path.join(dir, 'host_vars', 'rs03.yaml'), 'z: host_vars\n');
  inventory = await loadInventory([file]);
  const { stdout } = await promisify(execFile)('/usr/bin/python3', ['-c', ORACLE, file, JSON.stringify(PATTERNS)]);
  ansible = JSON.parse(stdout) as typeof ansible;
});

afterAll(() => rm(dir, { recursive: true, force: true }));

describe('against ansible-core', () => {
  it.each(PATTERNS)('selects the same hosts for %s', (pattern) => {
    expect(selectHosts(inventory, pattern).hosts).toEqual(ansible.answers[pattern]);
  });

  it('merges the same variables', () => {
    const wanted = (name: string) => ['x', 'y', 'z', 'c', 'g', 'ansible_host'].includes(name);
    const ours = Object.fromEntries([...inventory.hosts].map(([name, host]) => [name, Object.fromEntries(Object.entries(plainVars(host.vars)).filter(([key]) => wanted(key)))]));
    expect(ours).toEqual(ansible.hosts);
  });

  it('sees the same groups', () => {
    const ours = Object.fromEntries([...inventory.hosts].map(([name, host]) => [name, [...host.groups].sort()]));
    expect(ours).toEqual(ansible.groups);
  });
});

describe('selectHosts', () => {
  it('tells which parts match nothing', () => {
    expect(selectHosts(inventory, 'web:nothing:rs9*')).toEqual({ hosts: ['rs01', 'rs02', 'rs03', 'rs04'], unmatched: ['nothing', 'rs9*'] });
  });

  it('knows the controller without being told', () => {
    expect(selectHosts(inventory, 'localhost')).toEqual({ hosts: ['localhost'], unmatched: [] });
  });
});

describe('places', () => {
  it('remembers where a variable was written', () => {
    expect(inventory.hosts.get('rs02')?.vars.get('x')?.locate([])).toEqual({ file: path.join(dir, 'hosts.yml'), line: 9, column: (TEXT.split('\n')[8] ?? '').indexOf('own') + 1 });
    expect(inventory.hosts.get('rs03')?.vars.get('z')?.locate([])).toMatchObject({ file: path.join(dir, 'host_vars', 'rs03.yaml'), line: 1 });
  });
});
