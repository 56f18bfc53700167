import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holds, OTHERS, seenOutside, SOMEBODY } from './nat.ts';
import { changedBy, lvsPlay, must, TestLab } from './support.ts';

const VIP = '172.16.254.200';

/** Flushed rules that come back, reboots, rollback, and a pair: test/soak/nat.test.ts. */
describe('NAT with one director, ports mapped, no keepalived', () => {
  let lab: TestLab;
  let site: string[];
  beforeAll(async () => {
    lab = await TestLab.installed('nat-single', 'inventories/nat-single/hosts.yml');
    site = ['playbooks/demo.yml', '-i', lab.overlay];
    await lab.sh('lvs1', SOMEBODY);
  });
  afterAll(async () => {
    await lab.down();
  });

  it('serves port 80 from port 8080, each real server in turn, and leaves others\' rules alone', async () => {
    const before = await lab.sh('lvs1', OTHERS);
    const deployed = await changedBy(...site);
    expect(deployed.filter((change) => change.includes('keepalived'))).toEqual([]);
    const names = await lab.answers(VIP, 20);
    expect(names.filter((name) => name === 'rs1')).toHaveLength(10);
    expect(names.filter((name) => name === 'rs2')).toHaveLength(10);
    expect(await lab.sh('lvs1', OTHERS)).toBe(before);
    await holds(lab);
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

  it('is imported from its hosts to an inventory that changes nothing; of others\' rules none meets it', async () => {
    const imported = await lab.imported({ lvs1: '192.168.0.8', rs1: '192.168.0.18', rs2: '192.168.0.28' });
    expect(imported.stderr).toContain('0 mistakes found, 0 to be completed, 1 not understood.');
    expect(imported.stderr).toMatch(/TCP 10\.9\.9\.9:99\n +left out: it has no real server/);
    expect(imported.stderr).toMatch(/\d other firewall rules? of lvs1\n +left out: none names an address, port or mark of the cluster/);
    const plan = await lab.planOf(imported);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  });
});
