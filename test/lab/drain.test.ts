import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deployedPair } from './deployed.ts';
import { interruptedAt } from './interrupted.ts';
import { SLOW_PAGE, whileHeld, whileLoaded } from './load.ts';
import { changedBy, eventually, lvsPlay, must, runDocument, scratch, type TestLab } from './support.ts';
import { SERVERS, serviceAway, weightyServers } from './three-servers.ts';

const VIP = '192.168.0.38';
const DIRECTORS = ['lvs1', 'lvs2'];
const WHOLE = { lvs1: 'rs1 8, drained 0', lvs2: 'rs1 8, drained 0' };
const OUT = { lvs1: 'rs1 0, drained 1', lvs2: 'rs1 0, drained 1' };

/** The rest of it, with every kill point, forwarding mode, scheduler and method: test/soak/maintain*.test.ts, drain-*.test.ts. */
describe('real servers that are taken out of a pair in DR', () => {
  let lab: TestLab;
  let files: Awaited<ReturnType<typeof scratch>>;

  beforeAll(async () => {
    files = await scratch({ 'hosts.yml': await weightyServers(), 'patch.yml': serviceAway() });
    lab = await deployedPair('drain', `${files.dir}/hosts.yml`);
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    await lab.shOn(SERVERS, SLOW_PAGE);
  });
  afterAll(async () => {
    await lab.down();
    await files.remove();
  });
  beforeEach(() => lab.held('lvs1', VIP));

  /** rs1's weight in each director's kernel, and how many drains it has a record of. */
  const state = async (): Promise<Record<string, string>> => {
    const shown = await lab.shOn(DIRECTORS, 'ipvsadm -Ln; echo drains $(ls /var/lib/lvs-play/drains 2>/dev/null | grep -c "json$")');
    return Object.fromEntries(Object.entries(shown).map(([director, text]) => [director, `rs1 ${/192\.168\.0\.18:80 +Route +(\d+)/.exec(text)?.[1] ?? 'gone'}, drained ${/drains (\d+)/.exec(text)?.[1] ?? '?'}`]));
  };
  const settled = (wanted: Record<string, string>): Promise<unknown> => eventually(state, (is) => JSON.stringify(is) === JSON.stringify(wanted));
  const own = (): Record<string, string> => ({ LVS_PLAY_JOURNAL: `${files.dir}/lvs-play/runs` });

  it('maintenance with a restart loses no request and cuts no download', async () => {
    const boot = await lab.sh('rs1', 'cat /proc/sys/kernel/random/boot_id');
    const { value, load } = await whileLoaded(lab, { vip: VIP, port: 80, least: 500, workers: 4, pause: 300, downloads: 2 }, () =>
      lvsPlay(['maintain', 'rs1', '-i', lab.overlay, '--playbook', `${files.dir}/patch.yml`, '--reboot', '--hold', '2s', '--reason', 'test']),
    );
    expect(value.code, value.stderr).toBe(0);
    console.log(`one of three, in DR: ${JSON.stringify(load)}`);
    expect(load.failures).toEqual({});
    expect(load.downloads).toMatchObject({ cut: 0, failures: [] });
    expect(load.sent).toBeGreaterThanOrEqual(500);
    expect(load.downloads.whole).toBeGreaterThan(0);
    expect(Object.keys(load.answers).sort()).toEqual(SERVERS);
    expect(await lab.sh('rs1', 'cat /proc/sys/kernel/random/boot_id')).not.toBe(boot);
    await settled(WHOLE);
  });

  it("is refused with the kernel's own conn_reuse_mode, which sends clients that use a port again to the drained server", async () => {
    await lab.shOn(DIRECTORS, 'sysctl -q -w net.ipv4.vs.conn_reuse_mode=1');
    const refused = await lvsPlay(['drain', 'rs1', '-i', lab.overlay]);
    await lab.shOn(DIRECTORS, 'sysctl -q -w net.ipv4.vs.conn_reuse_mode=3');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('conn_reuse_mode 1 and expire_nodest_conn 0 on lvs1');
    expect(await state()).toEqual(WHOLE);
  });

  it('killed while rs1 is out, maintenance goes on where it was, and meanwhile everybody is told whose drain it is', async () => {
    const killed = await interruptedAt(['maintain', 'rs1', '-i', lab.overlay, '--playbook', `${files.dir}/patch.yml`, '--hold', '2s', '--reason', 'test'], own(), 'PLAY [real_servers]', 'SIGKILL');
    expect(killed.code).toBeNull();
    expect(await state()).toEqual(OUT);
    const { drains } = JSON.parse((await lvsPlay(['status', '-i', lab.overlay, '--json'])).stdout) as { drains: { host: string; weight: string }[] };
    expect(drains).toEqual([expect.objectContaining({ host: 'rs1', weight: '0' })]);
    const resumed = await lvsPlay(['resume', 'last'], { env: own() });
    expect(resumed.code, resumed.stderr).toBe(0);
    await settled(WHOLE);
  });

  it('Ctrl-C gives back what was taken, and a drain that is over stays through a deploy until it is restored', async () => {
    const { value, ended } = await whileHeld(lab, VIP, 6, () => interruptedAt(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test'], own(), 'it does not get less', 'SIGINT'));
    expect(value.code, value.stderr).toBe(130);
    expect(ended).toBe(0);
    await settled(WHOLE);
    await must(lvsPlay(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test']));
    await settled(OUT);
    expect(await changedBy('playbooks/site.yml', '-i', lab.overlay)).toEqual([]);
    expect(await state()).toEqual(OUT);
    await must(lvsPlay(['restore', 'rs1', '-i', lab.overlay, '--hold', '1s']));
    await settled(WHOLE);
  });
});
