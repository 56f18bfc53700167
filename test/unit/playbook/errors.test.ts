import { describe, expect, it } from 'vitest';
import { faults, taskFaults } from './support.ts';

describe('a mistake in a task has its place and a way out', () => {
  it.each([
    ['unknown module', '- copi: {dest: /x}', /^site.yml:3:7 unknown-module unknown module "copi" \| did you mean "copy"/],
    ['one with nothing near', '- frobnicate: {}', /unknown-module .* \| the modules are: command, copy/],
    ['a module of Ansible\'s with a counterpart', '- apt: {name: nginx}', /unknown-module .* \| use `package`/],
    ['the same with its collection', '- community.general.modprobe: {name: ip_vs}', /unknown-module .* \| use `kernel_module`/],
    ['unknown keyword', '- debug:\n  whenn: x', /^site.yml:4:7 unknown-keyword unknown keyword "whenn" on a task \| did you mean "when"\?/],
    ['a keyword misspelt and no module', '- name: x\n  notfiy: y', /unknown-keyword .*notfiy.*"notify"/, 2],
    ['two modules', '- copy: {}\n  file: {}', /^site.yml:4:7 two-modules .*copy and file/],
    ['no module', '- name: nothing', /no-module/],
    ['a module as the name', '- name: debug', /no-module .* write it as the key, `debug:/],
    ['action', '- action: copy', /unsupported-keyword action is not supported .* write the module as the key/],
    ['local_action', '- local_action: copy', /unsupported-keyword .*`delegate_to: localhost`/],
    ['with_items', '- debug:\n  with_items: [1]', /unsupported-keyword with_items .* use loop:/],
    ['with_dict', '- debug:\n  with_dict: {}', /dict2items/],
    ['another with_', '- debug:\n  with_inventory_hostnames: all', /unsupported-keyword .* use loop/],
    ['async', '- debug:\n  async: 5', /unsupported-keyword async/],
    ['rescue', '- block: []\n  rescue: []', /unsupported-keyword rescue is not supported on a block/],
    ['always without block', '- always: []', /unsupported-keyword always/],
    ['register on a block', '- block: []\n  register: x', /unsupported-keyword register .* tasks of the block/],
    ['listen on a task', '- debug:\n  listen: x', /unsupported-keyword listen .* use notify/],
    ['braces in when', '- debug:\n  when: "{{ x }}"', /^site.yml:4:13 braces-in-expression/],
    ['a number as when', '- debug:\n  when: 1', /wrong-type when must be an expression/],
    ['a bare loop', '- debug:\n  loop: things', /loop-not-list .* \| write loop: "\{\{ things \}\}"/],
    ['a mapping as loop', '- debug:\n  loop: {a: 1}', /loop-not-list .*dict2items/],
    ['loop_control: label', '- debug:\n  loop: [1]\n  loop_control: {label: x}', /unsupported-keyword loop_control: label/],
    ['a name that cannot be registered', '- debug:\n  register: a-b', /bad-variable-name/],
    ['a variable with a dash', '- debug:\n  vars: {a-b: 1}', /^site.yml:4:14 bad-variable-name/],
    ['delegation to a host', '- debug:\n  delegate_to: rs1', /unsupported-delegate .*`hosts: rs1`/],
    ['a template as become', '- debug:\n  become: "{{ x }}"', /wrong-type become must be true or false, .* when/],
    ['retries alone', '- debug:\n  retries: 3', /retries-without-until/],
    ['retries of -1', '- debug:\n  until: x\n  retries: -1', /wrong-type retries must be a whole number of at least 0/],
    ['su', '- debug:\n  become_method: su', /unsupported-become-method/],
    ['an unknown handler', '- debug:\n  notify: restart', /unknown-handler .*the play has no handlers/],
    ['free text for a module that takes none', '- copy: hello', /no-free-form/],
    ['an open quote', '- command: echo "x', /bad-free-form/],
    ['a list as arguments', '- copy: [1]', /wrong-type copy must be a mapping/],
    ['a task that is a text', '- copy', /wrong-type a task must be a mapping/],
    ['a file that is not there', '- import_tasks: none.yml', /^site.yml:3:21 no-such-file/],
    ['a template as file', '- include_tasks: "{{ f }}.yml"', /templated-include/],
    ['a loop over an include', '- include_tasks: x.yml\n  loop: [1]', /unsupported-keyword loop is not supported on an include/, 2],
    ['become on an include', '- include_tasks: {file: none.yml}\n  become: true', /under `apply:`/, 2],
    ['an unknown argument of a role', '- import_role: {name: x, tasks_form: y}', /unknown-argument/, 2],
    ['a role without a name', '- include_role: {}', /missing-name/],
    ['a vaulted value', '- debug:\n  vars:\n    x: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      6161', /vault-in-playbook/],
  ])('%s', async (_what, yaml, expected, count?: number) => {
    const found = await taskFaults(yaml);
    expect(found.join('\n')).toMatch(expected);
    expect(found).toHaveLength(count ?? 1);
  });
});

describe('a mistake in a play', () => {
  it.each([
    ['no hosts', '- name: x\n', /no-hosts/],
    ['an unknown keyword', '- hosts: all\n  becom: true\n', /^site.yml:2:3 unknown-keyword .*"become"/],
    ['gathering facts', '- hosts: all\n  gather_facts: true\n', /^site.yml:2:17 gather-facts .* gather_facts: false/],
    ['strategy', '- hosts: all\n  strategy: free\n', /unsupported-keyword strategy/],
    ['remote_user', '- hosts: all\n  remote_user: ops\n', /ansible_user/],
    ['an order', '- hosts: all\n  order: backup-first\n', /unknown-order .*"backup_first"/],
    ['serial', '- hosts: all\n  serial: some\n', /bad-serial/],
    ['a percentage', '- hosts: all\n  max_fail_percentage: 101\n', /wrong-type/],
    ['a connection', '- hosts: all\n  connection: local\n', /unsupported-connection/],
    ['hosts from a template', '- hosts: "{{ target }}"\n', /templated-hosts .*--limit/],
    ['a missing vars_file', '- hosts: all\n  vars_files: [none.yml]\n', /^site.yml:2:16 no-such-file/],
    ['a missing role', '- hosts: all\n  roles: [nowhere]\n', /^site.yml:2:11 unknown-role .*roles\/nowhere/],
    ['a role without a name', '- hosts: all\n  roles: [{tags: x}]\n', /missing-name/],
    ['a missing playbook', '- import_playbook: none.yml\n', /unreadable-file/],
    ['a playbook that imports itself', '- import_playbook: site.yml\n', /include-cycle/],
    ['no list', 'hosts: all\n', /no-playbook/],
    ['nothing', '', /no-playbook/],
    ['bad YAML', '- hosts: [all\n', /bad-yaml/],
  ])('%s', async (_what, yaml, expected) => {
    const found = await faults(yaml);
    expect(found.join('\n')).toMatch(expected);
    expect(found).toHaveLength(1);
  });

  it('is fine where it means the same', async () => {
    expect(await faults('- hosts: localhost\n  connection: local\n  gather_facts: false\n  become_method: sudo\n')).toEqual([]);
  });
});

describe('all mistakes', () => {
  it('of all files are told in one go, in the order of the files', async () => {
    const found = await faults({
      'site.yml': '- hosts: all\n  becom: true\n  roles: [r]\n  tasks:\n    - copi: {}\n    - import_tasks: more.yml\n    - debug:\n      notify: no\n- hosts: b\n  foo: 1\n',
      'more.yml': '- debug:\n  wen: x\n',
      'roles/r/tasks/main.yml': '- debug:\n  tgas: x\n',
      'roles/r/meta/main.yml': 'dependancies: []\n',
    });
    expect(found.map((fault) => fault.split(' ').slice(0, 2).join(' '))).toEqual([
      'site.yml:2:3 unknown-keyword',
      'site.yml:5:7 unknown-module',
      'site.yml:8:15 wrong-type',
      'site.yml:10:3 unknown-keyword',
      'main.yml:1:1 unknown-keyword',
      'main.yml:2:3 unknown-keyword',
      'more.yml:2:3 unknown-keyword',
    ]);
  });

  it('are told once, however often a role is used', async () => {
    expect(await faults({ 'site.yml': '- hosts: all\n  roles: [r, {role: r, vars: {a: 1}}]\n', 'roles/r/tasks/main.yml': '- copi:\n' })).toHaveLength(1);
  });

  it('includes and roles that need themselves', async () => {
    expect(await faults({ 'site.yml': '- hosts: all\n  tasks: [import_tasks: a.yml]\n', 'a.yml': '- import_tasks: b.yml\n', 'b.yml': '- import_tasks: a.yml\n' })).toMatchObject([/include-cycle .*a.yml -> .*b.yml -> .*a.yml/].map((pattern) => expect.stringMatching(pattern) as string));
    const found = await faults({ 'site.yml': '- hosts: all\n  roles: [a]\n', 'roles/a/meta/main.yml': 'dependencies: [b]\n', 'roles/b/meta/main.yml': 'dependencies: [a]\n' });
    expect(found.join()).toMatch(/role-cycle .*a -> b -> a/);
  });
});
