import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changedBy, lvsPlay, must, TestLab } from './support.ts';

const VIP = 'fd00:38::38';

let lab: TestLab;
let site: string[];

beforeAll(async () => {
  lab = await TestLab.installed('ipv6', 'inventories/dr-ipv6/hosts.yml');
  site = ['playbooks/demo.yml', '-i', lab.overlay];
  await must(lvsPlay(['deploy', ...site]));
});

afterAll(async () => {
  await lab.down();
});

/** A crash, reboots and rollback: test/soak/ipv6.test.ts. */
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
      const neighbour = await must(lab.client('sh', '-c', `ip -6 neigh flush to ${VIP}; curl -s -o /dev/null -m 10 'http://[${VIP}]/'; ip -6 neigh show to ${VIP}`));
      expect(neighbour.stdout).toContain(mac);
    }
  });

  it('verifies, and a second deploy changes nothing', async () => {
    const run = await lvsPlay(['verify', '-i', lab.overlay]);
    expect(run.code, run.stdout + run.stderr).toBe(0);
    expect(await changedBy(...site)).toEqual([]);
  });
});
