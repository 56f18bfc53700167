import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { knownModules } from '../../../src/modules/registry.ts';
import { loadPlaybook } from '../../../src/playbook/load/load.ts';
import { listHosts } from '../../../src/playbook/list.ts';
import { folder, load, loadPlay, loadTasks, MODULES } from './support.ts';

describe('a play', () => {
  it('has Ansible\'s defaults', async () => {
    const play = await loadPlay('- hosts: web\n');
    expect(play).toMatchObject({ name: 'web', hosts: 'web', order: 'inventory', serial: [], anyErrorsFatal: false, maxFailPercentage: undefined, become: undefined, tasks: [], handlers: [] });
    expect(play.position).toMatchObject({ line: 1, column: 3 });
  });

  it('takes everything that is written', async () => {
    const play = await loadPlay(`
- name: All of it
  hosts: [web, "!rs9"]
  order: backup_first
  serial: [1, "30%", "5"]
  become: yes
  become_user: ops
  any_errors_fatal: true
  max_fail_percentage: 30
  gather_facts: false
  environment: {LANG: C}
  tasks:
    - command: id
      environment: {PATH: /bin}
    - debug:
      become: false
`);
    expect(play).toMatchObject({ hosts: 'web,!rs9', order: 'backup_first', serial: [1, '30%', 5], become: true, becomeUser: 'ops', anyErrorsFatal: true, maxFailPercentage: 30 });
    // A host's ansible_become stands between the play's and the task's, so a task must not have the play's.
    expect(play.tasks.map((task) => task.become)).toEqual([undefined, false]);
    expect(play.tasks[0]!.environment!.value).toEqual({ LANG: 'C', PATH: '/bin' });
    expect(play.tasks[0]!.environment!.locate(['PATH'])).toMatchObject({ line: 14 });
    expect(play.tasks[0]!.environment!.locate(['LANG'])).toMatchObject({ line: 11 });
  });

  it('runs pre_tasks, roles, tasks and post_tasks in this order, whatever the order written', async () => {
    const play = await loadPlay('- hosts: all\n  post_tasks: [{name: d, debug: }]\n  tasks: [{name: c, debug: }]\n  roles: [b]\n  pre_tasks: [{name: a, debug: }]\n', {
      'roles/b/tasks/main.yml': '- {name: b, debug: }\n',
    });
    expect(play.tasks.map((task) => [task.id, task.name])).toEqual([
      ['0.0', 'a'],
      ['0.1', 'b'],
      ['0.2', 'c'],
      ['0.3', 'd'],
    ]);
  });
});

describe('a task', () => {
  it('takes everything that is written', async () => {
    const [task] = await loadTasks(`
- name: Start {{ item }}
  ansible.builtin.service:
    name: "{{ item }}"
  args: {state: started}
  loop: [a, b]
  loop_control: {loop_var: item}
  register: result
  when:
    - x is defined
    - true
  tags: a, b
  become: true
  changed_when: false
  failed_when: [result.rc != 0, "'x' in result.stderr"]
  ignore_errors: yes
  no_log: true
  delegate_to: 127.0.0.1
  run_once: true
  until: result is succeeded
  retries: 4
  delay: 1.5
  vars: {v: 1}
`);
    expect(task).toMatchObject({
      id: '0.0',
      name: 'Start {{ item }}',
      module: 'service',
      args: { value: { name: '{{ item }}', state: 'started' } },
      loopVar: 'item',
      register: 'result',
      tags: ['a', 'b'],
      become: true,
      ignoreErrors: true,
      noLog: true,
      delegateTo: 'localhost',
      runOnce: true,
      changedWhen: { value: false },
      failedWhen: { value: "(result.rc != 0) and ('x' in result.stderr)" },
      until: { condition: { value: 'result is succeeded' }, retries: 4, delay: 1.5 },
    });
    expect(task!.loop!.value).toEqual(['a', 'b']);
    expect(task!.when.map((condition) => condition.value)).toEqual(['x is defined', true]);
    expect(task!.args.locate(['name'])).toMatchObject({ line: 5, column: 15 });
    expect(task!.args.locate(['state'], 'key')).toMatchObject({ line: 6, column: 14 });
    expect(task!.when[0]!.locate([])).toMatchObject({ line: 11, column: 11 });
    expect(task!.vars).toMatchObject([{ source: 'task-vars', vars: { value: { v: 1 } } }]);
  });

  it.each([
    ['command: echo hi chdir=/tmp', { cmd: 'echo hi', chdir: '/tmp' }],
    ['shell: "ls | wc -l"', { cmd: 'ls | wc -l' }],
    ['command: {argv: [id]}', { argv: ['id'] }],
    ['copy: dest=/x content="a b"', { dest: '/x', content: 'a b' }],
    ['debug:', {}],
    ['command: 42', { cmd: '42' }],
  ])('gives the arguments of %s', async (yaml, args) => {
    expect((await loadTasks(`- ${yaml}`))[0]!.args.value).toEqual(args);
  });

  it('is called as its module when it has no name', async () => {
    expect((await loadTasks('- ansible.builtin.debug:'))[0]).toMatchObject({ name: 'debug', module: 'debug' });
    expect((await loadTasks('- ansible.posix.sysctl: {name: a}'))[0]).toMatchObject({ module: 'sysctl' });
  });
});

