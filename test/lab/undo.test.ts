import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployedPair } from './deployed.ts';
import { type CliResult, eventually, lvsPlay, must, scratch, startLvsPlay, type TestLab, wholeState } from './support.ts';

const INVENTORY = 'inventories/dr-keepalived-pair/hosts.yml';
const VIP = '192.168.0.38';
const HOSTS = ['lvs1', 'lvs2', 'rs1', 'rs2'] as const;
/** Seconds until hosts restore themselves. On a slow machine the run needs half of them to get to where it is killed. */
const LIMIT = 120;

const play = (hosts: string, ...tasks: readonly string[]): string => `- hosts: ${hosts}\n  gather_facts: false\n  become: true\n  tasks:\n${tasks.map((task) => `    - ${task}\n`).join('')}`;
/** Files old and new, a kernel parameter. */
const CHANGE = play('all', 'file: { path: /etc/change, state: directory, mode: "0750" }', 'copy: { dest: /etc/change/new, content: "new\\n" }', 'copy: { dest: /etc/issue.net, content: "new\\n" }', 'sysctl: { name: net.ipv4.conf.eth0.log_martians, value: 1 }');

/** Cut off, rebooted, unproved, and back to bare hosts: test/soak/undo.test.ts. */
describe("the dead man's switch, and rollback", () => {
  let lab: TestLab;
  let files: Awaited<ReturnType<typeof scratch>>;
  let env: Record<string, string>;

  beforeAll(async () => {
    lab = await deployedPair('undo');
    files = await scratch({ 'wait.yml': `${CHANGE}${play('all', 'name: wait\n      command: sleep 3600')}` });
    env = { XDG_STATE_HOME: await mkdtemp(path.join(os.tmpdir(), 'lvs-play-test-')) };
  });
  afterAll(async () => {
    await lab.down();
    await files.remove();
    await rm(env['XDG_STATE_HOME'] ?? '', { recursive: true, force: true });
  });

  const run = (...args: string[]): Promise<CliResult> => lvsPlay(args, { env });

  it('a run that proves its service keeps what it did; its rollback brings every host back to what it was', async () => {
    const before = await wholeState(lab, HOSTS);
    const heavier = await lab.edited(INVENTORY, ['rs1: { weight: 1 }', 'rs1: { weight: 3 }']);
    const kept = await must(run('deploy', 'playbooks/demo.yml', '-i', heavier, '--confirm-within', '10m'));
    expect(kept.stderr).toContain('confirmed on');
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toContain('-r 192.168.0.18:80 -g -w 3');
    await must(run('rollback', 'last', '-i', heavier));
    await lab.held('lvs1', VIP);
    expect(await wholeState(lab, HOSTS)).toEqual(before);
  });

  it('hosts whose controller was killed restore themselves when the timeout expires', async () => {
    const before = await wholeState(lab, HOSTS);
    let waiting = 0;
    const killed = startLvsPlay(['deploy', path.join(files.dir, 'wait.yml'), '-i', lab.overlay, '--confirm-within', `${String(LIMIT)}s`, '--events', '-'], {
      env,
      onEvent: (event) => {
        if (event.type === 'task-started' && event.task?.name === 'wait' && ++waiting === HOSTS.length) killed.kill('SIGKILL');
      },
    });
    expect((await killed.result).code).toBeNull();
    expect(waiting).toBe(HOSTS.length);
    for (const host of HOSTS) await eventually(() => lab.trySh(host, 'ls /var/lib/lvs-play/runs/*/armed 2>/dev/null || :'), (armed) => armed === '', 3);
    await lab.held('lvs1', VIP);
    expect(await wholeState(lab, HOSTS)).toEqual(before);
    for (const host of HOSTS) expect((await lab.sh(host, 'cat $(ls -t /var/lib/lvs-play/runs/*/restored | head -n 1)')).split(' ').slice(0, 2), host).toEqual(['restored', 'guard']);
    expect(new Set(await eventually(() => lab.answers(VIP, 4), (names) => !names.includes('')))).toEqual(new Set(['rs1', 'rs2']));
  });
});
