import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holds, seenOutside, SOMEBODY } from '../lab/nat.ts';
import { changedBy, eventually, lvsPlay, must, TestLab, wholeState } from '../lab/support.ts';

const VIP = '172.16.254.200';

describe('NAT with one director', () => {
  let lab: TestLab;
  let site: string[];
  let untouched: Record<string, string>;
  beforeAll(async () => {
    lab = await TestLab.installed('nat-single-more', 'inventories/nat-single/hosts.yml');
    site = ['playbooks/demo.yml', '-i', lab.overlay];
    await lab.sh('lvs1', SOMEBODY);
    untouched = await wholeState(lab, ['lvs1', 'rs1', 'rs2']);
    await must(lvsPlay(['deploy', ...site]));
  });
  afterAll(() => lab.down());

  it('the rules come back by themselves when the unit that loads others\' rules is restarted, and flushes', async () => {
    await lab.sh('lvs1', `printf '%s\\n' '[Service]' Type=oneshot RemainAfterExit=yes 'ExecStart=/bin/sh -c "iptables -t nat -F; iptables -t mangle -F"' >/run/systemd/system/netfilter-persistent.service && systemctl daemon-reload && systemctl restart netfilter-persistent`);
    // Who restarts the other unit does not wait for ours.
    await eventually(() => seenOutside(lab, 'rs1'), (seen) => seen === VIP);
    expect(await changedBy(...site)).toEqual([]);
  });

  it('comes back serving after a reboot, with nothing to change', async () => {
    await Promise.all(['lvs1', 'rs1', 'rs2'].map((host) => lab.fault('reboot', host)));
    await eventually(() => lab.answers(VIP, 6), (seen) => [...new Set(seen)].sort().join() === 'rs1,rs2');
    const plan = await lvsPlay(['plan', ...site, '--detailed-exitcode']);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
    expect(await seenOutside(lab, 'rs1')).toBe(VIP);
    await holds(lab);
  });

  it('is rolled back to what was there before the first run', async () => {
    // Gone with the reboot.
    await lab.sh('lvs1', SOMEBODY);
    await lab.rollBack('first');
    expect(await wholeState(lab, ['lvs1', 'rs1', 'rs2'])).toEqual(untouched);
  });
});

describe('NAT with an HA pair whose inside address floats', () => {
  let lab: TestLab;
  let site: string[];
  let untouched: Record<string, string>;
  beforeAll(async () => {
    lab = await TestLab.installed('nat-pair', 'inventories/nat-pair/hosts.yml');
    site = ['playbooks/demo.yml', '-i', lab.overlay];
    untouched = await wholeState(lab, ['lvs1', 'lvs2', 'rs1', 'rs2']);
    await must(lvsPlay(['deploy', ...site]));
  });
  afterAll(async () => {
    await lab.down();
  });

  it('serves through the VIP, and changes nothing the second time', async () => {
    expect([...new Set(await lab.answers(VIP, 10))].sort()).toEqual(['rs1', 'rs2']);
    expect(await changedBy(...site)).toEqual([]);
  });

  it('a firewall mark makes one service of two ports: a client of both stays with one server', async () => {
    // Persistence is each director's own.
    await lab.held('lvs1', VIP);
    const both = [...(await lab.answers(`${VIP}:81`, 5)), ...(await lab.answers(`${VIP}:82`, 5))];
    expect([...new Set(both)]).toHaveLength(1);
    expect(['rs1', 'rs2']).toContain(both[0]);
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toMatch(/^-A -f 7 /m);
  });

  it('VIP and gateway move together when the holder crashes', async () => {
    await lab.fault('crash', 'lvs1');
    await eventually(() => lab.answers(VIP, 6), (seen) => [...new Set(seen)].sort().join() === 'rs1,rs2');
    const held = await lab.sh('lvs2', 'ip -o -4 addr show');
    expect(held).toContain(VIP);
    expect(held).toContain('192.168.0.1/32');
    expect(['172.16.254.58', VIP]).toContain(await seenOutside(lab, 'rs1'));
    await lab.fault('boot', 'lvs1');
  });

  it('comes back serving after a reboot, with nothing to change', async () => {
    await Promise.all(['lvs1', 'lvs2', 'rs1', 'rs2'].map((host) => lab.fault('reboot', host)));
    await eventually(() => lab.answers(VIP, 6), (seen) => [...new Set(seen)].sort().join() === 'rs1,rs2');
    const plan = await lvsPlay(['plan', ...site, '--detailed-exitcode']);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  });

  it('is imported from its hosts to an inventory that changes nothing', async () => {
    const imported = await lab.imported({ lvs1: '192.168.0.48', lvs2: '192.168.0.58', rs1: '192.168.0.18', rs2: '192.168.0.28' });
    expect(imported.stderr).toContain('0 mistakes found, 0 to be completed, 0 not understood.');
    const plan = await lab.planOf(imported);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  });

  it('is rolled back to what was there before the first run', async () => {
    await lab.rollBack('first');
    expect(await wholeState(lab, ['lvs1', 'lvs2', 'rs1', 'rs2'])).toEqual(untouched);
  });
});
