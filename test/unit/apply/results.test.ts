import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { play, Workshop } from './harness.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await Workshop.open();
});
afterEach(() => shop.close());

const use = (value: string, name = 'out') => `{ name: use, copy: { dest: "{{ dir }}/${name}", content: "${value}" } }`;
const warnings = () => shop.events.flatMap((event) => (event.type === 'message' ? [event.text] : []));

describe('what hangs on a result', () => {
  it.each([
    ['through set_fact', ['{ set_fact: { v: "<{{ r.stdout }}>" } }', use('{{ v }}')], '<hi>'],
    ['through a fact that hides a variable', ['{ set_fact: { known: "{{ r.stdout }}" } }', use('{{ known }}')], 'hi'],
    ['in the environment', ['{ name: use, shell: "printf %s $V > {{ dir }}/out", environment: { V: "{{ r.stdout }}" } }'], 'hi'],
    ['in a template', ['{ name: use, template: { src: t.j2, dest: "{{ dir }}/out" } }'], 'said hi\n'],
    ['in a loop', ['{ name: use, copy: { dest: "{{ dir }}/out", content: "{{ item }}" }, loop: "{{ r.stdout_lines }}" }'], 'hi'],
  ])('%s is left open by the plan and right in the run', async (_name, tasks, expected) => {
    await writeFile(shop.path('t.j2'), 'said {{ r.stdout }}\n');
    const book = play(['{ name: ask, command: { argv: [echo, hi] }, register: r }', ...tasks], [], 'h1');
    const options = { extraVars: {}, hosts: 'all: { hosts: { h1: { known: inventory } } }\n' };
    const { plan } = await shop.plan(book, options);
    expect(plan.plays[0]?.tasks.at(-1)).toMatchObject({ status: 'deferred' });
    expect((await shop.deploy(book, options)).recap['h1']).toMatchObject({ failed: 0 });
    expect(await shop.text('out')).toBe(expected);
  });

  it('a loop of set_fact builds a list up', async () => {
    await shop.deploy(play(['{ set_fact: { all_of: "{{ all_of | default([]) + [item] }}" }, loop: [a, b, c] }', use("{{ all_of | join(' ') }}")], [], 'h1'));
    expect(await shop.text('out')).toBe('a b c');
  });

  it('of a loop is a list of results', async () => {
    await shop.deploy(play(['{ command: { argv: [echo, "{{ item }}"] }, loop: [a, b], register: r }', use("{{ r.results | map(attribute='stdout') | join(' ') }} {{ r.changed }}")], [], 'h1'));
    expect(await shop.text('out')).toMatch(/^a b true$/i);
  });

  it('is told like any failure, and can be ignored', async () => {
    const tasks = ['{ command: { argv: [echo, hi] }, register: r }', '{ name: bad, copy: { dest: "{{ dir }}/x", content: "{{ r.nothing }}" }, ignore_errors: true, register: bad }', use('is {{ bad.failed }}')];
    const run = await shop.deploy(play(tasks, [], 'h1'));
    expect(run.recap['h1']).toMatchObject({ failed: 0, ignored: 1 });
    expect(await shop.text('out')).toMatch(/^is true$/i);
    const strict = await shop.deploy(play(tasks.map((task) => task.replace('ignore_errors: true, ', '')), [], 'h1'));
    expect(strict.recap['h1']).toMatchObject({ failed: 1 });
    expect(shop.finished().at(-1)?.outcome.message).toMatch(/r.nothing is undefined/);
  });
});

describe('until', () => {
  it('that never holds fails the task with what it said last, and notifies nobody', async () => {
    const handlers = '  handlers:\n    - { name: reload, command: "true" }\n';
    const run = await shop.deploy(
      play(['{ name: t, shell: "echo reason >&2; exit 3", register: r, until: r.rc == 0, retries: 1, delay: 0, notify: reload, ignore_errors: true }', use('is {{ r.failed }}')], [], 'h1') + handlers,
    );
    expect(shop.finished()[0]?.outcome).toMatchObject({ status: 'ignored', message: expect.stringMatching(/still false after 2 attempts: .*reason/) as string });
    expect(await shop.text('out')).toMatch(/^is true$/i);
    expect(run.recap['h1']).toMatchObject({ failed: 0 });
    expect(shop.outcomes().some((line) => line.includes('reload'))).toBe(false);
  });

  it('that cannot be worked out fails that host alone', async () => {
    const task = (condition: string) => `{ name: t, command: "true", register: r, until: ${condition}, retries: 1, delay: 0, when: inventory_hostname == "h1" }`;
    for (const condition of ['r.typo == 1', 'r.rc']) {
      const run = await shop.deploy(play([task(condition), use('x', '{{ inventory_hostname }}')]));
      expect(run.recap, condition).toMatchObject({ h1: { failed: 1 }, h2: { failed: 0 } });
      expect(await shop.text('h2')).toBe('x');
    }
    expect(shop.events.at(-1)).toMatchObject({ type: 'run-finished', interrupted: false });
  });
});

