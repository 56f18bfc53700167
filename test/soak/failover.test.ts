import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FailoverReport } from '../../src/failover/report.ts';
import { changedBy, eventually, lvsPlay, must, runDocument, TestLab } from '../lab/support.ts';

const VIP = '192.168.0.38';
const SITE = 'playbooks/site.yml';

describe('a pair is moved', () => {
  let lab: TestLab;
  /** The director that holds a virtual IP and nobody else. */
  const heldBy = async (host: string): Promise<void> => {
    await eventually(() => lab.shOn(['lvs1', 'lvs2'], 'ip -o address show'), (shown) => ['lvs1', 'lvs2'].every((one) => (shown[one] ?? '').includes(` ${VIP}/`) === (one === host)));
  };
  const report = async (...args: string[]): Promise<FailoverReport> => JSON.parse((await must(lvsPlay([...args, '-i', lab.overlay, '--json']))).stdout) as FailoverReport;
  const records = (): Promise<Record<string, string>> => lab.shOn(['lvs1', 'lvs2'], 'cat /var/lib/lvs-play/failovers/*.json 2>/dev/null; :');
  const problems = async (): Promise<string[]> => (JSON.parse((await lvsPlay(['status', '-i', lab.overlay, '--json'])).stdout) as { problems: string[] }).problems;
  /**
   * Somebody serves all the while. A connection that is made at the very moment is too young for connection sync to have told of it (sync_threshold, and two
   * seconds of the kernel's own), and is reset: as many as are under way at once, on a machine where each takes its time.
   */
  const goesOn = ({ measured }: FailoverReport): void => {
    const [web] = measured?.clients ?? [];
    expect(Object.keys(web?.faults ?? {}).filter((fault) => fault !== 'connection reset')).toEqual([]);
    expect(web?.sent).toBeGreaterThan(100);
    expect((web?.sent ?? 0) - (web?.answered ?? 0)).toBeLessThanOrEqual(20);
  };
  /** Nothing is wrong with the cluster, as those say who look at it. */
  const sound = async (): Promise<void> => {
    expect(await eventually(problems, (found) => found.length === 0)).toEqual([]);
  };

  beforeAll(async () => {
    const plain = 'inventories/dr-keepalived-pair/hosts.yml';
    lab = await TestLab.installed('failover', plain);
    const synchronised = await lab.edited(plain, [`vips: [${VIP}]`, `vips: [${VIP}]\n          connection_sync: true`], ['check_interval: 6', 'check_interval: 2'], ['retry: 3, delay_before_retry: 3', 'retry: 1, delay_before_retry: 1']);
    await must(lab.client('sh', '-c', `rm ${lab.overlay}/*.yml; cp ${synchronised}/hosts.yml ${lab.overlay}/hosts.yml`));
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    // Connections are held as long as a failover takes on a busy machine.
    await lab.shOn(['rs1', 'rs2'], "echo 'keepalive_timeout 600;' >/etc/nginx/conf.d/held.conf; systemctl reload nginx");
    await heldBy('lvs1');
    await sound();
  });
  afterAll(() => lab.down());

  it('to the other director: every connection lives, what asks goes on, and it is measured', async () => {
    const moved = await report('failover', 'edge', '--reason', 'test', '--until', '2h');
    expect(moved).toMatchObject({ version: 1, what: 'failover', pairs: ['edge'], from: 'lvs1', to: 'lvs2', moved: true, before: [{ vip: VIP, holders: ['lvs1'] }], after: [{ vip: VIP, holders: ['lvs2'] }] });
    goesOn(moved);
    expect(moved.measured?.clients[0]?.held).toEqual({ opened: 20, alive: 20, faults: {} });
    expect(moved.sync).toMatchObject({ holder: 'lvs1', target: 'lvs2', known: moved.sync?.established });
    expect(moved.sync?.established).toBeGreaterThanOrEqual(20);
    expect(moved.measured?.timelines).toMatchObject([{ vip: VIP, holders: ['lvs1', 'lvs2'] }]);
    // Who held it tells of it too, every five seconds, until then.
    expect(moved.measured?.arps).toEqual([{ vip: VIP, from: expect.toSatisfy((from: Record<string, number>) => 'lvs2' in from && Object.keys(from).every((host) => host === 'lvs1' || host === 'lvs2')) as unknown }]);
    const kept = await records();
    expect(kept['lvs1']).toBe(kept['lvs2']);
    expect(JSON.parse(kept['lvs1'] ?? '')).toMatchObject({ version: 1, pair: 'edge', to: 'lvs2', reason: 'test' });
  });

  it('stays there through deploys and restarts, is no drift and no fault, and moving it again is nothing to do', async () => {
    expect(await changedBy(SITE, '-i', lab.overlay)).toEqual([]);
    expect((await lvsPlay(['drift', SITE, '-i', lab.overlay])).code).toBe(0);
    expect((await must(lvsPlay(['status', '-i', lab.overlay]))).stdout).toMatch(/^edge fails over to lvs2 by \S+: test; since .*, on lvs1, lvs2$/m);
    expect((await must(lvsPlay(['verify', '-i', lab.overlay, '--requests', '8']))).stdout).toMatch(/edge.*to lvs2 by \S+: test/);
    await lab.fault('reboot', 'lvs2');
    await heldBy('lvs2');
    await sound();
    expect(await report('failover', 'edge', '--to', 'lvs2')).toMatchObject({ moved: false, from: 'lvs2', to: 'lvs2' });
  });

  it('is given back the same way', async () => {
    const back = await report('failback', 'edge');
    expect(back).toMatchObject({ what: 'failback', from: 'lvs2', to: 'lvs1', moved: true, after: [{ vip: VIP, holders: ['lvs1'] }] });
    goesOn(back);
    expect(back.measured?.clients[0]?.held).toEqual({ opened: 20, alive: 20, faults: {} });
    expect(await records()).toEqual({ lvs1: '', lvs2: '' });
    expect(await changedBy(SITE, '-i', lab.overlay)).toEqual([]);
    expect(await report('failback', 'edge')).toMatchObject({ moved: false });
  });

  it('is refused to a director that could not take over, or would balance otherwise', async () => {
    await lab.sh('lvs2', 'systemctl stop keepalived');
    const down = await lvsPlay(['failover', 'edge', '-i', lab.overlay]);
    expect(down.code).toBe(1);
    expect(down.stderr).toMatch(/keepalived on lvs2 is inactive .*\(target-not-ready\)/);
    await lab.sh('lvs2', 'systemctl start keepalived');
    await sound();
    await lab.sh('lvs2', `ipvsadm -e -t ${VIP}:80 -r 192.168.0.18:80 -g -w 7`);
    const differs = await lvsPlay(['failover', 'edge', '-i', lab.overlay]);
    expect(differs.code).toBe(1);
    expect(differs.stderr).toMatch(/web: rs1 has weight 1 on lvs1, weight 7 on lvs2 \(tables-differ\)/);
    await lab.sh('lvs2', `ipvsadm -e -t ${VIP}:80 -r 192.168.0.18:80 -g -w 1`);
    expect(await records()).toEqual({ lvs1: '', lvs2: '' });
    await heldBy('lvs1');
  });

  it.each(['stop', 'crash', 'isolate'] as const)('a drill: %s: the other takes over, and all is as before then', async (kind) => {
    await sound();
    const drilled = await report('failover', 'edge', '--drill', kind);
    expect(drilled).toMatchObject({ what: `drill ${kind}`, from: 'lvs1', to: 'lvs2', after: [{ vip: VIP, holders: ['lvs2'] }], mended: [{ vip: VIP, holders: ['lvs1'] }] });
    expect(drilled.measured?.clients[0]?.answered).toBeGreaterThan(0);
    expect(drilled.measured?.clients[0]?.held).toMatchObject({ opened: 20, alive: 20 });
    await heldBy('lvs1');
    expect(await changedBy(SITE, '-i', lab.overlay)).toEqual([]);
    await sound();
  });

  it('also where a higher priority alone moves nothing (preempt: false)', async () => {
    await must(lab.client('sed', '-i', 's/connection_sync: true/connection_sync: true\\n          preempt: false/', `${lab.overlay}/hosts.yml`));
    await runDocument('deploy', SITE, '-i', lab.overlay);
    const moved = await report('failover', 'edge', '--reason', 'test');
    expect(moved).toMatchObject({ from: 'lvs1', to: 'lvs2', after: [{ vip: VIP, holders: ['lvs2'] }] });
    expect(moved.measured?.clients[0]?.held).toMatchObject({ opened: 20, alive: 20 });
    expect(await changedBy(SITE, '-i', lab.overlay)).toEqual([]);
    const back = await report('failback', 'edge');
    expect(back).toMatchObject({ from: 'lvs2', to: 'lvs1', after: [{ vip: VIP, holders: ['lvs1'] }] });
    expect(await records()).toEqual({ lvs1: '', lvs2: '' });
    await sound();
  });
});
