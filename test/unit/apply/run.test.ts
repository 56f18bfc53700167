import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlannedTask } from '../../../src/plan/types.ts';
import { play, Workshop } from './harness.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await Workshop.open();
});
afterEach(() => shop.close());

const COPY = '{ name: write, copy: { dest: "{{ dir }}/{{ inventory_hostname }}", content: "text\\n" } }';

function changesOf(tasks: readonly PlannedTask[]): string[] {
  return tasks.flatMap((row) => row.changes.map((change) => `${row.host} ${row.task.id} ${change.path} ${JSON.stringify(change.after)}`)).sort();
}

describe('plan and deploy', () => {
  const tasks = [
    '{ name: directory, file: { path: "{{ dir }}/{{ inventory_hostname }}.d", state: directory, mode: "0750" } }',
    '{ name: one, copy: { dest: "{{ dir }}/{{ inventory_hostname }}.d/one", content: "{{ item }}" }, loop: [a, b] }',
    '{ name: two, copy: { dest: "{{ dir }}/{{ inventory_hostname }}.d/two", content: "x", mode: "0600" }, register: two }',
    '{ name: only when new, copy: { dest: "{{ dir }}/{{ inventory_hostname }}.d/three", content: "new" }, when: two.changed }',
    '{ name: link, file: { path: "{{ dir }}/{{ inventory_hostname }}.l", state: link, src: /nowhere } }',
  ];

  it('agree on what changes; the second time nothing does, and one request told so', async () => {
    const planned = await shop.plan(play(tasks));
    expect(shop.exists('h1.d')).toBe(false);
    const deployed = await shop.deploy(play(tasks));
    const done = shop.events.flatMap((event) =>
      event.type === 'task-finished' ? event.outcome.changes.map((change) => `${event.host} ${event.task.id} ${change.path} ${JSON.stringify(change.after)}`) : [],
    );
    expect(done.sort()).toEqual(changesOf(planned.plan.plays[0]?.tasks ?? []));
    expect(deployed.recap['h1']).toMatchObject({ failed: 0, unreachable: 0 });
    expect(await shop.text('h2.d/one')).toBe('b');
    // The loop writes the same file twice: it is the one task that changes something each time.
    const rest = tasks.filter((task) => !task.includes('loop'));
    const again = await shop.deploy(play(rest));
    expect(again.recap['h3']).toMatchObject({ ok: 3, changed: 0, skipped: 1 });
    expect(again.stats['h3']).toMatchObject({ requests: 1 });
  });

  it('marks what rests on earlier changes, and leaves open what only the run can tell', async () => {
    const { plan } = await shop.plan(
      play([
        '{ name: first, copy: { dest: "{{ dir }}/x", content: "1" } }',
        '{ name: same file, copy: { dest: "{{ dir }}/x", content: "2" } }',
        '{ name: ask, command: { argv: [echo, hi] }, register: said }',
        '{ name: depends, copy: { dest: "{{ dir }}/y", content: "{{ said.stdout }}" } }',
        '{ name: never, command: { cmd: "false" }, when: 1 == 2 }',
      ], [], 'h1'),
    );
    expect(plan.plays[0]?.tasks.map((row) => [row.task.name, row.status, row.predicted])).toEqual([
      ['first', 'change', false],
      ['same file', 'change', true],
      ['ask', 'runs', false],
      ['depends', 'deferred', false],
      ['never', 'skipped', false],
    ]);
  });

  it('never renders what came from a machine', async () => {
    await writeFile(shop.path('hostile'), '{{ 1 + 1 }} {% if x %}');
    const run = await shop.deploy(
      play(['{ name: read, command: { argv: [cat, "{{ dir }}/hostile"] }, register: got }', '{ name: use, copy: { dest: "{{ dir }}/copy", content: "<{{ got.stdout }}>" } }'], [], 'h1'),
    );
    expect(run.recap['h1']).toMatchObject({ failed: 0, changed: 2 });
    expect(await shop.text('copy')).toBe('<{{ 1 + 1 }} {% if x %}>');
  });

  it('finds every mistake in the playbook before any host is asked, and tells it once', async () => {
    shop.broken.add('h1').add('h2').add('h3');
    await expect(shop.plan(play(['{ name: a, copy: { dest: /x, content: "{{ missing }}" } }']))).rejects.toMatchObject({ code: 'undefined-variable', position: { line: 5 } });
    await expect(shop.plan(play(['{ name: a, copy: { dset: /x, content: y } }']))).rejects.toMatchObject({ code: 'bad-argument' });
    await expect(shop.plan(play(['{ name: a, command: "true", when: "\'text\'" }']))).rejects.toMatchObject({ code: 'not-boolean' });
    expect(shop.events.some((event) => event.type === 'host-lost')).toBe(false);
  });
});

