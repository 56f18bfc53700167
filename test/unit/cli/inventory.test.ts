import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { inventoryGraph, inventoryList } from '../../../src/cli/commands/inventory.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import { folder } from './support.ts';

const HOSTS = `all:
  hosts:
    alone: { ansible_host: 192.0.2.1 }
  children:
    web: { hosts: { "rs[1:2]": { weight: 1 } }, vars: { port: 80 } }
    directors: { hosts: { lvs1: }, children: { spare: { hosts: { lvs2: } } } }
    cluster: { children: { web: , directors: } }
  vars: { zone: a }
`;

async function ansible(file: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)('ansible-inventory', ['-i', file, ...args], { env: { ...process.env, ANSIBLE_NOCOLOR: '1', ANSIBLE_HOME: path.join(path.dirname(file), '.ansible') } })).stdout;
}

describe('an inventory is shown as ansible-inventory shows it', () => {
  it('as a list', async () => {
    const file = path.join(await folder({ 'hosts.yml': HOSTS }), 'hosts.yml');
    const theirs = JSON.parse(await ansible(file, '--list')) as Record<string, { children?: string[]; hosts?: string[] }>;
    const ours = JSON.parse(JSON.stringify(inventoryList(await loadInventory([file])))) as typeof theirs;
    const sorted = (list: typeof theirs) =>
      Object.fromEntries(Object.entries(list).map(([name, group]) => [name, name === '_meta' ? group : { ...group, ...(group.children === undefined ? {} : { children: [...group.children].sort() }) }]));
    expect(sorted(ours)).toEqual(sorted(theirs));
  });

  it('as a tree', async () => {
    const file = path.join(await folder({ 'hosts.yml': HOSTS }), 'hosts.yml');
    // Ansible sorts siblings; a tree's lines with their parents are what has to be the same.
    const withParents = (text: string) => {
      const stack: string[] = [];
      return text.trimEnd().split('\n').map((line) => {
        const depth = (line.match(/\|/g) ?? []).length;
        stack[depth] = line.replaceAll(/[ |-]/g, '');
        return stack.slice(0, depth + 1).join('/');
      }).sort();
    };
    const text = inventoryGraph(await loadInventory([file]));
    expect(withParents(text)).toEqual(withParents(await ansible(file, '--graph')));
    expect(text).toMatch(/^@all:\n {2}\|--@/);
  });
});
