import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FailoverReport } from '../../src/failover/report.ts';
import { deployedPair } from './deployed.ts';
import { answerers, bothAnswer, overlap, whileCapturing, whileStreaming } from './stream.ts';
import { changedBy, eventually, lvsPlay, must, runDocument, type TestLab } from './support.ts';

const INVENTORY = 'inventories/dr-keepalived-pair/hosts.yml';
const SITE = 'playbooks/site.yml';
const VIP = '192.168.0.38';
const PAIR = ['lvs1', 'lvs2'];
const LVS1 = '192.168.0.48';
/** Connections outlive a failover, and health checks do not keep a test waiting. */
const SYNCHRONISED = [
  [`vips: [${VIP}]`, `vips: [${VIP}]\n          connection_sync: true`],
  ['check_interval: 6', 'check_interval: 2'],
  ['retry: 3, delay_before_retry: 3', 'retry: 1, delay_before_retry: 1'],
] as const;

interface Deployed {
  readonly pairs: readonly { readonly hosts: readonly string[]; readonly vips: readonly { readonly vip: string; readonly holders: readonly string[]; readonly nobody: number; readonly several: number }[] }[];
}

/** The rest of it, change by change and drill by drill: test/soak/pair-changes.test.ts, failover.test.ts, maintain-directors.test.ts. */
describe('a pair of directors, with requests flowing', () => {
  let lab: TestLab;
  let inventory: string;
  let lvs1: string;

  beforeAll(async () => {
    lab = await deployedPair('pair');
    inventory = await lab.edited(INVENTORY, ...SYNCHRONISED);
    await runDocument('deploy', SITE, '-i', inventory);
    lvs1 = (await lab.sh('lvs1', 'cat /sys/class/net/eth0/address')).trim();
  });
  afterAll(() => lab.down());
  beforeEach(() => lab.held('lvs1', VIP));

  /** Deploys a change of the inventory with requests flowing and a third host listening. */
  const watched = async (edit: readonly [string, string]): Promise<{ pairs: Deployed['pairs']; stream: Awaited<ReturnType<typeof whileStreaming>>['stream']; capture: Awaited<ReturnType<typeof whileCapturing>>['capture'] }> => {
    const edited = await lab.edited(INVENTORY, ...SYNCHRONISED, edit);
    const { value, capture } = await whileCapturing(lab, VIP, () => whileStreaming(lab, VIP, 500, async () => (await runDocument('deploy', SITE, '-i', edited)) as unknown as Deployed));
    return { pairs: value.value.pairs, stream: value.stream, capture };
  };

  it('a weight: one director after the other, BACKUP first, and no request is lost', async () => {
    const { pairs, stream, capture } = await watched(['rs1: { weight: 1 }', 'rs1: { weight: 3 }']);
    expect(pairs.map(({ hosts }) => hosts)).toEqual([['lvs2'], ['lvs1']]);
    expect(stream.failures).toEqual({});
    expect(stream.sent).toBeGreaterThanOrEqual(500);
    // lvs1 was MASTER all the while, and the run reports what the third host saw.
    expect([...new Set(capture.adverts.map(({ from }) => from))]).toEqual([LVS1]);
    expect(answerers(capture)).toEqual([lvs1]);
    for (const { vips } of pairs) expect(vips).toMatchObject([{ holders: ['lvs1'], nobody: 0, several: 0 }]);
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toContain('-r 192.168.0.18:80 -g -w 3');
  });

  it('a password: both at the same moment, and never two holders', async () => {
    const { pairs, capture } = await watched(['advert_int: 1', 'advert_int: 1\n          auth_pass: s3cr3t-1']);
    expect(pairs.map(({ hosts }) => [...hosts].sort())).toEqual([PAIR]);
    expect([overlap(capture), bothAnswer(capture)]).toEqual([0, 0]);
    expect(answerers(capture)).toEqual([lvs1]);
    expect(pairs.flatMap(({ vips }) => vips.map(({ several }) => several))).toEqual([0]);
  });

  describe('is moved', () => {
    const report = async (...args: string[]): Promise<FailoverReport> => JSON.parse((await must(lvsPlay([...args, '-i', inventory, '--json']))).stdout) as FailoverReport;
    const records = (): Promise<Record<string, string>> => lab.shOn(PAIR, 'cat /var/lib/lvs-play/failovers/*.json 2>/dev/null; :');
    const problems = async (): Promise<string[]> => (JSON.parse((await lvsPlay(['status', '-i', inventory, '--json'])).stdout) as { problems: string[] }).problems;

    beforeAll(async () => {
      await runDocument('deploy', SITE, '-i', inventory);
      // Connections are held as long as a failover takes on a busy machine.
      await lab.shOn(['rs1', 'rs2'], "echo 'keepalive_timeout 600;' >/etc/nginx/conf.d/held.conf; systemctl reload nginx");
      await eventually(problems, (found) => found.length === 0);
    });

    it('to the other director: every connection lives, and a deploy leaves it there', async () => {
      const moved = await report('failover', 'edge', '--reason', 'test', '--until', '2h');
      expect(moved).toMatchObject({ what: 'failover', from: 'lvs1', to: 'lvs2', moved: true, before: [{ vip: VIP, holders: ['lvs1'] }], after: [{ vip: VIP, holders: ['lvs2'] }] });
      expect(moved.measured?.clients[0]?.held).toEqual({ opened: 20, alive: 20, faults: {} });
      expect(moved.measured?.clients[0]?.answered).toBeGreaterThan(0);
      expect(moved.sync).toMatchObject({ holder: 'lvs1', target: 'lvs2', known: moved.sync?.established });
      expect(await changedBy(SITE, '-i', inventory)).toEqual([]);
      expect((await must(lvsPlay(['status', '-i', inventory]))).stdout).toMatch(/^edge fails over to lvs2 by \S+: test; since .*, on lvs1, lvs2$/m);
      expect((await must(lvsPlay(['status', '-i', inventory, '--metrics']))).stdout).toMatch(/^lvs_failed_over\{pair="edge",director="lvs2".*\} 1$/m);
      const back = await report('failback', 'edge');
      expect(back).toMatchObject({ what: 'failback', from: 'lvs2', to: 'lvs1', moved: true, after: [{ vip: VIP, holders: ['lvs1'] }] });
      expect(back.measured?.clients[0]?.held).toEqual({ opened: 20, alive: 20, faults: {} });
      expect(await records()).toEqual({ lvs1: '', lvs2: '' });
    });

    it('is not moved to a director that could not take over', async () => {
      await lab.sh('lvs2', 'systemctl stop keepalived');
      const refused = await lvsPlay(['failover', 'edge', '-i', inventory]);
      await lab.sh('lvs2', 'systemctl start keepalived');
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/keepalived on lvs2 is inactive .*\(target-not-ready\)/);
      expect(await records()).toEqual({ lvs1: '', lvs2: '' });
    });
  });
});
