import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstDeploy } from './first-deploy.ts';
import { eventually, lvsPlay, must, runDocument, scratch, TestLab, type RunDocument } from './support.ts';

const INVENTORY = 'inventories/dr-keepalived-pair/hosts.yml';
const PLAYBOOK = 'playbooks/demo.yml';
const VIP = '192.168.0.38';
const HOSTS = ['lvs1', 'lvs2', 'rs1', 'rs2'] as const;

/** What a plan foretells or a deploy did, as a set to compare: who, which task, what, to what. */
function changeSet(document: RunDocument): string[] {
  return document.tasks.flatMap((task) => task.changes.map((change) => `${task.host} ${task.id} ${change.path} -> ${JSON.stringify(change.after)}`)).sort();
}

let lab: TestLab;
let site: string[];

beforeAll(async () => {
  lab = await TestLab.up('e2e', INVENTORY);
  site = [PLAYBOOK, '-i', lab.overlay];
  // Nothing but sh is promised on a target: one has no python at all, another has busybox as sh.
  await lab.sh('lvs1', 'rm -f /usr/bin/python3*; ! command -v python3');
  await lab.sh('rs1', 'rm -f /usr/bin/python3*; ! command -v python3; ln -sf "$(command -v busybox)" /bin/sh');
});

afterAll(async () => {
  await lab.down();
});

describe('the main job on real kernels', () => {
  it('a saved plan on bare nodes writes nothing, is carried out exactly, proves the service from outside, and leaves nothing to change', async () => {
    const { planned, done } = await firstDeploy(lab, HOSTS, PLAYBOOK, {});
    expect(changeSet(done)).toEqual(changeSet(planned));
    expect(new Set(planned.tasks.filter((task) => task.changes.length > 0).map((task) => task.host))).toEqual(new Set(HOSTS));
    // The plan asked each host once.
    for (const host of HOSTS) expect(planned.stats[host], host).toMatchObject({ connections: 1, requests: 1 });
    for (const host of HOSTS) expect(done.recap[host], host).toMatchObject({ failed: 0, unreachable: 0 });
    expect(done.tasks.find((task) => task.host === 'localhost')?.status).toBe('ok');
  });

  it('serves through the virtual IP, each real server in turn', async () => {
    await lab.held('lvs1', VIP);
    const names = await lab.answers(VIP, 20);
    expect(names.filter((name) => name === 'rs1')).toHaveLength(10);
    expect(names.filter((name) => name === 'rs2')).toHaveLength(10);
  });

  it('verifies with exit code 0, and 8 with the reason when a real server carries the VIP openly', async () => {
    expect((await lvsPlay(['verify', '-i', lab.overlay])).code).toBe(0);
    await lab.sh('rs2', `sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.eth0.arp_ignore=0 net.ipv4.conf.lo.arp_ignore=0`);
    const broken = await lvsPlay(['verify', '-i', lab.overlay]);
    expect(broken.code, broken.stdout).toBe(8);
    expect(broken.stdout + broken.stderr).toMatch(/MAC/);
    // The drift is seen by a plan and mended by a deploy.
    const mended = await runDocument('deploy', ...site);
    expect(mended.recap['rs2']?.['changed']).toBeGreaterThan(0);
    expect((await lvsPlay(['verify', '-i', lab.overlay])).code).toBe(0);
  });

  it('changes nothing the second time, with one connection and one request for a host', async () => {
    const again = await runDocument('deploy', ...site);
    for (const host of HOSTS) {
      expect(again.recap[host], host).toMatchObject({ changed: 0, failed: 0, unreachable: 0 });
      expect(again.stats[host], host).toMatchObject({ connections: 1, requests: 1, becomeRequests: 0 });
    }
    expect((await lvsPlay(['plan', ...site, '--detailed-exitcode'])).code).toBe(0);
  });

  it('takes a server out when its service stops, and back when it starts', async () => {
    await lab.sh('rs1', 'systemctl stop nginx');
    await eventually(() => lab.answers(VIP, 4), (names) => names.every((name) => name === 'rs2'));
    await lab.sh('rs1', 'systemctl start nginx');
    await eventually(() => lab.answers(VIP, 4), (names) => names.includes('rs1') && names.includes('rs2'));
  });

});

