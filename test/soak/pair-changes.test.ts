import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerers, bothAnswer, overlap, whileCapturing, whileStreaming, type Capture, type StreamResult } from '../lab/stream.ts';
import { changedBy, eventually, lvsPlay, runDocument, scratch, TestLab, type CliResult } from '../lab/support.ts';

const INVENTORY = 'inventories/dr-keepalived-pair/hosts.yml';
const VIP = '192.168.0.38';
const DIRECTORS = { lvs1: '192.168.0.48', lvs2: '192.168.0.58' } as const;

/** The same package with a newer version, in a repository of its own that the node knows of: what an upgrade then does is the package's doing. */
const NEWER_KEEPALIVED = `set -e
mkdir -p /srv/newer; cd /srv/newer
apt-get -q download keepalived >/dev/null 2>&1
dpkg-deb -R keepalived_*.deb tree; rm keepalived_*.deb
sed -i 's/^Version: .*/&+lab1/' tree/DEBIAN/control
dpkg-deb -b -Znone tree newer.deb >/dev/null
{ cat tree/DEBIAN/control; printf 'Filename: ./newer.deb\\nSize: %s\\nSHA256: %s\\n' "$(stat -c %s newer.deb)" "$(sha256sum <newer.deb | cut -d' ' -f1)"; } >Packages
echo 'deb [trusted=yes] file:/srv/newer ./' >/etc/apt/sources.list.d/newer.list
apt-get -q update >/dev/null 2>&1`;

interface Deployed {
  readonly pairs: readonly { readonly hosts: readonly string[]; readonly vips: readonly { readonly vip: string; readonly holders: readonly string[]; readonly nobody: number; readonly several: number; readonly uncertainty: number }[] }[];
}

