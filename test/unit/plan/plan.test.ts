import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePlan, type RunResult } from '../../../src/apply/run.ts';
import type { RunEvent } from '../../../src/core/events.ts';
import { LvsPlayError } from '../../../src/core/errors.ts';
import { fakeConnector, fakeTarget, type FakeTarget, shellReply } from '../../../src/transport/fake.ts';
import { play, Workshop } from '../apply/harness.ts';

let shop: Workshop;
let hosts: FakeTarget[];
let events: RunEvent[];
beforeEach(async () => {
  shop = await Workshop.open();
  hosts = ['h1', 'h2', 'h3', 'localhost'].map(answering);
  events = [];
});
afterEach(() => shop.close());

/** A host that really runs what it is asked, whatever the privilege. */
function answering(name: string): FakeTarget {
  return fakeTarget(name, ({ script }) => {
    const { stdout, stderr, status } = spawnSync('/bin/sh', ['-s'], { input: script });
    return shellReply(stdout, status ?? 255, stderr);
  });
}

async function plan(book: string, options: Parameters<Workshop['input']>[1] = {}): Promise<RunResult> {
  return makePlan({ ...(await shop.input(book, options)), connector: fakeConnector(hosts) }, (event) => events.push(event));
}

const copies = (count: number, more = '') => Array.from({ length: count }, (_, i) => `{ name: c, copy: { dest: "{{ dir }}/${more}${String(i)}", content: x }${more === '' ? '' : ', become: true'} }`);
const rowsOf = (run: RunResult) => run.plan.plays.flatMap((one) => one.tasks);

describe('asking', () => {
  it('takes one request for each host and privilege, however many tasks there are', async () => {
    const run = await plan(`${play([...copies(15), ...copies(15, 'root')])}\n${play(copies(5, 'later'))}`);
    expect(rowsOf(run).filter((row) => row.status === 'change')).toHaveLength(105);
    for (const name of ['h1', 'h2', 'h3']) expect(run.stats[name]).toMatchObject({ connections: 1, requests: 1, becomeRequests: 1 });
    expect(hosts.map((host) => host.closed)).toEqual([true, true, true, false]);
  });

  it('reaches a host that is only told to run something, and leaves one in peace that has nothing to do', async () => {
    const run = await plan(play(['{ name: a, command: "true", when: inventory_hostname == "h1" }', '{ name: b, debug: { msg: x } }']));
    expect(hosts.map((host) => host.requests.length)).toEqual([1, 0, 0, 0]);
    expect(run.plan.unreachable).toEqual({});
  });

  it('goes by ansible_become of the host, also when it is a template', async () => {
    const run = await plan(play(copies(1), ['become: false']), { hosts: 'all: { vars: { root: true }, hosts: { h1: { ansible_become: "{{ root }}" }, h2: { ansible_become: "no" } } }\n' });
    expect(run.stats).toMatchObject({ h1: { requests: 0, becomeRequests: 1 }, h2: { requests: 1, becomeRequests: 0 } });
  });

  it('records hosts that are not there and hosts that cannot answer, and goes on with the others', async () => {
    const refusing = () => fakeTarget('h2', () => {
      throw new LvsPlayError({ code: 'become-failed', kind: 'host', host: 'h2', message: 'sudo refused hunter22', hint: 'ask' });
    });
    shop.secrets.add('hunter22');
    for (const tasks of [copies(2), ['{ name: r, command: "true" }']]) {
      hosts = [answering('h1'), refusing()];
      events = [];
      const run = await plan(play(tasks));
      expect(run.plan.unreachable).toEqual({ h3: 'no route to h3' });
      expect(run.plan.failed).toEqual({ h2: 'sudo refused ********' });
      expect(new Set(rowsOf(run).map((row) => row.host))).toEqual(new Set(['h1']));
      expect(run.recap).toMatchObject({ h2: { failed: 1 }, h3: { unreachable: 1 } });
      const lost = events.flatMap((event) => (event.type === 'host-lost' ? [`${event.host} ${event.state} ${event.hint ?? ''}`.trim()] : []));
      expect(lost.sort()).toEqual(['h2 failed ask', 'h3 unreachable']);
    }
  });

  it('takes the controller last', async () => {
    await plan(`${play(copies(1, 'a'), [], 'localhost')}\n${play(copies(1))}`);
    const gathered = events.flatMap((event) => (event.type === 'host-gathering' ? [event.host] : []));
    expect(gathered.at(-1)).toBe('localhost');
    expect(gathered).toHaveLength(4);
  });
});

