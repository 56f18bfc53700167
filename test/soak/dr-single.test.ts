import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, lvsPlay, runDocument, scratch, TestLab } from '../lab/support.ts';

const VIP = '192.168.0.38';
const HOSTS = ['lvs1', 'rs1', 'rs2'] as const;
const FOREIGN = '-A -t 10.9.9.9:99 -s rr\n-a -t 10.9.9.9:99 -r 10.0.0.1:99 -g -w 1\n';

let lab: TestLab;
let site: string[];

/** Lines of the kernel's table, without our service's. */
async function foreignTable(): Promise<string> {
  return (await lab.sh('lvs1', 'ipvsadm -Sn')).split('\n').filter((line) => line !== '' && !line.includes(`${VIP}:80`)).map((line) => `${line.trim()}\n`).join('');
}

beforeAll(async () => {
  lab = await TestLab.installed('dr-single-more', 'inventories/dr-single/hosts.yml');
  site = ['playbooks/demo.yml', '-i', lab.overlay];
  await lab.sh('lvs1', 'ln -sf "$(command -v busybox)" /bin/sh');
  await runDocument('deploy', ...site);
  await lab.sh('lvs1', 'ipvsadm -A -t 10.9.9.9:99 -s rr && ipvsadm -a -t 10.9.9.9:99 -r 10.0.0.1:99 -g');
});

afterAll(() => lab.down());

describe('DR with one director and no keepalived', () => {
  it('has scripts that start, stop and tell their status on both kinds of host', async () => {
    const status = (host: string, script: string) => lab.sh(host, `/usr/local/sbin/${script} status >/dev/null 2>&1; echo $?`);
    expect([await status('lvs1', 'lvs-director'), await status('rs1', 'lvs-real-server')]).toEqual(['0\n', '0\n']);
    await lab.sh('lvs1', 'systemctl stop lvs-director');
    expect(await status('lvs1', 'lvs-director')).toBe('3\n');
    expect(await foreignTable()).toBe(FOREIGN);
    expect(await lab.sh('lvs1', 'ip -o address show')).not.toContain(VIP);
    await lab.sh('lvs1', 'systemctl start lvs-director && systemctl reload lvs-director');
    await lab.sh('rs1', '/usr/local/sbin/lvs-real-server reload');
    expect(new Set(await lab.answers(VIP, 4))).toEqual(new Set(['rs1', 'rs2']));
    expect((await lvsPlay(['plan', ...site, '--detailed-exitcode'])).code).toBe(0);
  });

  it('takes the module ipvs for services of no topology, without touching others', async () => {
    const play = (state: string) => `- hosts: lvs1\n  gather_facts: false\n  become: true\n  tasks:\n    - ipvs:\n        service: "${VIP}:53"\n        protocol: udp\n        ${state}\n`;
    const files = await scratch({
      'present.yml': play('scheduler: sh\n        scheduler_flags: [sh-port]\n        one_packet: true\n        real_servers: [{ server: 192.168.0.18, weight: 2, upper_threshold: 100, lower_threshold: 50 }]'),
      'absent.yml': play('state: absent'),
    });
    try {
      const run = async (name: string) => (await runDocument('deploy', path.join(files.dir, name), '-i', lab.overlay)).recap['lvs1']?.['changed'];
      expect([await run('present.yml'), await run('present.yml')]).toEqual([1, 0]);
      expect(await foreignTable()).toContain(`-A -u ${VIP}:53 -s sh -o -b sh-port\n-a -u ${VIP}:53 -r 192.168.0.18:53 -g -w 2\n`);
      expect(await lab.sh('lvs1', 'ipvsadm -Ln --thresholds')).toMatch(/192\.168\.0\.18:53 +100 +50 /);
      expect([await run('absent.yml'), await run('absent.yml')]).toEqual([1, 0]);
      expect(await foreignTable()).toBe(FOREIGN);
    } finally {
      await files.remove();
    }
  });

  it('serves again after every node was rebooted, with nothing to change', async () => {
    await Promise.all(HOSTS.map((host) => lab.fault('reboot', host)));
    await eventually(() => lab.answers(VIP, 8), (seen) => seen.includes('rs1') && seen.includes('rs2') && !seen.includes(''));
    const plan = await eventually(() => lvsPlay(['plan', ...site, '--detailed-exitcode']), (run) => run.code === 0);
    expect(plan.code, plan.stdout).toBe(0);
    expect(await lab.sh('lvs1', 'systemctl is-active lvs-director')).toBe('active\n');
  });

  it('is imported from its hosts to an inventory that changes nothing', async () => {
    const imported = await lab.imported({ lvs1: '192.168.0.8', rs1: '192.168.0.18', rs2: '192.168.0.28' });
    expect(imported.stderr).toContain('0 mistakes found, 0 to be completed, 0 not understood.');
    const plan = await lab.planOf(imported);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  });
});
