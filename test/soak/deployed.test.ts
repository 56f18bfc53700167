import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployedPair } from '../lab/deployed.ts';
import { eventually, lvsPlay, runDocument, scratch, type TestLab } from '../lab/support.ts';

const PLAYBOOK = 'playbooks/demo.yml';
const VIP = '192.168.0.38';
const HOSTS = ['lvs1', 'lvs2', 'rs1', 'rs2'] as const;

let lab: TestLab;
let site: string[];
let outsider: Awaited<ReturnType<typeof scratch>>;

beforeAll(async () => {
  // A host that has no part in the cluster: a place to look from.
  outsider = await scratch({ 'client.yml': 'all: { hosts: { client1: { ansible_host: 192.168.0.99 } } }\n' });
  lab = await deployedPair('deployed', 'inventories/dr-keepalived-pair/hosts.yml', path.join(outsider.dir, 'client.yml'));
  site = [PLAYBOOK, '-i', lab.overlay];
  // Nothing but sh is promised on a target: one has no python at all, another has busybox as sh.
  await lab.sh('lvs1', 'rm -f /usr/bin/python3*; ! command -v python3');
  await lab.sh('rs1', 'rm -f /usr/bin/python3*; ! command -v python3; ln -sf "$(command -v busybox)" /bin/sh');
});

afterAll(async () => {
  await lab.down();
  await outsider.remove();
});

describe('a pair that was deployed', () => {
  it('is seen the same from a host outside the cluster, and not from inside it', async () => {
    const run = await lvsPlay(['verify', '-i', lab.overlay, '--from', 'client1', '--json']);
    expect(run.code, run.stdout + run.stderr).toBe(0);
    const report = JSON.parse(run.stdout) as { from: string[]; checks: { name: string; subject: string; verdict: string; measured: string }[] };
    expect(report.from).toEqual(['client1']);
    expect(report.checks.filter((check) => check.verdict !== 'pass')).toEqual([]);
    expect(report.checks.find((check) => check.name === 'requests')?.measured).toMatch(/^20 of 20/);
    expect((await lvsPlay(['verify', '-i', lab.overlay, '--from', 'rs1'])).code).toBe(5);
  });

  it('still asks once with 25 tasks and more, and once for each privilege under sudo', async () => {
    const tasks = Array.from({ length: 26 }, (_, i) => `    - copy: { dest: /etc/lvs-play-many-${String(i)}, content: "${String(i)}\\n", mode: "0640" }`);
    const services = ['    - service: { name: ssh, state: started, enabled: true }', '    - sysctl: { name: net.ipv4.ip_forward, value: "0" }'];
    const files = await scratch({ 'many.yml': ['- hosts: all', '  gather_facts: false', '  become: true', '  tasks:', ...tasks, ...services, ''].join('\n') });
    try {
      const playbook = path.join(files.dir, 'many.yml');
      await runDocument('deploy', playbook, '-i', lab.overlay);
      const root = await runDocument('deploy', playbook, '-i', lab.overlay);
      for (const host of HOSTS) {
        expect(root.recap[host], host).toMatchObject({ ok: 28, changed: 0 });
        expect(root.stats[host], host).toMatchObject({ connections: 1, requests: 1, becomeRequests: 0 });
      }
      const sudo = await runDocument('deploy', playbook, '-i', lab.overlay, '-e', 'ansible_user=operator');
      for (const host of HOSTS) {
        expect(sudo.recap[host], host).toMatchObject({ ok: 28, changed: 0 });
        expect(sudo.stats[host], host).toMatchObject({ connections: 1, requests: 0, becomeRequests: 1 });
      }
    } finally {
      await files.remove();
    }
  });

  it('takes the virtual IP over when the active director dies, and gives it back', async () => {
    await lab.fault('crash', 'lvs1');
    await eventually(() => lab.answers(VIP, 4), (names) => names.every((name) => name !== ''));
    await lab.fault('boot', 'lvs1');
    await eventually(() => lab.sh('lvs1', 'ip -o addr show'), (text) => text.includes(VIP));
    expect(await eventually(() => lvsPlay(['verify', '-i', lab.overlay]), (run) => run.code === 0)).toMatchObject({ code: 0 });
  });

  it('comes back serving after every node was rebooted from inside, with nothing to change', async () => {
    await Promise.all(HOSTS.map((host) => lab.fault('reboot', host)));
    const names = await eventually(() => lab.answers(VIP, 8), (seen) => seen.includes('rs1') && seen.includes('rs2') && !seen.includes(''));
    expect(new Set(names)).toEqual(new Set(['rs1', 'rs2']));
    const plan = await eventually(() => lvsPlay(['plan', ...site, '--detailed-exitcode']), (run) => run.code === 0);
    expect(plan.code, plan.stdout).toBe(0);
    await eventually(() => lvsPlay(['verify', '-i', lab.overlay]), (run) => run.code === 0);
  });

  const drift = async () => {
    const run = await lvsPlay(['drift', ...site, '--json']);
    const { drift: found } = JSON.parse(run.stdout) as { drift: { host: string; layer: string; path: string; is: unknown; should: unknown }[] };
    return { code: run.code, told: found.map(({ host, layer, path: what, is, should }) => `${host} ${layer} ${what}: ${String(is)} -> ${String(should)}`).sort() };
  };

  it('drift is none after a deploy, also while a health check has taken a server out', async () => {
    expect(await eventually(drift, ({ code }) => code === 0)).toMatchObject({ told: [] });
    await lab.sh('rs2', 'systemctl stop nginx');
    for (const host of ['lvs1', 'lvs2']) await eventually(() => lab.sh(host, 'ipvsadm -Sn'), (table) => !table.includes('192.168.0.28:80'));
    // The service that was stopped is all that differs: what follows from it in the directors' kernels is right.
    expect(await drift()).toMatchObject({ code: 2, told: ['rs2 disk nginx.service state: inactive -> active'] });
    await lab.sh('rs2', 'systemctl start nginx');
    for (const host of ['lvs1', 'lvs2']) await eventually(() => lab.sh(host, 'ipvsadm -Sn'), (table) => table.includes('192.168.0.28:80'));
  });
});