describe('interruption', () => {
  it('ends a loop after the item in hand, and says which handlers wait', async () => {
    const abort = new AbortController();
    shop.onEvent = (event) => {
      if (event.type === 'task-started') abort.abort();
    };
    const handlers = '  handlers:\n    - { name: reload, command: "true" }\n';
    const run = await shop.deploy(play(['{ name: l, copy: { dest: "{{ dir }}/{{ item }}", content: x }, loop: [a, b, c], notify: reload }'], [], 'h1') + handlers, {}, abort.signal);
    expect([shop.exists('a'), shop.exists('b')]).toEqual([true, false]);
    expect(run.interrupted).toBe(true);
    expect(warnings()).toEqual(['h1: notified but not run: reload']);
    expect(shop.events.at(-1)).toMatchObject({ type: 'run-finished', interrupted: true });
  });
});

describe('handlers', () => {
  it('with run_once leave the others to every host', async () => {
    const book = `${play(['{ name: w, copy: { dest: "{{ dir }}/{{ inventory_hostname }}", content: x }, notify: [once, each], when: inventory_hostname != "h1" }'])}  handlers:
    - { name: once, run_once: true, shell: "echo once {{ inventory_hostname }} >> {{ dir }}/log" }
    - { name: each, shell: "echo {{ inventory_hostname }} > {{ dir }}/{{ inventory_hostname }}.each" }
`;
    await shop.deploy(book);
    expect(await shop.text('log')).toBe('once h2\n');
    expect([shop.exists('h1.each'), shop.exists('h2.each'), shop.exists('h3.each')]).toEqual([false, true, true]);
    expect(warnings()).toEqual([]);
  });

  it('that had their turn are not among those said to wait', async () => {
    const handlers = '  handlers:\n    - { name: first, command: "true" }\n    - { name: second, command: "false" }\n    - { name: third, listen: topic, command: "true" }\n';
    await shop.deploy(play(['{ name: w, copy: { dest: "{{ dir }}/w", content: x }, notify: [first, second, topic] }'], [], 'h1') + handlers);
    expect(warnings()).toEqual(['h1: notified but not run: third']);
  });

  it('are called by what says of itself that it changed something, in the plan too', async () => {
    const book = `${play(['{ name: say, debug: { msg: x }, changed_when: true, notify: reload }'], [], 'h1')}  handlers:\n    - { name: reload, command: "true" }\n`;
    expect((await shop.plan(book)).plan.plays[0]?.tasks.map((row) => row.task.name)).toEqual(['say', 'reload']);
    await shop.deploy(book);
    expect(shop.outcomes()).toEqual(['h1 say changed', 'h1 reload changed']);
  });
});

describe('run_once', () => {
  it('is planned once, and what it sets is known to all', async () => {
    const book = play([
      '{ name: once, copy: { dest: "{{ dir }}/once", content: x }, run_once: true, register: r }',
      '{ set_fact: { who: "{{ inventory_hostname }}" }, run_once: true }',
      use('{{ who }} {{ r.changed }}', '{{ inventory_hostname }}'),
    ]);
    const rows = (await shop.plan(book)).plan.plays[0]?.tasks ?? [];
    expect(rows.filter((row) => row.task.name === 'once').map((row) => [row.host, row.status])).toEqual([['h1', 'change']]);
    const run = await shop.deploy(book);
    expect(run.recap['h3']).toMatchObject({ failed: 0 });
    expect(await shop.text('h3')).toMatch(/^h1 true$/i);
  });

  it('goes to the next host when the first is not there', async () => {
    shop.broken.add('h1');
    await shop.deploy(play(['{ name: once, copy: { dest: "{{ dir }}/{{ inventory_hostname }}", content: x }, run_once: true }']));
    expect([shop.exists('h1'), shop.exists('h2'), shop.exists('h3')]).toEqual([false, true, false]);
  });
});

describe('no_log', () => {
  it('hides what failures say, values that cannot be worked out, names and items', async () => {
    await shop.deploy(
      play([
        '{ name: "n {{ word }}", shell: "echo {{ word }} >&2; echo {{ word }}; exit 1", no_log: true, ignore_errors: true }',
        '{ name: items, command: { argv: [echo, "{{ item }}"] }, loop: ["{{ word }}"], no_log: true, register: r }',
        '{ name: not boolean, command: "true", when: "r.results[0].stdout", no_log: true }',
      ], [], 'h1'), { extraVars: { word: 'unregistered-word' } },
    );
    expect(shop.finished().map(({ outcome }) => outcome.status)).toEqual(['ignored', 'changed', 'failed']);
    expect(JSON.stringify(shop.events)).not.toContain('unregistered-word');
  });
});

describe('the controller', () => {
  it('answers several hosts at once without losing an answer', async () => {
    const tasks = Array.from({ length: 4 }, (_, i) => `{ name: w, copy: { dest: "{{ dir }}/{{ inventory_hostname }}.${String(i)}", content: x }, delegate_to: localhost }`);
    const book = play(['{ command: "true", delegate_to: localhost, register: r }', ...tasks]);
    const run = await shop.deploy(book);
    for (const host of ['h1', 'h2', 'h3']) expect(run.recap[host]).toMatchObject({ failed: 0, unreachable: 0, changed: 5 });
    expect((await shop.deploy(book)).recap['h2']).toMatchObject({ changed: 1 });
  });
});
