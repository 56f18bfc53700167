import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lvsPlay, scratch } from './support.ts';

/**
 * Bad input, through the built tool. The hosts do not exist: had any been asked before the input was checked, the run would
 * end as unreachable (4), so exit code 1 shows that nothing was even connected.
 */
const INVENTORY = `all:
  children:
    directors:
      hosts:
        lvs1: { ansible_host: 127.0.0.1, ansible_port: 1 }
        lvs2: { ansible_host: 127.0.0.1, ansible_port: 1, lvs_address: 192.168.0.58 }
    real_servers:
      hosts:
        rs1: { ansible_host: 127.0.0.1, ansible_port: 1, lvs_address: 192.168.0.18 }
        rs2: { ansible_host: 127.0.0.1, ansible_port: 1, lvs_address: 192.168.0.28 }
  vars:
    lvs:
      ha_pairs:
        edge:
          members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }
          interface: eth0
          virtual_router_id: 51
          vips: [192.168.0.38]
      virtual_services:
        web:
          on: edge
          address: 192.168.0.38:80
          mode: dr
          scheduler: rr
          real_servers:
            rs1: { weight: 1 }
            rs2: { weight: 1 }
`;
const PLAYBOOK = `- name: Real servers
  hosts: real_servers
  gather_facts: false
  tasks:
    - name: A file
      copy: { dest: /etc/lvs-play-test, content: "text" }
`;

let remove: () => Promise<void> = () => Promise.resolve();
afterEach(() => remove());

async function deploy(inventory: string, playbook: string) {
  const files = await scratch({ 'hosts.yml': inventory, 'play.yml': playbook });
  remove = files.remove;
  return lvsPlay(['deploy', path.join(files.dir, 'play.yml'), '-i', path.join(files.dir, 'hosts.yml')]);
}

/** The line and column (from 1) of a piece of text. */
function placeOf(text: string, piece: string): string {
  const before = text.slice(0, text.indexOf(piece)).split('\n');
  expect(text).toContain(piece);
  return `${String(before.length)}:${String((before.at(-1)?.length ?? 0) + 1)}`;
}

describe('a playbook with a mistake', () => {
  it.each([
    ['an unknown module', PLAYBOOK.replace('copy:', 'copi:'), 'copi', /copi.*|unknown module/, /copy/],
    ['an unknown keyword', PLAYBOOK.replace('gather_facts: false', 'gather_facts: false\n  becom: true'), 'becom:', /becom/, /become/],
    ['an undefined variable', PLAYBOOK.replace('"text"', '"{{ no_such_thing }}"'), '"{{ no_such_thing }}"', /no_such_thing/, /./],
    ['an unknown argument', PLAYBOOK.replace('dest:', 'destt:'), 'destt', /destt/, /dest/],
    ['bad YAML', PLAYBOOK.replace('{ dest: /etc/lvs-play-test,', '{ dest: [,'), undefined, /YAML|flow|unexpected|expected/i, /./],
    ['an undefined variable in when', `${PLAYBOOK}      when: missing_flag\n`, 'missing_flag', /missing_flag/, /./],
  ])('%s: exit code 1, the place, and a hint', async (_what, playbook, piece, cause, hint) => {
    const run = await deploy(INVENTORY, playbook);
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toMatch(cause);
    expect(run.stderr).toMatch(/play\.yml:\d+:\d+/);
    if (piece !== undefined) expect(run.stderr).toContain(`play.yml:${placeOf(playbook, piece)}`);
    expect(/hint: (.*)/.exec(run.stderr)?.[1] ?? '').toMatch(hint);
    expect(run.stdout).toBe('');
  });
});

describe('an inventory with a mistake', () => {
  it.each([
    ['a negative weight', INVENTORY.replace('rs1: { weight: 1 }', 'rs1: { weight: -1 }'), '-1', /weight/],
    ['DR with another real port', INVENTORY.replace('rs1: { weight: 1 }', 'rs1: { weight: 1, port: 8080 }'), '8080', /port/],
    ['a real server that is no host', INVENTORY.replace('            rs2: { weight: 1 }', '            rs9: { weight: 1 }'), 'rs9', /rs9/],
    [
      'two pairs with one VRID on one network',
      INVENTORY.replace(
        '      virtual_services:',
        `        second:
          members: { lvs2: { priority: 100 }, lvs1: { priority: 90 } }
          interface: eth0
          virtual_router_id: 51
          vips: [192.168.0.39]
      virtual_services:`,
      ),
      undefined,
      /virtual_router_id|VRID/i,
    ],
    ['an unknown scheduler', INVENTORY.replace('scheduler: rr', 'scheduler: wrrr'), 'wrrr', /wrrr/],
    ['bad YAML', INVENTORY.replace('  vars:', '  vars: ['), undefined, /YAML|flow|unexpected|expected/i],
  ])('%s: exit code 1, the place, and a hint', async (_what, inventory, piece, cause) => {
    const run = await deploy(inventory, PLAYBOOK);
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toMatch(cause);
    expect(run.stderr).toMatch(/hosts\.yml:\d+:\d+/);
    if (piece !== undefined) expect(run.stderr).toContain(`hosts.yml:${placeOf(inventory, piece)}`);
    expect(run.stderr).toMatch(/hint: /);
    expect(run.stdout).toBe('');
  });

  it('is otherwise fine: then the hosts are asked, and none is there', async () => {
    const run = await deploy(INVENTORY, PLAYBOOK);
    expect(run.code, run.stderr).toBe(4);
    expect(run.stderr).toMatch(/hint: /);
  });
});

describe('a command line with a mistake', () => {
  it.each([
    [['deploy'], /playbook/i],
    [['deploi', 'site.yml'], /deploy/],
    [['deploy', 'playbooks/site.yml', '--limitt', 'x', '-i', 'x'], /limit/],
    [['deploy', 'playbooks/site.yml'], /-i/],
  ])('%j: exit code 5 and what was meant', async (args, cause) => {
    const run = await lvsPlay(args);
    expect(run.code, run.stderr).toBe(5);
    expect(run.stderr).toMatch(cause);
  });
});