describe('drift, a layer at a time', () => {
  const SERVICE = `-t ${VIP}:80`;
  const AT = { rs1: '192.168.0.18:80', rs2: '192.168.0.28:80' } as const;
  const drift = async () => {
    const run = await lvsPlay(['drift', ...site, '--json']);
    const { drift: found } = JSON.parse(run.stdout) as { drift: { host: string; layer: string; path: string; is: unknown; should: unknown; since: { changed: string | null; run: { id: string } | null } }[] };
    return { code: run.code, found, told: found.map(({ host, layer, path: what, is, should }) => `${host} ${layer} ${what.startsWith('/') ? what : `${what}: ${String(is)} -> ${String(should)}`}`).sort() };
  };

  it('is named by host and layer, mended by a deploy, and then none', async () => {
    // On disk, in the kernels of both directors, and an address; and on lvs2 a configuration that keepalived runs and its file does not say.
    await lab.sh('rs1', `sysctl -qw net.ipv4.conf.all.arp_ignore=0; ip address delete ${VIP}/32 dev lo`);
    await lab.sh('rs2', 'echo edited >>/var/www/html/index.html');
    await lab.sh('lvs1', `ipvsadm -e ${SERVICE} -r ${AT.rs1} -g -w 7; ipvsadm -d ${SERVICE} -r ${AT.rs2}; ipvsadm -A -t 10.9.9.9:99 -s rr`);
    await lab.sh('lvs2', `cd /etc/keepalived; cp -p keepalived.conf /root/kept; sed -i 's/weight 1/weight 3/' keepalived.conf`);
    // A reload is forgotten where keepalived's own check of the file takes longer than 5 s.
    await eventually(() => lab.sh('lvs2', 'systemctl reload keepalived; i=0; while [ $i -lt 14 ] && ! ipvsadm -Sn | grep -q -e "-w 3"; do sleep 0.5; i=$((i+1)); done; ipvsadm -Sn'), (table) => table.includes(`${AT.rs1} -g -w 3`) && table.includes(`${AT.rs2} -g -w 3`));
    await lab.sh('lvs2', `cd /etc/keepalived; mv /root/kept keepalived.conf; ipvsadm -e ${SERVICE} -r ${AT.rs2} -g -w 5`);
    const expected = [
      'rs1 disk sysctl net.ipv4.conf.all.arp_ignore: 0 -> 1',
      `rs1 kernel lo ${VIP}/32: null -> present`,
      'rs2 disk /var/www/html/index.html',
      `lvs1 kernel ipvs TCP ${VIP}:80 rs1 ${AT.rs1}: -g -w 7 -> -g -w 1`,
      `lvs1 kernel ipvs TCP ${VIP}:80 rs2 ${AT.rs2}: null -> -g -w 1`,
      `lvs2 running running configuration: TCP ${VIP}:80 ${AT.rs1} weight: 3 -> 1`,
      `lvs2 running running configuration: TCP ${VIP}:80 ${AT.rs2} weight: 3 -> 1`,
      `lvs2 kernel ipvs TCP ${VIP}:80 rs2 ${AT.rs2}: -g -w 5 -> -g -w 3`,
    ].sort();
    const seen = await drift();
    expect(seen.told).toEqual(expected);
    expect(seen.code).toBe(2);
    // The journal knows who set it last, and of a file the host knows when it was changed.
    expect(seen.found.filter(({ since }) => since.run === null)).toEqual([]);
    expect(seen.found.filter(({ since }) => since.changed !== null).map(({ path: what }) => what)).toEqual(['/var/www/html/index.html']);
    const shown = await lvsPlay(['plan', ...site, '--refresh-only']);
    expect([shown.code, /^Drift: 8 differences on 4 hosts \(on disk: 2, running: 2, kernel: 4\)/m.test(shown.stdout)], shown.stdout).toEqual([2, true]);
    // By the playbook of the last run.
    const status = await lvsPlay(['status', '-i', lab.overlay, '--drift', '--json']);
    expect(JSON.parse(status.stdout), status.stderr).toMatchObject({ drift: { playbook: expect.stringMatching(/demo\.yml$/) as string, differences: 8, on: expect.arrayContaining([...HOSTS]) as string[], unknown: [] } });

    const planned = await runDocument('plan', ...site);
    for (const host of HOSTS) expect(planned.stats[host], host).toMatchObject({ connections: 1, requests: 1 });
    const mended = await runDocument('deploy', ...site);
    expect(changeSet(mended)).toEqual(changeSet(planned));
    for (const host of HOSTS) expect(mended.recap[host], host).toMatchObject({ failed: 0, unreachable: 0 });
    expect(await drift()).toMatchObject({ code: 0, told: [] });
    const again = await runDocument('deploy', ...site);
    for (const host of HOSTS) {
      expect(again.recap[host], host).toMatchObject({ changed: 0, failed: 0 });
      expect(again.stats[host], host).toMatchObject({ connections: 1, requests: 1 });
    }
    // Somebody else's service is nobody's drift, and of what keepalived told nothing is left on the host.
    const table = await lab.sh('lvs1', 'ipvsadm -Sn; ipvsadm -D -t 10.9.9.9:99; ls -A /tmp');
    expect(table).toContain('-A -t 10.9.9.9:99 -s rr');
    expect(table).not.toMatch(/keepalived.*data|lvs-play\./);
  });
});

