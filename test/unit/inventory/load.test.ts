import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Vault } from 'ansible-vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LvsPlayError } from '../../../src/core/errors.ts';
import { SecretMask } from '../../../src/core/secrets.ts';
import { loadExtraVars } from '../../../src/inventory/extra-vars.ts';
import { readLimits } from '../../../src/inventory/limits.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import { selectHosts } from '../../../src/inventory/pattern.ts';
import { plainVars } from '../../../src/inventory/types.ts';

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-load-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = path.join(root, String(count++));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
    await writeFile(path.join(dir, name), text);
  }
  return dir;
}

async function failure(work: Promise<unknown>): Promise<LvsPlayError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof LvsPlayError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('loadInventory refuses', () => {
  it.each([
    ['all:\n  host: {}\n', 'bad-inventory', 2, 3, /did you mean hosts/],
    ['all:\n  hosts:\n    rs1: yes\n', 'bad-inventory', 3, 10, /./],
    ['all:\n  hosts:\n    rs[1-3]: {}\n', 'bad-range', 3, 5, /rs\[1:3\]/],
    ['all:\n  hosts:\n    rs[3:1]: {}\n', 'bad-range', 3, 5, /./],
    ['all:\n  hosts: [rs1]\n', 'bad-inventory', 2, 10, /colon/],
    ['all:\n  children:\n    a: { children: { b: { children: { a: {} } } } }\n', 'bad-inventory', 3, 39, /children/],
    ['all:\n  children:\n    9to5: {}\n', 'bad-inventory', 3, 5, /letters/],
    ['- rs1\n', 'bad-inventory', 1, 1, /all:/],
    ['all:\n  hosts:\n\trs1: {}\n', 'bad-yaml', 3, 1, /spaces/],
  ])('%j', async (text, code, line, column, hint) => {
    const file = path.join(await tree({ 'hosts.yml': text }), 'hosts.yml');
    const error = await failure(loadInventory([file]));
    expect(error).toMatchObject({ code, kind: 'input', position: { file, line, column } });
    expect(error.hint).toMatch(hint);
  });

  it('what is not there, and vars files that are no mapping', async () => {
    expect(await failure(loadInventory([path.join(root, 'nowhere.yml')]))).toMatchObject({ code: 'no-inventory' });
    const dir = await tree({ 'hosts.yml': 'all: { hosts: { a: {} } }', 'group_vars/all.yml': '- x\n' });
    expect(await failure(loadInventory([path.join(dir, 'hosts.yml')]))).toMatchObject({ code: 'bad-vars-file', position: { file: path.join(dir, 'group_vars/all.yml') } });
  });
});

describe('sources', () => {
  it('a directory: its files in order, links followed, group_vars of the directory', async () => {
    const dir = await tree({ '10-a.yml': 'all: { hosts: { a: { x: 1, y: 1 } } }', '20-b.yaml': 'web: { hosts: { b: {}, a: { x: 2 } } }', 'group_vars/web.yml': 'z: 3', 'elsewhere/c.txt': 'web: { hosts: { c: {} } }' });
    await symlink(path.join(dir, 'elsewhere/c.txt'), path.join(dir, '30-c.yml'));
    const inventory = await loadInventory([dir]);
    expect([...inventory.hosts].map(([name, host]) => [name, plainVars(host.vars)])).toEqual([
      ['a', { x: 2, y: 1, z: 3 }],
      ['b', { z: 3 }],
      ['c', { z: 3 }],
    ]);
  });

  it('several sources and lists of names', async () => {
    const dir = await tree({ 'one.yml': 'all: { hosts: { a: { x: 1 } } }', 'two.yml': 'all: { hosts: { a: { x: 2 } } }' });
    const inventory = await loadInventory([path.join(dir, 'one.yml'), path.join(dir, 'two.yml'), 'localhost,n[1:2],']);
    expect([...inventory.hosts.keys()]).toEqual(['a', 'localhost', 'n1', 'n2']);
    expect(inventory.hosts.get('a')?.vars.get('x')?.value).toBe(2);
    expect(selectHosts(inventory, 'localhost,a')).toEqual({ hosts: ['localhost', 'a'], unmatched: [] });
  });

  it('a port behind a name', async () => {
    const dir = await tree({ 'hosts.yml': 'all: { hosts: { "n[1:2]:2222": { x: 1 } } }' });
    const inventory = await loadInventory([path.join(dir, 'hosts.yml')]);
    expect([...inventory.hosts].map(([name, host]) => [name, plainVars(host.vars)])).toEqual([
      ['n1', { ansible_port: 2222, x: 1 }],
      ['n2', { ansible_port: 2222, x: 1 }],
    ]);
  });
});

