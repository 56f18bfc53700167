import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadPlaybook } from '../../../src/playbook/load/load.ts';
import { listTasks } from '../../../src/playbook/list.ts';
import { folder, MODULES } from './support.ts';

const FILES = {
  'site.yml': `
- import_playbook: first.yml
  tags: imported
- name: Second
  hosts: localhost
  gather_facts: false
  tags: [second, common]
  pre_tasks:
    - name: before
      debug: msg=hi
      tags: a,b
  roles:
    - base
    - {role: web, tags: [frontend], web_port: 80}
    - role: web
      vars: {web_port: 8080}
  tasks:
    - block:
        - name: in a block
          debug: {msg: x}
          tags: always
        - debug: {msg: unnamed}
        - block:
            - name: deeper
              command: echo hi chdir=/tmp
              tags: [deep]
      tags: blk
    - name: hardly ever
      shell: echo hi
      tags: [never, rare]
    - import_tasks: tasks/more.yml
      tags: imp
    - name: a role in the middle
      import_role:
        name: web
        tasks_from: extra
      tags: mid
  post_tasks:
    - name: after
      ansible.builtin.debug:
        msg: bye
`,
  'first.yml': `
- name: First
  hosts: all
  gather_facts: no
  tasks:
    - {name: "one {{ x }}", debug: {msg: "{{ x }}"}, tags: untagged_not}
    - {name: two, debug: }
`,
  'tasks/more.yml': `
- name: more
  debug:
  tags: st
- import_tasks: even.yml
`,
  'tasks/even.yml': '- {name: even more, debug: , when: [true, x is defined]}\n',
  'roles/base/tasks/main.yml': '- {name: base task, debug: }\n',
  'roles/common/tasks/main.yml': '- {name: common task, debug: , tags: from_dependency}\n',
  'roles/web/meta/main.yml': 'dependencies:\n  - role: common\n    tags: [dep]\n',
  'roles/web/tasks/main.yml': '- {name: web task, debug: {msg: "{{ web_port }}"}}\n- import_tasks: sub.yml\n',
  'roles/web/tasks/sub.yml': '- {name: web sub, debug: }\n',
  'roles/web/tasks/extra.yml': '- {name: web extra, debug: }\n',
  'roles/web/handlers/main.yml': '- {name: reload web, debug: }\n',
};

async function ansible(dir: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('ansible-playbook', ['-i', 'localhost,', 'site.yml', ...args], { cwd: dir, env: { ...process.env, ANSIBLE_NOCOLOR: '1', ANSIBLE_HOME: path.join(dir, '.ansible'), ANSIBLE_LOCALHOST_WARNING: '0' } });
  return stdout;
}

/** The names and tags of the tasks of every play. */
function rows(text: string): string[] {
  return text.split('\n').filter((line) => line.includes('TAGS:')).map((line) => line.trim().replace(/\s*TAGS:/, ' TAGS:').replace(/^TASK TAGS.*/, '')).filter((line) => line !== '');
}