describe('blocks and includes', () => {
  it('hand their directives to the tasks inside', async () => {
    const tasks = await loadTasks(
      `
- when: a
  tags: t1
  become: true
  vars: {x: outer}
  block:
    - block:
        - debug:
          when: c
          tags: t3
      when: [b]
      vars: {x: inner}
    - import_tasks: sub/more.yml
      when: d
      vars: {y: 1}
`,
      { 'sub/more.yml': '- debug:\n- import_tasks: other.yml\n', 'sub/other.yml': '- {name: last, debug: }\n' },
    );
    expect(tasks.map((task) => task.when.map((condition) => condition.value))).toEqual([['a', 'b', 'c'], ['a', 'd'], ['a', 'd']]);
    expect(tasks.map((task) => task.tags)).toEqual([['t1', 't3'], ['t1'], ['t1']]);
    expect(tasks.every((task) => task.become === true)).toBe(true);
    expect(tasks[0]!.vars.map((layer) => [layer.source, layer.vars.value])).toEqual([
      ['block-vars', { x: 'outer' }],
      ['block-vars', { x: 'inner' }],
    ]);
    expect(path.basename(tasks[2]!.baseDir)).toBe('sub');
    expect(path.basename(tasks[2]!.position.file)).toBe('other.yml');
  });

  it('of the include_ form take what is under apply', async () => {
    const [task] = await loadTasks('- include_tasks: {file: more.yml, apply: {become: true, tags: [in]}}\n  tags: out\n  when: a', { 'more.yml': '- debug:\n' });
    expect(task).toMatchObject({ become: true, tags: ['in'], includeTags: [['out']] });
    expect(task!.when.map((condition) => condition.value)).toEqual(['a']);
  });

  it('may be empty', async () => {
    expect(await loadTasks('- import_tasks: more.yml', { 'more.yml': '# nothing yet\n' })).toEqual([]);
  });
});

describe('roles', () => {
  const ROLE = {
    'roles/web/tasks/main.yml': '- {name: configure, template: {src: a.j2, dest: /a}, notify: "web : reload"}\n',
    'roles/web/handlers/main.yml': '- {name: reload, service: {name: nginx}, listen: config changed}\n',
    'roles/web/defaults/main.yml': 'port: 80\n',
  };

  it('bring tasks, handlers and variables, and know where they are', async () => {
    const play = await loadPlay('- hosts: all\n  roles: [web]\n  tasks: [{debug: , notify: config changed}]\n', ROLE);
    expect(play.tasks[0]).toMatchObject({ name: 'configure', notify: ['reload'] });
    expect(path.basename(play.tasks[0]!.roleDir!)).toBe('web');
    expect(path.isAbsolute(play.tasks[0]!.roleDir!)).toBe(true);
    expect(play.handlers).toMatchObject([{ id: '0.h0', name: 'reload', listen: ['config changed'] }]);
    expect(play.vars).toMatchObject([{ source: 'role-defaults', vars: { value: { port: 80 } } }]);
  });

  it('stand beside the playbook or one folder up', async () => {
    const dir = await folder({ ...ROLE, 'books/site.yml': '- hosts: all\n  roles: [web]\n' });
    expect((await loadPlaybook(path.join(dir, 'books/site.yml'), MODULES)).plays[0]!.tasks).toHaveLength(1);
  });

  it('run once, with the same parameters, and again with others; their handlers are there once', async () => {
    const play = await loadPlay('- hosts: all\n  roles: [web, web, {role: web, vars: {port: 81}}]\n  tasks: [{import_role: {name: web}}]\n', ROLE);
    expect(play.tasks).toHaveLength(3);
    expect(play.handlers).toHaveLength(1);
  });

  it('come after what they depend on, which sees their variables', async () => {
    const play = await loadPlay('- hosts: all\n  roles: [{role: web, when: on, p: 1}]\n', {
      ...ROLE,
      'roles/web/meta/main.yml': 'dependencies: [base]\ngalaxy_info: {}\n',
      'roles/web/vars/main.yml': 'v: web\n',
      'roles/base/tasks/main.yml': '- {name: base, debug: }\n',
    });
    expect(play.tasks.map((task) => task.name)).toEqual(['base', 'configure']);
    expect(play.tasks[0]!.when.map((condition) => condition.value)).toEqual([true]);
    expect(play.tasks[0]!.vars.map((layer) => layer.vars.value)).toEqual([{ port: 80 }, { v: 'web' }, { p: 1 }]);
  });
});

describe('a playbook', () => {
  it('imports others, with tags, conditions and variables for all their tasks', async () => {
    const playbook = await load({
      'site.yml': '- import_playbook: sub/a.yml\n  tags: t\n  when: w\n  vars: {v: 1}\n- hosts: b\n  tasks: [{debug: }]\n',
      'sub/a.yml': '- hosts: a\n  roles: [r]\n',
      'sub/roles/r/tasks/main.yml': '- debug:\n',
    });
    expect(playbook.plays.map((play) => play.hosts)).toEqual(['a', 'b']);
    expect(playbook.plays[0]!.tasks[0]).toMatchObject({ id: '0.0', tags: ['t'] });
    expect(playbook.plays[0]!.vars).toMatchObject([{ source: 'play-vars', vars: { value: { v: 1 } } }]);
    expect(playbook.plays[1]!.tasks[0]).toMatchObject({ id: '1.0', tags: [] });
  });

  it('lists the hosts of its plays', async () => {
    const playbook = await load('- {name: One, hosts: web}\n');
    expect(listHosts(playbook, [['a', 'b']])).toContain('  play #1 (web): One\n    pattern: web\n    hosts (2):\n      a\n      b\n');
  });

  it('reads the ones of this project', async () => {
    const root = path.resolve(import.meta.dirname, '../../..');
    const playbook = await loadPlaybook(path.join(root, 'playbooks/demo.yml'), knownModules);
    expect(playbook.plays.length).toBeGreaterThan(2);
    expect(playbook.plays.flatMap((play) => play.tasks).length).toBeGreaterThan(5);
  });
});