describe('changes of a pair of directors, with requests flowing', () => {
  let lab: TestLab;
  let lvs1: string;

  beforeAll(async () => {
    lab = await TestLab.installed('pair-changes', INVENTORY);
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    // For the service that comes to it.
    for (const host of ['rs1', 'rs2']) await lab.sh(host, "echo 'server { listen 81; root /var/www/html; }' >/etc/nginx/conf.d/more.conf; systemctl reload nginx");
    await lab.held('lvs1', VIP);
    lvs1 = /link\/ether (\S+)/.exec(await lab.sh('lvs1', 'ip link show eth0'))?.[1] ?? '';
    // What the example has, and a long check interval would only make the test longer.
    expect(await readFile(INVENTORY, 'utf8')).toContain('advert_int: 1');
  });
  afterAll(() => lab.down());

  /** The example, edited. */
  const edited = (...edits: readonly (readonly [string, string])[]): Promise<string> => lab.edited(INVENTORY, ...edits);

  const deploy = async (inventory: string): Promise<Deployed> => (await runDocument('deploy', 'playbooks/site.yml', '-i', inventory)) as unknown as Deployed;

  /** Deploys with requests flowing and a third host listening. */
  const watched = async (inventory: string): Promise<{ deployed: Deployed; stream: StreamResult; capture: Capture }> => {
    const { value, capture } = await whileCapturing(lab, VIP, () => whileStreaming(lab, VIP, 2000, () => deploy(inventory)));
    return { deployed: value.value, stream: value.stream, capture };
  };

  const back = async (): Promise<void> => {
    await deploy(lab.overlay);
    await lab.held('lvs1', VIP);
  };

  /** Nothing was lost, lvs1 was MASTER all the while, and what the run reports is what the third host saw. */
  function expectSilence({ deployed, stream, capture }: { deployed: Deployed; stream: StreamResult; capture: Capture }): void {
    expect(stream.failures).toEqual({});
    expect(stream.sent).toBeGreaterThanOrEqual(2000);
    expect([...new Set(capture.adverts.map(({ from }) => from))]).toEqual([DIRECTORS.lvs1]);
    expect(answerers(capture)).toEqual([lvs1]);
    for (const { vips } of deployed.pairs) {
      for (const { holders, nobody, several } of vips) expect({ holders, nobody, several }).toEqual({ holders: ['lvs1'], nobody: 0, several: 0 });
    }
  }

  it('weight: one director after the other, BACKUP first', async () => {
    const seen = await watched(await edited(['rs1: { weight: 1 }', 'rs1: { weight: 3 }']));
    expectSilence(seen);
    expect(seen.deployed.pairs.map(({ hosts }) => hosts)).toEqual([['lvs2'], ['lvs1']]);
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toContain('-r 192.168.0.18:80 -g -w 3');
  });

  it('a health check', async () => {
    expectSilence(await watched(await edited(['rs1: { weight: 1 }', 'rs1: { weight: 3 }'], ['health_check: { type: tcp, connect_timeout: 3, retry: 3', 'health_check: { type: tcp, connect_timeout: 2, retry: 2'])));
  });

  it('a virtual service more', async () => {
    const inventory = await edited(['      virtual_services:\n', `      virtual_services:\n        more:\n          "on": edge\n          address: ${VIP}:81\n          mode: dr\n          scheduler: wrr\n          real_servers: { rs1: {}, rs2: {} }\n          health_check: { type: tcp }\n`]);
    expectSilence(await watched(inventory));
    expect(await lab.sh('lvs2', 'ipvsadm -Sn')).toContain(`-A -t ${VIP}:81 -s wrr`);
    await back();
  });

  it('a real server less: it is drained before it goes', async () => {
    const inventory = await edited(['            rs2: { weight: 1 }\n', '']);
    const plan = (await lvsPlay(['plan', 'playbooks/site.yml', '-i', inventory])).stdout;
    expect(plan).toContain('drains TCP 192.168.0.38:80 192.168.0.28:80 before it goes');
    const seen = await watched(inventory);
    expectSilence(seen);
    expect(seen.stream.answers['rs2'] ?? 0).toBeGreaterThan(0);
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).not.toContain('192.168.0.28');
    await back();
  });

  describe.each([
    ['a virtual IP more', [['vips: [192.168.0.38]', 'vips: [192.168.0.38, 192.168.0.39]']], "sed -i 's,^ *192.168.0.38/32 dev eth0,&\\n        192.168.0.39/32 dev eth0,'"],
    ['a password', [['advert_int: 1', 'advert_int: 1\n          auth_pass: s3cr3t-1']], "sed -i 's/^ *advert_int 1/&\\n    authentication {\\n        auth_type PASS\\n        auth_pass s3cr3t-1\\n    }/'"],
    ['another advert_int', [['advert_int: 1', 'advert_int: 2']], "sed -i 's/advert_int 1/advert_int 2/'"],
  ] as const)('%s', (_name, edits, naive) => {
    it('splits the pair when one director is changed and the other is not', async () => {
      const { capture } = await whileCapturing(lab, VIP, async () => {
        await lab.sh('lvs2', `cp -p /etc/keepalived/keepalived.conf /root/before.conf; ${naive} /etc/keepalived/keepalived.conf; keepalived -t && systemctl reload keepalived`);
        // Both hold it: the BACKUP hears no advert that it takes for one.
        await eventually(() => lab.sh('lvs2', 'ip -o addr show eth0'), (shown) => shown.includes(`${VIP}/`));
        // Long enough for several adverts of both, two seconds apart in one of the cases.
        await eventually(() => lab.sh('lvs1', 'ip -o addr show eth0; sleep 5'), (shown) => shown.includes(`${VIP}/`));
        await lab.sh('lvs2', 'cp -p /root/before.conf /etc/keepalived/keepalived.conf; systemctl reload keepalived');
        await eventually(() => lab.sh('lvs2', 'ip -o addr show eth0'), (shown) => !shown.includes(`${VIP}/`));
      });
      expect(bothAnswer(capture), JSON.stringify(capture.adverts)).toBeGreaterThan(1);
      expect(answerers(capture)).toHaveLength(2);
    });

    it('never has two holders when both are changed at the same moment', async () => {
      const { value, capture } = await whileCapturing(lab, VIP, async () => deploy(await edited(...edits)));
      expect(value.pairs.map(({ hosts }) => [...hosts].sort())).toEqual([['lvs1', 'lvs2']]);
      expect(overlap(capture)).toBe(0);
      expect(bothAnswer(capture)).toBe(0);
      expect(answerers(capture)).toEqual([lvs1]);
      expect(value.pairs.flatMap(({ vips }) => vips.map(({ several }) => several)).every((several) => several === 0)).toBe(true);
      await back();
    });
  });

  it('another virtual_router_id: an outage that was foretold, and is measured as a third host sees it', async () => {
    const inventory = await edited(['virtual_router_id: 51', 'virtual_router_id: 77']);
    expect((await lvsPlay(['plan', 'playbooks/site.yml', '-i', inventory])).stdout).toContain('pair edge: a short outage of up to 3.6 s');
    const { value, capture } = await whileCapturing(lab, VIP, () => deploy(inventory));
    expect(overlap(capture)).toBe(0);
    const [told] = value.pairs.flatMap(({ vips }) => vips);
    const silences = capture.answers.slice(1).map(({ at }, index) => at - (capture.answers[index]?.at ?? at));
    const seen = Math.max(...silences);
    // ARP is asked ten times a second, and the two clocks are compared over ssh.
    expect(Math.abs(seen - (told?.nobody ?? 0) / 1000), JSON.stringify({ seen, told })).toBeLessThan(0.5 + (told?.uncertainty ?? 0) / 1000);
    expect(told?.several).toBe(0);
    await back();
  });

  describe('a configuration that the daemon cannot live with, although the check lets it pass', () => {
    const stub = (present: boolean): string =>
      present
        ? `printf '%s\\n' '#!/bin/sh' 'case " $* " in *" -t "*) exit 0;; esac' 'exec /usr/sbin/keepalived "$@"' >/usr/local/sbin/keepalived; chmod 755 /usr/local/sbin/keepalived`
        : 'rm -f /usr/local/sbin/keepalived';

    /** Deploys an interface that is not there, with requests flowing. */
    const deployBad = async (): Promise<{ result: CliResult; stream: StreamResult }> => {
      const inventory = await edited(['interface: eth0', 'interface: eth9']);
      for (const host of Object.keys(DIRECTORS)) await lab.sh(host, stub(true));
      try {
        const { value, stream } = await whileStreaming(lab, VIP, 2000, () => lvsPlay(['deploy', 'playbooks/site.yml', '-i', inventory]));
        return { result: value, stream };
      } finally {
        for (const host of Object.keys(DIRECTORS)) await lab.sh(host, stub(false));
      }
    };

    const configurations = async (): Promise<string[]> => Promise.all(Object.keys(DIRECTORS).map((host) => lab.sh(host, 'sha256sum </etc/keepalived/keepalived.conf; stat -c "%a %U %G" /etc/keepalived/keepalived.conf')));

    it('is found out, and the old one comes back, where the daemon refuses it in silence', async () => {
      const before = await configurations();
      const { result, stream } = await deployBad();
      expect(result.code).toBe(2);
      expect(result.stderr).toContain('does not run its new configuration');
      expect(result.stderr).toContain('the old configuration is back and runs');
      expect(stream.failures).toEqual({});
      expect(await configurations()).toEqual(before);
      expect((await lvsPlay(['plan', 'playbooks/site.yml', '-i', lab.overlay, '--detailed-exitcode'])).code).toBe(0);
    });

    it('and where the daemon dies of it', async () => {
      for (const host of Object.keys(DIRECTORS)) await lab.sh(host, "sed -i '/reload_check_config/d' /etc/keepalived/keepalived.conf; systemctl restart keepalived");
      await lab.held('lvs1', VIP);
      const before = await configurations();
      const { result, stream } = await deployBad();
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(/keepalived on lvs[12] is (failed|inactive)/);
      expect(result.stderr).toContain('the old configuration is back and runs');
      expect(await configurations()).toEqual(before);
      await lab.held('lvs1', VIP);
      // The virtual IP stayed where it was or came back within a VRRP election: the service goes on.
      expect(Object.values(stream.answers).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(1500);
      expect(await lab.answers(VIP, 4)).toEqual(expect.arrayContaining(['rs1', 'rs2']));
      await back();
    });
  });

  describe('a restart of keepalived', () => {
    let files: Awaited<ReturnType<typeof scratch>>;
    let restart: string[];
    beforeAll(async () => {
      const playbook = (task: string): string => `- hosts: lvs_directors\n  gather_facts: false\n  become: true\n  tasks: [{ ${task} }]\n`;
      files = await scratch({
        'restart.yml': playbook('service: { name: keepalived, state: restarted }'),
        'upgrade.yml': playbook('package: { name: keepalived, state: latest }'),
        'reboot.yml': playbook('reboot: { if_required: true }'),
      });
      restart = ['deploy', path.join(files.dir, 'restart.yml'), '-i', lab.overlay];
    });
    afterAll(() => files.remove());

    it('goes from BACKUP to MASTER, and no virtual IP is ever held by two', async () => {
      const { value, capture } = await whileCapturing(lab, VIP, () => runDocument(...restart));
      const { pairs } = value as unknown as Deployed;
      expect(pairs.map(({ hosts }) => hosts)).toEqual([['lvs2'], ['lvs1']]);
      expect(pairs[0]?.vips).toMatchObject([{ holders: ['lvs1'], nobody: 0, several: 0 }]);
      expect(pairs[1]?.vips).toMatchObject([{ several: 0 }]);
      expect(overlap(capture)).toBe(0);
      await lab.held('lvs1', VIP);
    });

    it('an upgrade by the package manager goes the same way', async () => {
      await lab.shOn(Object.keys(DIRECTORS), NEWER_KEEPALIVED);
      const { value, capture } = await whileCapturing(lab, VIP, () => runDocument('deploy', path.join(files.dir, 'upgrade.yml'), '-i', lab.overlay));
      const { pairs } = value as unknown as Deployed;
      expect(pairs.map(({ hosts }) => hosts)).toEqual([['lvs2'], ['lvs1']]);
      expect(pairs[0]?.vips).toMatchObject([{ holders: ['lvs1'], nobody: 0, several: 0 }]);
      expect(overlap(capture)).toBe(0);
      expect(Object.values(await lab.shOn(Object.keys(DIRECTORS), "dpkg-query -W -f '${Version}' keepalived"))).toEqual([expect.stringMatching(/lab1$/), expect.stringMatching(/lab1$/)]);
      await lab.held('lvs1', VIP);
    });

    it('a reboot that is due: BACKUP first, and each gives its virtual IPs away before it goes', async () => {
      const boots = () => lab.shOn(Object.keys(DIRECTORS), 'cat /proc/sys/kernel/random/boot_id');
      await lab.shOn(Object.keys(DIRECTORS), 'touch /run/reboot-required');
      const before = await boots();
      const { value, capture } = await whileCapturing(lab, VIP, () => runDocument('deploy', path.join(files.dir, 'reboot.yml'), '-i', lab.overlay));
      const { pairs } = value as unknown as Deployed;
      expect(pairs.map(({ hosts }) => hosts)).toEqual([['lvs2'], ['lvs1']]);
      expect(pairs.flatMap(({ vips }) => vips)).toMatchObject([{ holders: ['lvs1'], nobody: 0, several: 0 }, { holders: ['lvs1', 'lvs2'], several: 0 }]);
      expect(overlap(capture)).toBe(0);
      const after = await boots();
      for (const host of Object.keys(DIRECTORS)) expect(after[host]).not.toBe(before[host]);
      await lab.held('lvs1', VIP);
      // Nothing is due any more.
      expect(await changedBy(path.join(files.dir, 'reboot.yml'), '-i', lab.overlay)).toEqual([]);
    });

    it('nobody reboots the last director that serves', async () => {
      await lab.sh('lvs2', 'systemctl stop keepalived');
      const boot = await lab.sh('lvs1', 'cat /proc/sys/kernel/random/boot_id; touch /run/reboot-required');
      const refused = await lvsPlay(['deploy', path.join(files.dir, 'reboot.yml'), '-i', lab.overlay, '-l', 'lvs1']);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain('keepalived on lvs2 is inactive (dead): nobody would hold the virtual IPs while lvs1 is down; it was not rebooted');
      expect(await lab.sh('lvs1', 'cat /proc/sys/kernel/random/boot_id')).toBe(boot);
      expect(new Set(await lab.answers(VIP, 4))).toEqual(new Set(['rs1', 'rs2']));
      await lab.shOn(Object.keys(DIRECTORS), 'rm -f /run/reboot-required; systemctl start keepalived');
    });

    it('stops at a daemon that does not come back: the other one goes on serving', async () => {
      await lab.sh('lvs2', "mkdir -p /run/systemd/system/keepalived.service.d && printf '[Service]\\nType=simple\\nExecStart=\\nExecStart=/bin/false\\n' >/run/systemd/system/keepalived.service.d/broken.conf && systemctl daemon-reload");
      const pid = await lab.sh('lvs1', 'systemctl show -p MainPID keepalived');
      const stopped = await lvsPlay(restart);
      expect(stopped.code, stopped.stderr).toBe(2);
      expect(stopped.stderr).toMatch(/keepalived on lvs2 is .*; no other director is restarted/);
      expect(await lab.sh('lvs1', 'systemctl show -p MainPID keepalived')).toBe(pid);
      expect(new Set(await lab.answers(VIP, 4))).toEqual(new Set(['rs1', 'rs2']));
      await lab.sh('lvs2', 'rm -r /run/systemd/system/keepalived.service.d && systemctl daemon-reload && systemctl reset-failed keepalived; systemctl restart keepalived');
    });
  });
});