describe('what fails', () => {
  const failing = '{ name: fails, command: { cmd: "false" }, when: inventory_hostname == "h1" }';

  it('takes the host out, also of the plays that follow, and leaves the others in', async () => {
    const run = await shop.deploy(`${play([failing, COPY])}\n${play(['{ name: later, command: "true" }'])}`);
    expect(shop.exists('h1')).toBe(false);
    expect(await shop.text('h2')).toBe('text\n');
    expect(shop.outcomes().filter((line) => line.startsWith('h1'))).toEqual(['h1 fails failed']);
    expect(run.recap['h1']).toMatchObject({ failed: 1 });
    expect(run.recap['h2']).toMatchObject({ failed: 0 });
    expect(run.stopped).toBeUndefined();
  });

  it('stops a rollout: later batches are not begun', async () => {
    const run = await shop.deploy(play([failing, COPY], ['serial: 1']));
    expect(run.stopped).toMatch(/every host of the batch failed/);
    expect(shop.exists('h2')).toBe(false);
    const stopped = shop.events.find((event) => event.type === 'run-stopped');
    expect(stopped).toMatchObject({ notStarted: ['h2', 'h3'] });
  });

  it('max_fail_percentage and any_errors_fatal stop the plays after it', async () => {
    const after = play(['{ name: later, copy: { dest: "{{ dir }}/later", content: x } }']);
    expect((await shop.deploy(`${play([failing], ['max_fail_percentage: 50'])}\n${after}`)).stopped).toBeUndefined();
    expect(shop.exists('later')).toBe(true);
    for (const rule of ['max_fail_percentage: 10', 'any_errors_fatal: true']) {
      expect((await shop.deploy(`${play([failing], [rule])}\n${after}`)).stopped, rule).toMatch(/play/);
    }
  });

  it('before the first change, when a later play cannot do without a host that is not there', async () => {
    shop.broken.add('h3');
    const run = await shop.deploy(`${play([COPY], [], 'h1')}\n${play([COPY], ['any_errors_fatal: true'], 'h2:h3')}`);
    expect(run.stopped).toMatch(/h3 unreachable/);
    expect(shop.exists('h1')).toBe(false);
    expect(run.recap['h3']).toMatchObject({ unreachable: 1 });
  });

  it('can be ignored, defined and tried again', async () => {
    const run = await shop.deploy(
      play([
        '{ name: ignored, command: { cmd: "false" }, ignore_errors: true }',
        '{ name: fine, command: { cmd: "sh -c \'exit 3\'" }, register: r, failed_when: r.rc != 3, changed_when: false }',
        '{ name: bad, command: { cmd: "echo no" }, register: r, failed_when: "\'no\' in r.stdout", ignore_errors: true }',
        '{ name: third time, shell: { cmd: "echo x >> {{ dir }}/tries; test $(wc -l < {{ dir }}/tries) -ge 3" }, register: t, failed_when: false, until: t.rc == 0, retries: 5, delay: 0 }',
      ], [], 'h1'),
    );
    expect(shop.outcomes()).toEqual(['h1 ignored ignored', 'h1 fine ok', 'h1 bad ignored', 'h1 third time changed']);
    expect(run.recap['h1']).toMatchObject({ failed: 0, ignored: 2 });
    expect((await shop.text('tries')).split('\n')).toHaveLength(4);
  });

  it('says which handlers were notified and did not run', async () => {
    const handlers = '  handlers:\n    - { name: reload, command: "true" }\n';
    await shop.deploy(play(['{ name: change, copy: { dest: "{{ dir }}/c", content: x }, notify: reload }', '{ name: fails, command: { cmd: "false" } }'], [], 'h1') + handlers);
    expect(shop.events.filter((event) => event.type === 'message')).toMatchObject([{ level: 'warning', host: 'h1', text: 'h1: notified but not run: reload' }]);
  });
});

