import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployedPair } from './deployed.ts';
import { lvsPlay, must, type TestLab } from './support.ts';

const ADDRESSES = { lvs1: '192.168.0.48', lvs2: '192.168.0.58', rs1: '192.168.0.18', rs2: '192.168.0.28' };

let lab: TestLab;

beforeAll(async () => {
  lab = await deployedPair('import');
});

afterAll(async () => {
  await lab.down();
});

describe('explain --live', () => {
  interface Need {
    readonly hosts: readonly string[];
    readonly what: string;
    readonly live?: { readonly verdict: string; readonly found: string };
  }
  async function broken(): Promise<{ code: number | null; needs: string[] }> {
    const run = await lvsPlay(['explain', 'web', '--live', '--json', '-i', lab.overlay]);
    const document = JSON.parse(run.stdout) as { paths: { hops: { needs: Need[] }[] }[] };
    const needs = document.paths.flatMap((one) => one.hops.flatMap((hop) => hop.needs));
    expect(needs.every((need) => need.live !== undefined)).toBe(true);
    return { code: run.code, needs: needs.filter((need) => need.live?.verdict === 'broken').map((need) => `${need.hosts.join()}: ${need.what}: ${need.live?.found ?? ''}`) };
  }

  it('finds nothing after a deploy, and names what somebody broke', async () => {
    expect(await broken()).toEqual({ code: 0, needs: [] });
    await lab.sh('rs1', 'sysctl -qw net.ipv4.conf.all.arp_ignore=0; ip addr del 192.168.0.38/32 dev lo');
    await lab.sh('rs2', 'ip route replace default via 192.168.0.58');
    const found = await broken();
    expect(found.code).toBe(8);
    expect(found.needs).toHaveLength(3);
    expect(found.needs.join('\n')).toMatch(/rs1: arp_ignore .*: arp_ignore 0, arp_announce 2 for eth0/);
    expect(found.needs.join('\n')).toMatch(/rs1: 192\.168\.0\.38\/32 on lo: it is on no interface/);
    expect(found.needs.join('\n')).toMatch(/rs2: a default route .*: via 192\.168\.0\.58, the director/);
    await lab.sh('rs2', 'ip route del default');
    await must(lvsPlay(['deploy', 'playbooks/site.yml', '-i', lab.overlay]));
    expect(await broken()).toEqual({ code: 0, needs: [] });
  });
});

describe('import --from live hosts', () => {
  it('gives an inventory with which a plan changes nothing', async () => {
    const run = await lab.imported(ADDRESSES);
    expect(run.stderr).toContain('0 mistakes found, 0 to be completed, 0 not understood.');
    expect(run.stdout).toContain('virtual_router_id: 51');
    const plan = await lab.planOf(run);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  });

  it('tells what stands in the kernel beside the configuration', async () => {
    await lab.sh('lvs2', 'ipvsadm -A -t 192.168.0.58:8443 -s wlc; ipvsadm -a -t 192.168.0.58:8443 -r 192.168.0.18:443 -m');
    const run = await lab.imported(ADDRESSES);
    await lab.sh('lvs2', 'ipvsadm -D -t 192.168.0.58:8443');
    expect(run.stderr).toMatch(/virtual service tcp 192\.168\.0\.58:8443\n +it is in the kernel but not in keepalived\.conf/);
    expect(run.stdout).not.toContain('8443');
  });
});
