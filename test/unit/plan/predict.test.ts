import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePlan, type RunResult } from '../../../src/apply/run.ts';
import { countPlan } from '../../../src/report/plan/plan-text.ts';
import { fakeConnector, fakeTarget, shellReply } from '../../../src/transport/fake.ts';
import { play, Workshop } from '../apply/harness.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await Workshop.open();
});
afterEach(() => shop.close());

/** A host that has what it has, but for what `answers` says of facts: a script that asks one of them is not run. */
function planOn(tasks: readonly string[], answers: Readonly<Record<string, string>> = {}): Promise<RunResult> {
  const target = fakeTarget('h1', ({ script }) => {
    // Fragment, the line that closes it, its fact's name, next fragment.
    const parts = script.split(/^(printf '\\n[0-9a-f]+ (\w+) %d\\n' "\$\?")$/m);
    const doctored = parts.map((part, index) => {
      const answer = answers[parts[index + 2] ?? ''];
      return index % 3 === 0 && answer !== undefined ? `\n(cat <<'ANSWER'\n${answer}\nANSWER\n)\n` : index % 3 === 2 ? '' : part;
    }).join('');
    const { stdout, stderr, status } = spawnSync('/bin/sh', ['-s'], { input: doctored });
    return shellReply(stdout, status ?? 255, stderr);
  });
  return shop.input(play(tasks), { hosts: 'all: { hosts: { h1: {} } }\n' }).then((input) => makePlan({ ...input, connector: fakeConnector([target]) }, () => undefined));
}

const marks = (run: RunResult) => Object.fromEntries(run.plan.plays.flatMap((one) => one.tasks).map((row) => [row.task.name, `${row.status}${row.predicted ? ' predicted' : ''}${row.doubtful === true ? ' doubtful' : ''}`]));

const NOT_LOADED = { kernel_module: '-' };
const ABSENT_PACKAGE = { package: '--- lists fresh\n--- policy\nnginx:\n  Candidate: 1' };
const NO_UNIT = { unit: 'Id=x.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no' };
const UNIT = { unit: 'Id=x.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nNeedDaemonReload=no' };

const COPY = '{ name: it, copy: { dest: "{{ dir }}/a", content: x } }';
const SAME = '{ name: it, file: { path: "{{ dir }}", state: directory } }';
const SYSCTL = '{ name: it, sysctl: { name: net.ipv4.vs.conn_reuse_mode, value: 3, sysctl_file: "{{ dir }}/s" } }';
const SERVICE = '{ name: it, service: { name: x, state: started } }';

describe('what a planned task may change beyond what it expects', () => {
  it.each([
    ['a kernel module brings its kernel parameters', '{ kernel_module: { name: no_such_module } }', SYSCTL, NOT_LOADED, 'change predicted'],
    ['a module that is loaded brings nothing', '{ kernel_module: { name: no_such_module } }', SYSCTL, { kernel_module: '+' }, 'change'],
    ['a kernel module brings no files', '{ kernel_module: { name: no_such_module } }', COPY, NOT_LOADED, 'change'],
    ['a package brings files', '{ package: { name: nginx } }', COPY, ABSENT_PACKAGE, 'change predicted'],
    ['a package may replace what is as it should be', '{ package: { name: nginx } }', SAME, ABSENT_PACKAGE, 'ok doubtful'],
    ['a package brings units', '{ package: { name: nginx } }', SERVICE, { ...ABSENT_PACKAGE, ...NO_UNIT }, 'change predicted'],
    ['a package that is there brings nothing', '{ package: { name: nginx } }', SERVICE, { package: 'nginx\tii \t1', ...NO_UNIT }, 'change'],
    ['a service brings no files', '{ service: { name: x, state: restarted } }', COPY, UNIT, 'change'],
    ['a command may change anything', '{ command: "true" }', COPY, {}, 'change predicted'],
    ['a command that only asks changes nothing', '{ command: "true", changed_when: false }', COPY, {}, 'change'],
    ['a command whose work is done changes nothing', '{ command: { cmd: "true", creates: / } }', COPY, {}, 'change'],
    ['a skipped command changes nothing', '{ command: "true", when: false }', COPY, {}, 'change'],
    ['a file concerns its own path', '{ copy: { dest: "{{ dir }}/b", content: y } }', COPY, {}, 'change'],
    ['the attributes of a folder concern its own path', '{ file: { path: "{{ dir }}", state: directory, mode: "0711" } }', COPY, {}, 'change'],
    ['a folder that goes takes along what is in it', '{ file: { path: /usr/share/doc, state: absent } }', COPY, {}, 'change predicted'],
    ['a unit file concerns units', '{ copy: { dest: /etc/systemd/system/no-such.service, content: y } }', '{ name: it, service: { name: x, state: restarted } }', UNIT, 'change predicted'],
    ['a kernel parameter concerns those of all interfaces', '{ sysctl: { name: net.ipv4.conf.all.log_martians, value: 7 } }', '{ name: it, sysctl: { name: net.ipv4.ip_forward, value: 9, sysctl_file: "{{ dir }}/s" } }', {}, 'change predicted'],
  ] as const)('%s', async (_title, first, second, answers, expected) => {
    const run = await planOn([first, second], answers);
    expect(run.plan.failed).toEqual({});
    expect(marks(run)['it']).toBe(expected);
  });

  it('also concerns what is only asked later, when its question is known', async () => {
    const run = await planOn(['{ name: make, command: { cmd: "true" }, register: made }', '{ set_fact: { where: "{{ dir }}/c" } }', '{ name: it, copy: { dest: "{{ where }}", content: x } }']);
    expect(marks(run)['it']).toBe('change predicted');
  });
});

describe('commands that say when their work is done', () => {
  const there = '{ name: it, command: { cmd: "true", creates: / } }';
  const due = '{ name: it, shell: { cmd: "true", removes: / } }';

  it.each([
    [there, 'ok', 'no changes'],
    [due, 'change', '1 change on 1 host'],
    ['{ name: it, shell: { cmd: "true", creates: /no/such/path } }', 'change', '1 change on 1 host'],
    ['{ name: it, command: "true" }', 'runs', '1 change on 1 host, 1 runs'],
  ])('%s', async (task, status, counted) => {
    const run = await planOn([task]);
    expect(marks(run)['it']).toBe(status);
    const { changes, hosts, runs } = countPlan(run.plan);
    expect(`${changes === 0 ? 'no changes' : `${String(changes)} change on ${String(hosts)} host`}${runs === 0 ? '' : `, ${String(runs)} runs`}`).toBe(counted);
  });
});