describe('order', () => {
  it('handlers run once, at the end, only when notified', async () => {
    const handlers = ['  handlers:', '    - { name: reload, shell: "echo reload >> {{ dir }}/log" }', '    - { name: by topic, listen: topic, shell: "echo topic >> {{ dir }}/log" }', '    - { name: idle, shell: "echo idle >> {{ dir }}/log" }', ''].join('\n');
    const book = play(
      ['{ name: a, copy: { dest: "{{ dir }}/a", content: x }, notify: [reload, topic] }', '{ name: b, copy: { dest: "{{ dir }}/b", content: x }, notify: reload }', '{ name: c, shell: "echo task >> {{ dir }}/log" }'],
      [],
      'h1',
    );
    await shop.deploy(book + handlers);
    expect(await shop.text('log')).toBe('task\nreload\ntopic\n');
  });

  it('run_once runs on one host and tells the others', async () => {
    await shop.deploy(play(['{ name: once, command: { argv: [echo, "{{ inventory_hostname }}"] }, run_once: true, register: who }', '{ name: use, copy: { dest: "{{ dir }}/{{ inventory_hostname }}", content: "{{ who.stdout }}" } }']));
    expect(shop.outcomes().filter((line) => line.includes('once'))).toHaveLength(1);
    expect(await shop.text('h3')).toBe('h1');
  });

  it('an interruption finishes the step in hand and begins nothing more', async () => {
    const abort = new AbortController();
    shop.onEvent = (event) => {
      if (event.type === 'task-started') abort.abort();
    };
    const run = await shop.deploy(play([COPY, '{ name: second, copy: { dest: "{{ dir }}/second", content: x } }'], [], 'h1'), {}, abort.signal);
    expect(run).toMatchObject({ interrupted: true, stopped: 'interrupted' });
    expect(await shop.text('h1')).toBe('text\n');
    expect(shop.exists('second')).toBe(false);
  });

  it('an action of the controller runs after a change and rests without one', async () => {
    let calls = 0;
    shop.actions.set('lvs_verify', () => {
      calls++;
      return Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
    });
    const book = `${play([COPY])}\n${play(['{ name: proof, lvs_verify: }'], [], 'localhost')}`;
    expect((await shop.plan(book)).plan.plays[1]?.tasks).toMatchObject([{ status: 'runs' }]);
    await shop.deploy(book);
    expect(calls).toBe(1);
    await shop.deploy(book);
    expect(calls).toBe(1);
    expect(shop.outcomes()).toContain('localhost proof skipped');
    expect((await shop.plan(book)).plan.plays[1]?.tasks).toMatchObject([{ status: 'skipped' }]);
  });
});

describe('variables', () => {
  it('come in the order of Ansible', async () => {
    await writeFile(shop.path('vars.yml'), 'from_file: file\nv: file\n');
    const hosts = 'all: { vars: { v: inventory, i: inventory, p: inventory }, hosts: { h1: { lvs_address: 10.0.0.1 } } }\n';
    const book = [
      '- name: play',
      '  hosts: h1',
      '  gather_facts: false',
      '  vars: { p: play, v: play }',
      '  vars_files: [vars.yml]',
      '  tasks:',
      '    - { set_fact: { s: set } }',
      '    - { name: out, copy: { dest: "{{ dir }}/out", content: "{{ [i, p, v, t, s, e, inventory_hostname, hostvars.h1.i] | join(\' \') }}" }, vars: { t: task, e: task } }',
      '',
    ].join('\n');
    const run = await shop.deploy(book, { hosts, extraVars: { e: 'extra' } });
    expect(run.recap['h1']).toMatchObject({ failed: 0 });
    expect(await shop.text('out')).toBe('inventory play file task set extra h1 inventory');
  });

  it('keep secrets out of everything that is told', async () => {
    shop.secrets.add('hunter22');
    await shop.deploy(
      play([
        '{ name: diff, copy: { dest: "{{ dir }}/s", content: "password hunter22\\n" } }',
        '{ name: output, command: { argv: [echo, hunter22] } }',
        '{ name: hidden, copy: { dest: "{{ dir }}/n", content: "other-word" }, no_log: true }',
        '{ name: "as {{ item }}", command: { argv: ["true", "{{ item }}"] }, loop: [hunter22] }',
        '{ name: fails, shell: "echo hunter22 >&2; exit 1" }',
      ], [], 'h1'),
    );
    const told = JSON.stringify(shop.events);
    expect(told).not.toContain('hunter22');
    expect(told).not.toContain('other-word');
    expect(await shop.text('s')).toBe('password hunter22\n');
  });

  it('environment reaches programs and scripts', async () => {
    await shop.deploy(play(['{ name: e, shell: "echo $COLOUR > {{ dir }}/e", environment: { COLOUR: "it\'s {{ c }}" } }'], [], 'h1'), { extraVars: { c: 'red' } });
    expect(await shop.text('e')).toBe("it's red\n");
  });
});