describe('what fails on a host', () => {
  it('a wrong sudo password, a missing one, and the right one', async () => {
    const files = await scratch({
      'who.yml': ['- hosts: rs1', '  gather_facts: false', '  become: true', '  tasks:', '    - copy: { dest: /etc/lvs-play-sudo, content: "yes" }', ''].join('\n'),
      'wrong.yml': 'ansible_become_password: no-such-word\n',
      'right.yml': 'ansible_become_password: lab\n',
    });
    try {
      const run = (...extra: string[]) => lvsPlay(['deploy', path.join(files.dir, 'who.yml'), '-i', lab.overlay, '-e', 'ansible_user=operator2', ...extra]);
      const missing = await run();
      expect(missing.code, missing.stderr).toBe(2);
      expect(missing.stderr).toMatch(/sudo/);
      const wrong = await run('-e', `@${path.join(files.dir, 'wrong.yml')}`);
      expect(wrong.code, wrong.stderr).toBe(2);
      expect(wrong.stderr).toMatch(/sudo.*password|password.*sudo/i);
      expect(wrong.stderr + wrong.stdout).not.toContain('no-such-word');
      expect(await lab.sh('rs1', 'ls /etc/lvs-play-sudo 2>/dev/null || true')).toBe('');
      const right = await run('-e', `@${path.join(files.dir, 'right.yml')}`);
      expect(right.code, right.stderr).toBe(0);
      expect(await lab.sh('rs1', 'cat /etc/lvs-play-sudo')).toBe('yes');
    } finally {
      await files.remove();
    }
  });

  it('a full disk: said so, and the old file stays whole', async () => {
    await lab.sh('rs2', 'mkdir -p /mnt/small && mount -t tmpfs -o size=64k tmpfs /mnt/small && echo old > /mnt/small/file');
    const files = await scratch({
      'full.yml': ['- hosts: rs2', '  gather_facts: false', '  tasks:', '    - copy:', '        src: big.txt', '        dest: /mnt/small/file', ''].join('\n'),
      'big.txt': 'x'.repeat(200_000),
    });
    try {
      const run = await lvsPlay(['deploy', path.join(files.dir, 'full.yml'), '-i', lab.overlay]);
      expect(run.code, run.stderr).toBe(2);
      expect(run.stderr).toMatch(/no space left on device/i);
      expect(await lab.sh('rs2', 'cat /mnt/small/file; ls -A /mnt/small')).toBe('old\nfile\n');
    } finally {
      await files.remove();
      await lab.sh('rs2', 'umount /mnt/small');
    }
  });

  it('keepalived refusing its file: the old one stays, the daemon goes on', async () => {
    const before = await lab.sh('lvs2', 'sha256sum /etc/keepalived/keepalived.conf; systemctl show -p MainPID keepalived');
    // A real refusal by the real binary: the interface named by the inventory is not on this host.
    const files = await scratch({ 'extra.yml': '' });
    try {
      const overlay = (await must(lvsPlay(['inventory', '-i', lab.overlay, '--host', 'lvs2']))).stdout;
      const vars = JSON.parse(overlay) as { lvs: { ha_pairs: Record<string, { interface: string }> } };
      for (const pair of Object.values(vars.lvs.ha_pairs)) pair.interface = 'eth9';
      await writeFile(path.join(files.dir, 'extra.yml'), JSON.stringify({ lvs: vars.lvs }));
      const run = await lvsPlay(['deploy', 'playbooks/site.yml', '-i', lab.overlay, '-l', 'lvs2', '-e', `@${path.join(files.dir, 'extra.yml')}`]);
      expect(run.code, run.stderr).toBe(2);
      expect(run.stderr).toMatch(/eth9/);
      expect(await lab.sh('lvs2', 'sha256sum /etc/keepalived/keepalived.conf; systemctl show -p MainPID keepalived')).toBe(before);
      expect(await lab.sh('lvs2', "find /etc/keepalived -name '*.lvs-play.*'")).toBe('');
    } finally {
      await files.remove();
    }
  });

  it('a wrong host key, a wrong key and no route: exit code 4, with the way out', async () => {
    const files = await scratch({ 'ping.yml': ['- hosts: rs1', '  gather_facts: false', '  tasks:', '    - command: "true"', ''].join('\n'), 'ghost.yml': ['- hosts: ghost', '  gather_facts: false', '  tasks:', '    - command: "true"', ''].join('\n'),
      'more.yml': 'all: { hosts: { ghost: { ansible_host: 192.168.0.250, ansible_user: root } } }\n',
      known_hosts: '',
    });
    try {
      const playbook = path.join(files.dir, 'ping.yml');
      const other = (await lab.sh('rs2', 'cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub')).trim();
      await writeFile(path.join(files.dir, 'known_hosts'), `192.168.0.18 ${other}\n`);
      const mismatch = await lvsPlay(['deploy', playbook, '-i', lab.overlay, '-e', `ansible_ssh_common_args="-o UserKnownHostsFile=${path.join(files.dir, 'known_hosts')} -o StrictHostKeyChecking=yes"`]);
      expect(mismatch.code, mismatch.stderr).toBe(4);
      expect(mismatch.stderr.match(/SHA256:/g)?.length).toBeGreaterThanOrEqual(2);
      const wrongKey = path.join(files.dir, 'wrong_key');
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', wrongKey]);
      const key = await lvsPlay(['deploy', playbook, '-i', lab.overlay, '-e', `ansible_ssh_private_key_file=${wrongKey}`], { env: { SSH_AUTH_SOCK: '' } });
      expect(key.code, key.stderr).toBe(4);
      const route = await lvsPlay(['deploy', path.join(files.dir, 'ghost.yml'), '-i', lab.overlay, '-i', path.join(files.dir, 'more.yml')]);
      expect(route.code, route.stderr).toBe(4);
      for (const run of [mismatch, key, route]) expect(run.stderr).toMatch(/hint:/);
    } finally {
      await files.remove();
    }
  });
});
