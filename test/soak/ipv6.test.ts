import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, lvsPlay, must, TestLab, wholeState } from '../lab/support.ts';

const VIP = 'fd00:38::38';

let lab: TestLab;
let site: string[];
let untouched: Record<string, string>;

beforeAll(async () => {
  lab = await TestLab.installed('ipv6-faults', 'inventories/dr-ipv6/hosts.yml');
  site = ['playbooks/demo.yml', '-i', lab.overlay];
  untouched = await wholeState(lab, ['lvs1', 'lvs2', 'rs1', 'rs2']);
  await must(lvsPlay(['deploy', ...site]));
  await lab.held('lvs1', VIP);
});

afterAll(async () => {
  await lab.down();
});

describe('DR with IPv6', () => {
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
