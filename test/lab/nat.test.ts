import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seenOutside } from './nat.ts';
import { changedBy, eventually, lvsPlay, must, TestLab, wholeState } from './support.ts';

const VIP = '172.16.254.200';

/** Rules of all tables without ours: what others have. */
const OTHERS = "iptables-save | grep -v -e LVS_PLAY -e '^#' -e '^:\\(PREROUTING\\|INPUT\\|FORWARD\\|OUTPUT\\|POSTROUTING\\) '";

/** Somebody's rules in every table that we touch, and somebody's virtual service. */
const SOMEBODY = [
  'iptables -t nat -N SOMEBODY',
  'iptables -t nat -A POSTROUTING -s 10.99.0.0/16 -j SOMEBODY',
  'iptables -t mangle -A PREROUTING -d 10.99.0.1/32 -j MARK --set-mark 99',
  'iptables -A INPUT -p tcp --dport 9 -j ACCEPT',
].join(' && ');

describe('NAT with one director, ports mapped, no keepalived', () => {
  let lab: TestLab;
  let site: string[];
  let untouched: Record<string, string>;
  beforeAll(async () => {
    lab = await TestLab.installed('nat-single', 'inventories/nat-single/hosts.yml');
    site = ['playbooks/demo.yml', '-i', lab.overlay];
    await lab.sh('lvs1', SOMEBODY);
    untouched = await wholeState(lab, ['lvs1', 'rs1', 'rs2']);
  });
  afterAll(async () => {
    await lab.down();
  });

  /** Everything that a packet needs on its way holds, redirects of every interface included. */
  async function holds(): Promise<void> {
    expect(await lab.sh('lvs1', 'cat /proc/sys/net/ipv4/conf/*/send_redirects | sort -u')).toBe('0\n');
    const explained = await lvsPlay(['explain', 'web', '--live', '-i', lab.overlay]);
    expect(explained.code, explained.stdout).toBe(0);
  }

  it('serves port 80 from port 8080, each real server in turn, and leaves others\' rules alone', async () => {
    const before = await lab.sh('lvs1', OTHERS);
    const deployed = await changedBy(...site);
    expect(deployed.filter((change) => change.includes('keepalived'))).toEqual([]);
    const names = await lab.answers(VIP, 20);
    expect(names.filter((name) => name === 'rs1')).toHaveLength(10);
    expect(names.filter((name) => name === 'rs2')).toHaveLength(10);
    expect(await lab.sh('lvs1', OTHERS)).toBe(before);
    await holds();
  });

  it('real servers reach the outside with the director\'s address', async () => {
    expect(await seenOutside(lab, 'rs1')).toBe(VIP);
  });

  it('changes nothing the second time; rules that somebody flushed are seen and come back', async () => {
    expect(await changedBy(...site)).toEqual([]);
    await lab.sh('lvs1', 'iptables -t nat -F LVS_PLAY_NAT && ipvsadm -A -t 10.9.9.9:99 -s rr');
    const plan = await lvsPlay(['plan', ...site, '--detailed-exitcode']);
    expect(plan.code, plan.stdout).toBe(2);
    expect(plan.stdout).toMatch(/firewall rules/);
    await must(lvsPlay(['deploy', ...site]));
    expect(await seenOutside(lab, 'rs2')).toBe(VIP);
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toContain('10.9.9.9:99');
  });

  it('the rules come back by themselves when the unit that loads others\' rules is restarted, and flushes', async () => {
    await lab.sh('lvs1', `printf '%s\\n' '[Service]' Type=oneshot RemainAfterExit=yes 'ExecStart=/bin/sh -c "iptables -t nat -F; iptables -t mangle -F"' >/run/systemd/system/netfilter-persistent.service && systemctl daemon-reload && systemctl restart netfilter-persistent`);
    // Who restarts the other unit does not wait for ours.
    await eventually(() => seenOutside(lab, 'rs1'), (seen) => seen === VIP);
    expect(await changedBy(...site)).toEqual([]);
  });

  it('is imported from its hosts to an inventory that changes nothing; of others\' rules none meets it', async () => {
    const imported = await lab.imported({ lvs1: '192.168.0.8', rs1: '192.168.0.18', rs2: '192.168.0.28' });
    expect(imported.stderr).toContain('0 mistakes found, 0 to be completed, 1 not understood.');
    expect(imported.stderr).toMatch(/TCP 10\.9\.9\.9:99\n +left out: it has no real server/);
    expect(imported.stderr).toMatch(/\d other firewall rules? of lvs1\n +left out: none names an address, port or mark of the cluster/);
    const plan = await lab.planOf(imported);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  });

  it('comes back serving after a reboot, with nothing to change', async () => {
    await Promise.all(['lvs1', 'rs1', 'rs2'].map((host) => lab.fault('reboot', host)));
    await eventually(() => lab.answers(VIP, 6), (seen) => [...new Set(seen)].sort().join() === 'rs1,rs2');
    const plan = await lvsPlay(['plan', ...site, '--detailed-exitcode']);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
    expect(await seenOutside(lab, 'rs1')).toBe(VIP);
    await holds();
  });

  it('is rolled back to what was there before the first run', async () => {
    // Gone with the reboot.
    await lab.sh('lvs1', SOMEBODY);
    await lab.rollBack('first');
    expect(await wholeState(lab, ['lvs1', 'rs1', 'rs2'])).toEqual(untouched);
  });
});