describe('vault', () => {
  const inline = (text: string): string => `secret: !vault |\n${text.replaceAll(/^/gm, '  ')}\nplain: 1\n`;

  it('opens values and whole files, also those of another id, and remembers the secrets', async () => {
    const first = new Vault({ password: 'one' });
    const second = new Vault({ password: 'two' });
    const dir = await tree({
      'hosts.yml': 'all: { hosts: { a: { ansible_become_password: written-plainly } } }',
      'group_vars/all/a.yml': inline(await first.encrypt('hidden-value', 'prod')),
      'group_vars/all/b.yml': await second.encrypt('deep: { down: [other-secret] }\n', ''),
    });
    const secrets = new SecretMask();
    const inventory = await loadInventory([path.join(dir, 'hosts.yml')], { vaultPasswords: ['two', 'one'], secrets });
    const vars = inventory.hosts.get('a')?.vars ?? new Map();
    expect(plainVars(vars)).toEqual({ ansible_become_password: 'written-plainly', secret: 'hidden-value', plain: 1, deep: { down: ['other-secret'] } });
    expect(secrets.mask('hidden-value other-secret written-plainly plain')).toBe('******** ******** ******** plain');
  });

  it('opens what ansible-vault wrote', async () => {
    const dir = await tree({ 'hosts.yml': 'all: { hosts: { a: {} } }', 'group_vars/all.yml': 'secret: from Ansible\n', password: 'pass word\n' });
    await promisify(execFile)('/usr/bin/ansible-vault', ['encrypt', '--vault-id', `prod@${path.join(dir, 'password')}`, path.join(dir, 'group_vars/all.yml')]);
    const inventory = await loadInventory([path.join(dir, 'hosts.yml')], { vaultPasswords: ['pass word'] });
    expect(inventory.hosts.get('a')?.vars.get('secret')?.value).toBe('from Ansible');
  });

  it.each([
    [[], /no vault password was given/],
    [['wrong'], /no given vault password opens/],
  ])('with passwords %j names the file and says why', async (vaultPasswords, message) => {
    const dir = await tree({ 'hosts.yml': 'all: { hosts: { a: {} } }', 'host_vars/a.yml': inline(await new Vault({ password: 'right' }).encrypt('x', '')) });
    const error = await failure(loadInventory([path.join(dir, 'hosts.yml')], { vaultPasswords }));
    expect(error).toMatchObject({ code: 'vault-password', kind: 'input' });
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path.join(dir, 'host_vars/a.yml'));
    expect(error.hint).toContain('--vault-password-file');
  });
});

describe('loadExtraVars', () => {
  const vault = { passwords: [], secrets: new SecretMask() };
  it.each([
    [['a=1 b="two words"', 'c=x=y'], { a: '1', b: 'two words', c: 'x=y' }],
    [["a='it is' b="], { a: 'it is', b: '' }],
    [['{"a": 1, "b": [true]}'], { a: 1, b: [true] }],
    [['a: 1'], { a: 1 }],
    [['a=1', '{a: 2}'], { a: 2 }],
    [[''], {}],
  ])('%j', async (given, vars) => {
    expect(await loadExtraVars(given, vault)).toEqual(vars);
  });

  it('reads @file, and refuses what is no set of variables', async () => {
    const dir = await tree({ 'v.yml': 'a: { b: 1 }\n' });
    expect(await loadExtraVars([`@${path.join(dir, 'v.yml')}`], vault)).toEqual({ a: { b: 1 } });
    expect(await failure(loadExtraVars(['just words'], vault))).toMatchObject({ code: 'bad-extra-vars', kind: 'usage' });
    expect(await failure(loadExtraVars(['[1, 2]'], vault))).toMatchObject({ code: 'bad-extra-vars', kind: 'usage' });
    expect(await failure(loadExtraVars(['@/nowhere/x.yml'], vault))).toMatchObject({ code: 'no-such-file' });
  });
});

describe('readLimits', () => {
  it('takes the lines of @file, without comments, and leaves patterns alone', async () => {
    const dir = await tree({ hosts: 'a\n\n# not this one\n b:c \n' });
    expect(await readLimits(['web:!x', `@${path.join(dir, 'hosts')}`])).toEqual(['web:!x', 'a', 'b:c']);
    expect(await failure(readLimits(['@/nowhere/hosts']))).toMatchObject({ code: 'no-such-file', kind: 'usage' });
    expect(await failure(readLimits([`@${path.join(await tree({ none: '\n' }), 'none')}`]))).toMatchObject({ code: 'empty-limit', kind: 'usage' });
  });
});
