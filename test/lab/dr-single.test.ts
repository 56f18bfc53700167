import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lvsPlay, runDocument, TestLab, wholeState, type RunDocument } from './support.ts';

const INVENTORY = 'inventories/dr-single/hosts.yml';
const VIP = '192.168.0.38';
const HOSTS = ['lvs1', 'rs1', 'rs2'] as const;
const FOREIGN = '-A -t 10.9.9.9:99 -s rr\n-a -t 10.9.9.9:99 -r 10.0.0.1:99 -g -w 1\n';

let lab: TestLab;
let site: string[];
let untouched: Record<string, string>;

/** Lines of the kernel's table, without our service's. */
async function foreignTable(): Promise<string> {
  return (await lab.sh('lvs1', 'ipvsadm -Sn')).split('\n').filter((line) => line !== '' && !line.includes(`${VIP}:80`)).map((line) => `${line.trim()}\n`).join('');
}

beforeAll(async () => {
  lab = await TestLab.installed('dr-single', INVENTORY);
  site = ['playbooks/demo.yml', '-i', lab.overlay];
  await lab.sh('lvs1', 'ln -sf "$(command -v busybox)" /bin/sh');
  untouched = await wholeState(lab, HOSTS);
});

afterAll(async () => {
  await lab.down();
});

/** Its scripts, the module ipvs, reboots and import: test/soak/dr-single.test.ts. */
describe('DR with one director and no keepalived', () => {
  it('deploys what the plan listed, and both servers answer through the VIP', async () => {
    const planned = await runDocument('plan', ...site);
    const deployed = await runDocument('deploy', ...site);
    const changes = ({ tasks }: RunDocument) => tasks.flatMap((task) => task.changes.map(({ path: what, after }) => `${task.host} ${what} ${JSON.stringify(after)}`)).sort();
    expect(changes(deployed)).toEqual(changes(planned));
    expect(changes(deployed)).toContain(`lvs1 ipvs TCP ${VIP}:80 "-s wrr"`);
    const names = await lab.answers(VIP, 20);
    expect(names.filter((name) => name === 'rs1')).toHaveLength(10);
    expect(names.filter((name) => name === 'rs2')).toHaveLength(10);
    expect(changes(deployed).filter((change) => change.includes('keepalived'))).toEqual([]);
  });

  it('changes nothing the second time, and verify agrees', async () => {
    await lab.sh('lvs1', 'ipvsadm -A -t 10.9.9.9:99 -s rr && ipvsadm -a -t 10.9.9.9:99 -r 10.0.0.1:99 -g');
    expect(await foreignTable()).toBe(FOREIGN);
    const again = await runDocument('deploy', ...site);
    for (const host of HOSTS) expect(again.recap[host], host).toMatchObject({ changed: 0, failed: 0 });
    const verified = await lvsPlay(['verify', '-i', lab.overlay, '--json']);
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });

  it('mends only its own service, and says what that costs', async () => {
    await lab.sh('lvs1', `ipvsadm -e -t ${VIP}:80 -r 192.168.0.18:80 -g -w 0; ipvsadm -a -t ${VIP}:80 -r 192.168.0.77:80 -g; ip address delete ${VIP}/32 dev eth0`);
    const mended = await runDocument('deploy', 'playbooks/site.yml', '-i', lab.overlay);
    expect(mended.tasks.flatMap(({ changes }) => changes)).toMatchObject([
      { path: `ipvs TCP ${VIP}:80 rs1 192.168.0.18:80`, before: '-g -w 0', after: '-g -w 1' },
      { path: `ipvs TCP ${VIP}:80 192.168.0.77:80`, before: '-g -w 1', after: null, impact: 'removes 192.168.0.77:80: 0 active connections' },
      { path: `eth0 ${VIP}/32`, after: 'present' },
    ]);
    expect(await foreignTable()).toBe(FOREIGN);
    expect(new Set(await lab.answers(VIP, 4))).toEqual(new Set(['rs1', 'rs2']));
  });

  it('is rolled back to what was there before the first run', async () => {
    // What somebody else did goes first, with the scheduler that it brought.
    await lab.sh('lvs1', 'ipvsadm -D -t 10.9.9.9:99 && rmmod ip_vs_rr');
    await lab.rollBack('first');
    expect(await wholeState(lab, HOSTS)).toEqual(untouched);
  });
});
