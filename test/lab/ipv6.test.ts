import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changedBy, eventually, lvsPlay, must, TestLab, wholeState } from './support.ts';

const VIP = 'fd00:38::38';

let lab: TestLab;
let site: string[];
let untouched: Record<string, string>;

beforeAll(async () => {
  lab = await TestLab.installed('ipv6', 'inventories/dr-ipv6/hosts.yml');
  site = ['playbooks/demo.yml', '-i', lab.overlay];
  untouched = await wholeState(lab, ['lvs1', 'lvs2', 'rs1', 'rs2']);
  await must(lvsPlay(['deploy', ...site]));
});

afterAll(async () => {
  await lab.down();
});

describe('DR with IPv6', () => {
  it('serves through the virtual IP, each real server in turn', async () => {
    await lab.held('lvs1', VIP);
    const names = await lab.answers(`[${VIP}]`, 20);
    expect(names.filter((name) => name === 'rs1')).toHaveLength(10);
    expect(names.filter((name) => name === 'rs2')).toHaveLength(10);
  });

  it('the VIP is told of by the director alone, though the real servers have it', async () => {
    for (const host of ['rs1', 'rs2']) expect(await lab.sh(host, 'ip -6 -o address show dev lo')).toContain(`${VIP}/128`);
    const mac = (await lab.sh('lvs1', 'cat /sys/class/net/eth0/address')).trim();
    // Asked anew each time: whoever answers first would be in the table.
    for (let i = 0; i < 5; i++) {
      const neighbour = await must(lab.client('sh', '-c', `ip -6 neigh flush to ${VIP}; curl -s -o /dev/null -m 3 'http://[${VIP}]/'; ip -6 neigh show to ${VIP}`));
      expect(neighbour.stdout).toContain(mac);
    }
  });

  it('verifies, and a second deploy changes nothing', async () => {
    const run = await lvsPlay(['verify', '-i', lab.overlay]);
    expect(run.code, run.stdout + run.stderr).toBe(0);
    expect(await changedBy(...site)).toEqual([]);
  });

  it('the other director takes over when the holder crashes', async () => {
    await lab.fault('crash', 'lvs1');
    const names = await eventually(() => lab.answers(`[${VIP}]`, 6), (seen) => !seen.includes(''));
    expect([...new Set(names)].sort()).toEqual(['rs1', 'rs2']);
    await lab.fault('boot', 'lvs1');
  });

  it('comes back serving after every node was rebooted from inside, with nothing to change', async () => {
    await Promise.all(['lvs1', 'lvs2', 'rs1', 'rs2'].map((host) => lab.fault('reboot', host)));
    await eventually(() => lab.answers(`[${VIP}]`, 6), (seen) => [...new Set(seen)].sort().join() === 'rs1,rs2');
    const plan = await lvsPlay(['plan', ...site, '--detailed-exitcode']);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  });

  it('is rolled back to what was there before', async () => {
    await lab.rollBack('all');
    expect(await wholeState(lab, ['lvs1', 'lvs2', 'rs1', 'rs2'])).toEqual(untouched);
  });
});
