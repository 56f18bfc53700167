import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SLOW_PAGE, whileHeld, whileLoaded } from '../lab/load.ts';
import { eventually, lvsPlay, must, runDocument, scratch, startLvsPlay, TestLab, type CliResult } from '../lab/support.ts';

const VIP = '192.168.0.38';
const PAIR = ['lvs1', 'lvs2'];
/** Connections that are open all the while. */
const HELD = 20;

const PATCH = `- hosts: directors
  become: true
  gather_facts: false
  tasks:
    - copy: { dest: /etc/patched, content: "yes" }
`;

describe('maintenance of both directors of a pair with connection synchronisation', () => {
  let lab: TestLab;
  let files: Awaited<ReturnType<typeof scratch>>;

  beforeAll(async () => {
    files = await scratch({ 'patch.yml': PATCH });
    lab = await TestLab.installed('maintain-directors', 'inventories/dr-keepalived-pair/hosts.yml');
    const synchronised = await lab.edited('inventories/dr-keepalived-pair/hosts.yml', ['vips: [192.168.0.38]', 'vips: [192.168.0.38]\n          connection_sync: true'], ['check_interval: 6', 'check_interval: 2']);
    await must(lab.client('cp', `${synchronised}/hosts.yml`, `${lab.overlay}/hosts.yml`));
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    await lab.shOn(['rs1', 'rs2'], SLOW_PAGE);
  });
  afterAll(async () => {
    await lab.down();
    await files.remove();
  });
  beforeEach(() => lab.held('lvs1', VIP));

  const boots = (): Promise<Record<string, string>> => lab.shOn(PAIR, 'cat /proc/sys/kernel/random/boot_id');
  /** Failovers that a director has a record of. */
  const records = (): Promise<Record<string, string>> => lab.shOn(PAIR, 'ls /var/lib/lvs-play/failovers 2>/dev/null || :');
  const NONE = { lvs1: '', lvs2: '' };
  const maintain = (...args: string[]): Promise<CliResult> => lvsPlay(['maintain', 'directors', '-i', lab.overlay, '--reboot', '--reason', 'test', ...args]);
  /** A journal of its own: `last` is nobody else's. */
  const own = (): Record<string, string> => ({ LVS_PLAY_JOURNAL: `${files.dir}/lvs-play/runs` });

  it('cuts no connection, BACKUP first, each rebooted, and the virtual IP is where it was', async () => {
    const before = await boots();
    const { value, ended } = await whileHeld(lab, VIP, HELD, () => whileLoaded(lab, { vip: VIP, port: 80, least: 1000, workers: 8, pause: 10, downloads: 0 }, () => maintain('--playbook', `${files.dir}/patch.yml`)), '/steady');
    const { value: done, load } = value;
    expect(done.code, done.stderr).toBe(0);
    console.log(`both directors rebooted: ${JSON.stringify({ ended, ...load })}`);
    console.log(done.stderr.split('\n').filter((line) => /192\.168\.0\.38|web:|knows|edge/.test(line)).join('\n'));
    // Those that were open lived through both reboots and two failovers.
    expect(ended).toBe(0);
    // New ones: what is under way in the very moment of a failover is in nobody's table yet.
    const failed = Object.values(load.failures).reduce((sum, count) => sum + count, 0);
    expect(failed).toBeLessThanOrEqual(load.sent / 200);
    const after = await boots();
    for (const host of PAIR) expect(after[host], host).not.toBe(before[host]);
    expect(done.stderr.indexOf('lvs2: maintenance begins')).toBeLessThan(done.stderr.indexOf('lvs1: maintenance begins'));
    expect(done.stderr).toMatch(/lvs2 knows (\d+) of \1 established connections/);
    expect(await lab.shOn(PAIR, 'cat /etc/patched')).toEqual({ lvs1: 'yes', lvs2: 'yes' });
    await lab.held('lvs1', VIP);
    expect(await records()).toEqual(NONE);
    await must(lvsPlay(['verify', '-i', lab.overlay, '--settle', '60']));
  });

  it('is refused while the other one could not take over, before anything is done', async () => {
    await lab.sh('lvs2', 'systemctl stop keepalived');
    try {
      const refused = await lvsPlay(['maintain', 'lvs1', '-i', lab.overlay, '--reboot']);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('keepalived on lvs2 is inactive (dead)');
    } finally {
      await lab.sh('lvs2', 'systemctl start keepalived');
    }
    expect(await records()).toEqual(NONE);
    await must(lvsPlay(['verify', '-i', lab.overlay, '--settle', '60']));
  });

  it('work that fails leaves the virtual IP with who is well, or gives it back', async () => {
    const failing = await scratch({ 'fails.yml': PATCH.replace('copy: { dest: /etc/patched, content: "yes" }', 'command: { cmd: "false" }') });
    try {
      const stopped = await lvsPlay(['maintain', 'lvs1', '-i', lab.overlay, '--playbook', `${failing.dir}/fails.yml`, '--reason', 'test']);
      expect(stopped.code).toBe(8);
      expect(stopped.stderr).toContain('the work on lvs1 failed');
    } finally {
      await failing.remove();
    }
    // lvs1 itself is well.
    await lab.held('lvs1', VIP);
    expect(await records()).toEqual(NONE);
  });

  it('killed in the middle of a reboot it goes on, and meanwhile status says why the virtual IP is elsewhere', async () => {
    const args = ['maintain', 'lvs1', '-i', lab.overlay, '--reboot', '--reason', 'test'];
    let killed = false;
    const run = startLvsPlay(args, {
      env: own(),
      onStderr: (soFar) => {
        if (killed || !soFar.includes('PLAY [Restart]')) return;
        killed = true;
        void eventually(() => lab.trySh('lvs1', 'true'), (answer) => answer === undefined).finally(() => { run.kill('SIGKILL'); });
      },
    });
    expect((await run.result).code).toBeNull();
    await lab.held('lvs2', VIP);
    const status = JSON.parse((await lvsPlay(['status', '-i', lab.overlay, '-l', 'lvs2', '--json'])).stdout) as { failovers: unknown[] };
    expect(status.failovers).toEqual([expect.objectContaining({ pair: 'edge', to: 'lvs2', reason: 'maintenance of lvs1: test' })]);
    const resumed = await lvsPlay(['resume', 'last'], { env: own() });
    expect(resumed.code, resumed.stderr).toBe(0);
    await lab.held('lvs1', VIP);
    expect(await records()).toEqual(NONE);
  });
});
