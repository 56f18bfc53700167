import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SecretMask } from '../../../src/core/secrets.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import { INVENTORY_ERRORS } from '../../../src/lint/errors/inventory.ts';
import { commandsOf } from '../../../src/lint/playbook/commands.ts';
import { playbookContext } from '../../../src/lint/playbook/read.ts';
import { checkPlaybook, PLAYBOOK_RULES } from '../../../src/lint/playbook/rules.ts';
import { withoutMarks } from '../../../src/lint/rules/examples.ts';
import type { Found } from '../../../src/lint/types.ts';
import { knownModules } from '../../../src/modules/registry.ts';
import { buildSite, type Site } from '../../../src/plan/site.ts';
import { loadPlaybook } from '../../../src/playbook/load/load.ts';
import { createTemplateEngine } from '../../../src/template/engine.ts';
import { EXAMPLE } from '../lvs/support.ts';
import { markedPlaces, placeOfFinding } from './support.ts';

const HOSTS = `all:
  hosts:
    lvs1: { ansible_host: 192.168.0.48 }
    lvs2: { ansible_host: 192.168.0.58 }
    rs1: { ansible_host: 192.168.0.18 }
    rs2: { ansible_host: 192.168.0.28 }
  vars:
    db_key: s3cret-value
    lvs:
${EXAMPLE.replaceAll(/^(?=.)/gm, '      ')}`;

let folder: string;
let site: Site;
/** As if `db_key` had been vaulted. */
const secrets = new SecretMask();

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-lint-'));
  await writeFile(path.join(folder, 'hosts.yml'), HOSTS);
  secrets.add('s3cret-value');
  site = buildSite(await loadInventory([path.join(folder, 'hosts.yml')]), {}, createTemplateEngine());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function lint(text: string, more: Readonly<Record<string, string>> = {}): Promise<readonly Found[]> {
  for (const [name, content] of Object.entries({ 'play.yml': text, ...more })) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
  return lintFile(path.join(folder, 'play.yml'));
}

async function lintFile(file: string): Promise<readonly Found[]> {
  if (site.topology === undefined) throw new Error('no topology');
  return checkPlaybook(await playbookContext(await loadPlaybook(file, knownModules), site, site.topology, (value) => secrets.mask(value) !== value));
}

const play = (tasks: string, head = 'hosts: lvs_directors\n  serial: 1'): string => `- ${head}\n  tasks:\n${tasks.replaceAll(/^(?=.)/gm, '    ')}\n`;
const ids = (found: readonly Found[]): readonly string[] => found.map(({ rule }) => rule);

describe.each(PLAYBOOK_RULES.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  it('fires on its bad example, at the marked places and nowhere else', async () => {
    const found = (await lint(withoutMarks(rule.bad))).filter((one) => one.rule === id);
    expect(markedPlaces(rule.bad).length).toBeGreaterThan(0);
    expect(found.map(placeOfFinding)).toEqual(markedPlaces(rule.bad));
    for (const { message, hint } of found) expect(`${message}${hint ?? ''}`).not.toMatch(/\n|undefined/);
  });

  it('does not fire on its good example', async () => {
    expect(markedPlaces(rule.good)).toEqual([]);
    expect(ids(await lint(rule.good))).not.toContain(id);
  });
});