describe('lists of tasks as ansible-playbook prints them', () => {
  it.each([
    ['everything', [], []],
    ['one tag', ['web'], []],
    ['a tag of a role', ['frontend'], []],
    ['a tag of a dependency', ['dep'], []],
    ['what is hardly ever run', ['rare'], []],
    ['tagged', ['tagged'], []],
    ['untagged', ['untagged'], []],
    ['all but some', [], ['blk', 'mid']],
    ['some but some', ['second'], ['deep', 'always']],
    ['the imported playbook', ['imported'], []],
  ])('%s', async (_what, tags, skipTags) => {
    const dir = await folder(FILES);
    const playbook = await loadPlaybook(path.join(dir, 'site.yml'), MODULES);
    const flags = [...(tags.length === 0 ? [] : ['--tags', tags.join(',')]), ...(skipTags.length === 0 ? [] : ['--skip-tags', skipTags.join(',')])];
    const theirs = rows(await ansible(dir, '--list-tasks', ...flags));
    // A play's own tags come in any order, with no space between.
    const sorted = (lines: string[]) => lines.map((line) => line.replace(/TAGS: \[(.*)\]/, (_all, list: string) => `TAGS: [${list.split(/, ?/).sort().join(', ')}]`));
    expect(sorted(rows(listTasks(playbook, { tags, skipTags })))).toEqual(sorted(theirs));
  });

  it('both accept, and both refuse', async () => {
    const good = await folder(FILES);
    expect(await ansible(good, '--syntax-check')).toContain('site.yml');
    for (const wrong of ['- hosts: all\n  tasks:\n    - {debug: , copy: {}}\n', '- hosts: all\n  taskz: []\n', '- hosts: all\n  tasks:\n    - {name: x, import_tasks: none.yml}\n', '- hosts: all\n  roles: [nowhere]\n', '- {name: x}\n']) {
      const dir = await folder({ 'site.yml': wrong });
      await expect(ansible(dir, '--syntax-check'), wrong).rejects.toThrow();
      await expect(loadPlaybook(path.join(dir, 'site.yml'), MODULES), wrong).rejects.toThrow();
    }
  });
});

describe('variables as a real run sees them', () => {
  const VARS = {
    'site.yml': `
- hosts: localhost
  gather_facts: false
  vars: {a: play, b: play, c: play, f: play}
  vars_files: [vars/f.yml]
  roles:
    - {role: r, vars: {a: entry, d: entry}, p: param}
  tasks:
    - {name: play, debug: {msg: "{{ [a, b, c, d, e, f] | join(' ') }}"}}
    - block:
        - {name: block, debug: {msg: "{{ [a, b, c, d, e, f] | join(' ') }}"}}
        - {name: task, debug: {msg: "{{ [a, b, c, d, e, f] | join(' ') }}"}, vars: {c: task}}
        - import_tasks: inc.yml
          vars: {b: include}
      vars: {b: block, c: block}
    - import_role: {name: r}
      vars: {a: import, p: import}
`,
    'inc.yml': "- {name: include, debug: {msg: \"{{ [a, b, c, d, e, f] | join(' ') }}\"}}\n",
    'vars/f.yml': 'f: file\n',
    'roles/r/defaults/main.yml': 'a: default\nd: default\ne: default\np: default\n',
    'roles/r/vars/main.yml': 'a: role\n',
    'roles/r/tasks/main.yml': "- {name: role, debug: {msg: \"{{ [a, b, c, d, e, f, p] | join(' ') }}\"}}\n- {name: role task, debug: {msg: \"{{ [a, b, c, d, e, f, p] | join(' ') }}\"}, vars: {a: task, p: task}}\n",
  };

  it('agree task by task', async () => {
    const dir = await folder(VARS);
    const run = await ansible(dir, '-c', 'local');
    const theirs = [...run.matchAll(/"msg": "(.*)"/g)].map((match) => match[1]);
    const playbook = await loadPlaybook(path.join(dir, 'site.yml'), MODULES);
    const [play] = playbook.plays;
    const ours = play!.tasks.map((task) => {
      // The order of the planner's scope: defaults, play, files, then the rest as written.
      const layers = [...play!.vars, ...task.vars];
      const pick = (...sources: string[]) => layers.filter((layer) => sources.includes(layer.source)).map((layer) => layer.vars.value);
      const vars = Object.assign({}, ...pick('role-defaults'), ...pick('play-vars'), ...pick('vars-files'), ...pick('role-vars', 'include-vars', 'block-vars', 'task-vars')) as Record<string, string>;
      const names = /\[(.*?)\]/.exec(JSON.stringify(task.args.value))![1]!.split(', ');
      return names.map((name) => vars[name]).join(' ');
    });
    expect(ours).toEqual(theirs);
  });
});