describe('mistakes are told before any host is asked', () => {
  const untouched = () => {
    expect(hosts.every((host) => host.requests.length === 0)).toBe(true);
  };

  it('once, though several hosts show them, and all together', async () => {
    const error: unknown = await plan(play(['{ name: a, copy: { dest: /x, content: "{{ missing }}" } }'])).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'undefined-variable' });
    expect(error).not.toHaveProperty('errors');
    const two = play(['{ name: a, copy: { dest: /x, content: "{{ [one, two][(inventory_hostname == \'h1\') | int] }}" } }', '{ name: b, fail: { msg: x }, when: "\'x\'" }'], [], 'h1');
    const other = two.replace('hosts: h1', 'hosts: h2').replace('{ name: a, copy: { dest: /x, content: "{{ [one, two][(inventory_hostname == \'h1\') | int] }}" } }', '{ name: a, debug: { msg: "{{ gone }}" } }');
    await expect(plan(`${two}\n${other}`)).rejects.toMatchObject({ errors: [{ code: 'undefined-variable' }, { code: 'undefined-variable', message: 'gone is undefined' }] });
    untouched();
  });

  it.each([
    ['when', '{ command: "true", when: "\'text\'" }', 'not-boolean'],
    ['loop', '{ command: "true", loop: "{{ {\'a\': 1} }}" }', 'loop-not-list'],
    ['the module', '{ copy: { dest: /x, content: a, src: b } }', 'bad-argument'],
    ['a file', '{ copy: { dest: /x, src: nowhere } }', 'no-such-file'],
  ])('in %s', async (_name, task, code) => {
    await expect(plan(play([task]))).rejects.toMatchObject({ code, kind: 'input', position: { line: 5 } });
    untouched();
  });

  it('in the variables of a connection', async () => {
    await expect(plan(play(copies(1)), { hosts: 'all: { hosts: { h1: {}, h2: { ansible_password: "{{ nowhere }}" } } }\n' })).rejects.toMatchObject({ code: 'undefined-variable' });
    await expect(plan(play(copies(1)), { hosts: 'all: { hosts: { h1: {}, h2: { ansible_become: maybe } } }\n' })).rejects.toMatchObject({ code: 'not-boolean', host: 'h2' });
    untouched();
  });
});

describe('what is planned', () => {
  it('handlers that are notified, those they notify, and no others', async () => {
    const book = `${play(['{ name: c, copy: { dest: "{{ dir }}/c", content: x }, notify: first }', '{ name: d, copy: { dest: "{{ dir }}/c", content: x }, notify: idle }'], [], 'h1')}  handlers:
    - { name: first, command: "true", notify: second }
    - { name: second, command: "true" }
    - { name: idle, command: "true" }
`;
    expect(rowsOf(await plan(book)).map((row) => [row.task.name, row.status, row.task.handler])).toEqual([['c', 'change', false], ['d', 'ok', false], ['first', 'runs', true], ['second', 'runs', true]]);
  });

  it('each item of a loop by itself', async () => {
    const run = await plan(play(['{ name: c, copy: { dest: "{{ dir }}/{{ item }}", content: x }, loop: [a, b], when: item != "b" }'], [], 'h1'));
    expect(rowsOf(run).map((row) => [row.task.id, row.status])).toEqual([['0.0.0', 'change'], ['0.0.1', 'skipped']]);
  });

  it('survives JSON', async () => {
    const run = await plan(play(copies(2)));
    expect(JSON.parse(JSON.stringify(run.plan))).toEqual(run.plan);
  });
});