describe('what is run', () => {
  it.each<[string, string, string | undefined]>([
    ['under a condition', 'if true; then ipvsadm -C; fi', 'flush-ipvs'],
    ['behind another command', 'ip addr && /sbin/ipvsadm --clear', 'flush-ipvs'],
    ['in a function', 'stop() { ipvsadm -C; }', 'flush-ipvs'],
    ['as another user', 'sudo -n ipvsadm -C', 'flush-ipvs'],
    ['as text', 'echo "never run ipvsadm -C"', undefined],
    ['in a comment', 'true # ipvsadm -C', undefined],
    ['a flush of all chains', 'iptables -w -F', 'flush-firewall'],
    ['a flush of a built-in chain', 'ip6tables -t mangle -F PREROUTING', 'flush-firewall'],
    ['a restore that flushes', 'iptables-restore < /etc/rules', 'flush-firewall'],
    ['a restore that does not', 'iptables-restore --noflush < /etc/rules', undefined],
    ['a chain of one\'s own', 'iptables -t nat -F DOCKER', undefined],
    ['a table of one\'s own', 'nft delete table ip mine', undefined],
    ['a template with a pipe', 'echo {{ db_name | default("ipvsadm -C") }}', undefined],
    ['another daemon', 'killall -9 nginx', undefined],
    ['a plain stop of the daemon', 'killall keepalived', undefined],
    ['the table as it is', 'ipvsadm -Ln', undefined],
  ])('%s', async (_what, command, rule) => {
    const found = await lint(play(`- shell: |\n    ${command}\n  changed_when: true`));
    expect(ids(found)).toEqual(rule === undefined ? [] : [rule]);
  });

  it('scripts that are copied are read, and the place is in the script', async () => {
    const found = await lint(play('- copy: { src: nat.sh, dest: /usr/local/sbin/nat.sh, mode: "0755" }'), { 'files/nat.sh': '#!/bin/sh\necho start\n  iptables -t nat -F\n' });
    expect(found.map((one) => [one.rule, path.basename(one.position?.file ?? ''), placeOfFinding(one)])).toEqual([['flush-firewall', 'nat.sh', '3:3']]);
  });

  it('files that are no scripts are not', async () => {
    expect(await lint(play('- copy: { src: notes.txt, dest: /root/notes.txt }'), { 'files/notes.txt': 'ipvsadm -C\n' })).toEqual([]);
  });

  it('keeps the places of commands', () => {
    expect(commandsOf('a\n{{ b |\n c }} d\nwhile e; do sudo /bin/f g; done\n', 'x.sh').map(({ position, argv }) => `${String(position.line)}:${String(position.column)} ${argv.join(' ')}`)).toEqual(['1:1 a', '2:1 ______', '3:1 _____ d', '4:7 e', '4:13 f g']);
  });
});

describe('pair-at-once', () => {
  const stop = '- service: { name: keepalived, state: stopped }';
  it.each<[string, string, boolean]>([
    ['both at once', 'hosts: lvs_directors', true],
    ['in one batch of two', 'hosts: lvs_directors\n  serial: 2', true],
    ['one by one', 'hosts: lvs_directors\n  serial: 1', false],
    ['one only', 'hosts: lvs1', false],
    ['no directors', 'hosts: lvs_real_servers', false],
  ])('%s', async (_what, head, fires) => {
    expect(ids(await lint(play(stop, head))).includes('pair-at-once')).toBe(fires);
  });

  it('leaves restarts and upgrades to those who make them in turn', async () => {
    const text = play('- service: { name: keepalived, state: restarted }\n- package: { name: keepalived, state: latest }', 'hosts: lvs_directors');
    expect(ids(await lint(text))).not.toContain('pair-at-once');
  });

  it('sees handlers too', async () => {
    const text = `- hosts: lvs_directors\n  tasks:\n    - command: "true"\n      changed_when: true\n      notify: again\n  handlers:\n    - name: again\n      command: systemctl restart keepalived\n`;
    expect(ids(await lint(text))).toEqual(['keepalived-restart', 'pair-at-once']);
  });
});

it('a setting on all elsewhere is enough', async () => {
  const lo = '- sysctl: { name: net.ipv4.conf.lo.arp_ignore, value: 1 }\n';
  expect(ids(await lint(play(lo)))).toEqual(['arp-on-lo-only']);
  expect(ids(await lint(play(`${lo}- sysctl: { name: net.ipv4.conf.all.arp_ignore, value: 1 }`)))).toEqual([]);
  expect(ids(await lint(play(`${lo}- copy: { dest: /etc/sysctl.d/arp.conf, content: "net.ipv4.conf.eth0.arp_ignore = 1" }`)))).toEqual([]);
});

it('secrets are told by the vault or by their names, not by texts in templates', async () => {
  const task = (command: string): string => play(`- command: ${command}\n  changed_when: true\n  no_log: true`);
  expect(ids(await lint(task('"a {{ app_password }}"')))).toEqual(['secret-in-command']);
  expect(ids(await lint(task(`"a {{ 'db_key' }} {{ it.db_key }} {{ password_length }}"`)))).toEqual([]);
});

it.each(INVENTORY_ERRORS.map((error) => [error.id, error] as const))('%s is in the bad inventory and not in the good one', async (id, { bad, good }) => {
  const build = async (text: string): Promise<Site> => {
    await writeFile(path.join(folder, 'other.yml'), text);
    return buildSite(await loadInventory([path.join(folder, 'other.yml')]), {}, createTemplateEngine());
  };
  await expect(build(bad)).rejects.toMatchObject({ code: id });
  expect((await build(good)).topology).toBeDefined();
});

it.each(['site.yml', 'demo.yml'])('nothing is wrong with %s of our own', async (name) => {
  expect((await lintFile(new URL(`../../../playbooks/${name}`, import.meta.url).pathname)).map(({ rule, message }) => `${rule}: ${message}`)).toEqual([]);
});
