import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SLOW_PAGE, whileLoaded, type LoadPlan, type LoadResult } from '../lab/load.ts';
import { eventually, lvsPlay, must, runDocument, scratch, TestLab, type CliResult } from '../lab/support.ts';
import { SERVERS, serviceAway, threeServers } from '../lab/three-servers.ts';

const VIP = '192.168.0.38';
/** As fast as requests are answered: several hundred a second. */
const LOAD: LoadPlan = { vip: VIP, port: 80, least: 1000, workers: 8, downloads: 20 };
/** Where that is not the question: other labs are on this machine too. */
const STEADY: LoadPlan = { ...LOAD, pause: 20 };

/** A moment in which it does not serve. */
const PATCH = serviceAway('{ command: { cmd: sleep 3 }, changed_when: false }');

/** The same as operators do it without draining: one after the other. */
const PLAIN = PATCH.replace('gather_facts: false', 'gather_facts: false\n  serial: 1');

describe('maintenance of three real servers in DR, with a load that uses its ports again', () => {
  let lab: TestLab;
  let files: Awaited<ReturnType<typeof scratch>>;

  beforeAll(async () => {
    files = await scratch({ 'hosts.yml': await threeServers('inventories/dr-keepalived-pair/hosts.yml'), 'patch.yml': PATCH, 'plain.yml': PLAIN });
    lab = await TestLab.installed('maintain', `${files.dir}/hosts.yml`);
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    await lab.shOn(SERVERS, SLOW_PAGE);
    await lab.held('lvs1', VIP);
  });
  afterAll(async () => {
    await lab.down();
    await files.remove();
  });

  const maintain = (...args: string[]): Promise<CliResult> => lvsPlay(['maintain', 'real_servers', '-i', lab.overlay, '--playbook', `${files.dir}/patch.yml`, '--reason', 'test', ...args]);

  const lost = ({ failures, downloads }: LoadResult): number => Object.values(failures).reduce((sum, count) => sum + count, 0) + downloads.cut;

  it('loses no request and cuts no download, with a restart of each', async () => {
    const boots = await lab.shOn(SERVERS, 'cat /proc/sys/kernel/random/boot_id');
    const { value, load } = await whileLoaded(lab, { ...LOAD, least: 100_000 }, () => maintain('--reboot'));
    expect(value.code, value.stderr).toBe(0);
    console.log(`DR: ${JSON.stringify(load)}`);
    expect(load.failures).toEqual({});
    expect(load.downloads).toMatchObject({ cut: 0, failures: [] });
    expect(load.sent).toBeGreaterThanOrEqual(100_000);
    expect(load.downloads.whole).toBeGreaterThanOrEqual(60);
    // The load did what it is for, and everybody had a share of it.
    expect(load.reused).toBeGreaterThan(500);
    expect(Object.keys(load.answers).sort()).toEqual(SERVERS);
    const after = await lab.shOn(SERVERS, 'cat /proc/sys/kernel/random/boot_id');
    for (const host of SERVERS) expect(after[host]).not.toBe(boots[host]);
    // Nothing is left behind.
    expect(await lab.shOn(['lvs1', 'lvs2'], 'ls /var/lib/lvs-play/drains; ipvsadm -Ln | grep -c "Route   1 "')).toEqual({ lvs1: '3\n', lvs2: '3\n' });
  });

  it("is refused with the kernel's own conn_reuse_mode, and loses requests where that is overruled", async () => {
    await lab.shOn(['lvs1', 'lvs2'], 'sysctl -q -w net.ipv4.vs.conn_reuse_mode=1');
    try {
      const refused = await maintain();
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('conn_reuse_mode 1 and expire_nodest_conn 0 on lvs1');
      // One of them tells.
      const { value, load } = await whileLoaded(lab, { ...STEADY, downloads: 0 }, () => lvsPlay(['maintain', 'rs1', '-i', lab.overlay, '--playbook', `${files.dir}/patch.yml`, '--allow', 'port-reuse', '--reason', 'test']));
      expect(value.code, value.stderr).toBe(0);
      console.log(`DR, kernel defaults: ${JSON.stringify(load)}`);
      expect(lost(load)).toBeGreaterThan(0);
    } finally {
      await lab.shOn(['lvs1', 'lvs2'], 'sysctl -q -w net.ipv4.vs.conn_reuse_mode=3');
    }
  });

  it('is what a plain playbook with serial: 1 is not', async () => {
    const { value, load } = await whileLoaded(lab, STEADY, () => lvsPlay(['deploy', `${files.dir}/plain.yml`, '-i', lab.overlay]));
    expect(value.code, value.stderr).toBe(0);
    console.log(`DR, not drained: ${JSON.stringify(load)}`);
    expect(lost(load)).toBeGreaterThan(0);
    await must(lvsPlay(['verify', '-i', lab.overlay, '--settle', '60']));
  });

  /** Deploys the cluster with another service, and puts the first one back. */
  const withService = async (edit: readonly [string, string], work: (inventory: string) => Promise<void>): Promise<void> => {
    const inventory = await lab.inventory(await threeServers('inventories/dr-keepalived-pair/hosts.yml', edit));
    await runDocument('deploy', 'playbooks/site.yml', '-i', inventory, '--allow', 'all-services', '--reason', 'test');
    try {
      await work(inventory);
    } finally {
      await runDocument('deploy', 'playbooks/site.yml', '-i', lab.overlay, '--allow', 'all-services', '--reason', 'test');
    }
  };

  const maintainWith = (inventory: string, ...args: string[]): Promise<CliResult> => lvsPlay(['maintain', 'real_servers', '-i', inventory, '--playbook', `${files.dir}/patch.yml`, '--reason', 'test', ...args]);

  /** Clients of several addresses. */
  const withClients = async (work: (sources: readonly string[]) => Promise<void>): Promise<void> => {
    const sources = ['192.168.0.201', '192.168.0.202', '192.168.0.203', '192.168.0.204', '192.168.0.205', '192.168.0.206', '192.168.0.207', '192.168.0.208'];
    const [, device = ''] = / dev (\S+)/.exec((await lab.client('ip', 'route', 'get', VIP)).stdout) ?? [];
    for (const source of sources) await must(lab.client('ip', 'addr', 'add', `${source}/24`, 'dev', device));
    try {
      await work(sources);
    } finally {
      for (const source of sources) await must(lab.client('ip', 'addr', 'del', `${source}/24`, 'dev', device));
    }
  };

  it.each([
    ['persistence', ['scheduler: rr', 'scheduler: rr\n          persistence: 120']],
    ['sh with its fallback', ['scheduler: rr', 'scheduler: sh\n          scheduler_flags: [sh-fallback]']],
  ] as const)('loses nothing with %s', async (name, edit) => {
    await withService(edit, (inventory) =>
      withClients(async (sources) => {
        const { value, load } = await whileLoaded(lab, { ...STEADY, sources }, () => maintainWith(inventory));
        expect(value.code, value.stderr).toBe(0);
        console.log(`DR, ${name}: ${JSON.stringify(load)}`);
        expect(load.failures).toEqual({});
        expect(load.downloads).toMatchObject({ cut: 0, failures: [] });
        expect(load.sent).toBeGreaterThan(1000);
      }),
    );
  });

  it('is refused with sh alone', async () => {
    await withService(['scheduler: rr', 'scheduler: sh'], async (inventory) => {
      const refused = await maintainWith(inventory);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('add sh-fallback to its scheduler_flags and deploy');
    });
  });

  it('is refused with one real server down already, and goes on safely where that is meant', async () => {
    await lab.sh('rs3', 'systemctl stop nginx');
    await eventually(() => lab.shOn(['lvs1', 'lvs2'], 'ipvsadm -Ln'), ({ lvs1 = '', lvs2 = '' }) => ![lvs1, lvs2].some((table) => table.includes('192.168.0.29')));
    try {
      const refused = await lvsPlay(['maintain', 'rs1', '-i', lab.overlay, '--playbook', `${files.dir}/patch.yml`]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('rs3 is out already');
      const { value, load } = await whileLoaded(lab, STEADY, () => lvsPlay(['maintain', 'rs1', '-i', lab.overlay, '--playbook', `${files.dir}/patch.yml`, '--allow', 'degraded', '--allow', 'removed-share', '--reason', 'test']));
      expect(value.code, value.stderr).toBe(0);
      expect(load.failures).toEqual({});
      expect(load.downloads).toMatchObject({ cut: 0, failures: [] });
    } finally {
      await lab.sh('rs3', 'systemctl start nginx');
    }
  });
});
