import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findRun } from '../../src/journal/read.ts';
import { type CliResult, eventually, lvsPlay, must, scratch, startLvsPlay, TestLab, wholeState } from '../lab/support.ts';

const INVENTORY = 'inventories/dr-keepalived-pair/hosts.yml';
const VIP = '192.168.0.38';
const HOSTS = ['lvs1', 'lvs2', 'rs1', 'rs2'] as const;
const DIRECTORS = `- hosts: lvs_directors\n  gather_facts: false\n  become: true\n  order: backup_first\n  serial: 1\n  tasks: [{ keepalived: {} }]\n`;

/** Something of every kind that the example has: files old and new, a directory, kernel parameters, a service of ours in the kernel, what the pair runs. */
const CHANGE = `- hosts: all
  gather_facts: false
  become: true
  tasks:
    - file: { path: /etc/change, state: directory, mode: "0750" }
    - copy: { dest: /etc/change/new, content: "{{ mark }}\\n", mode: "0640" }
    - copy: { dest: /etc/issue.net, content: "{{ mark }}\\n" }
    - sysctl: { name: net.ipv4.conf.eth0.log_martians, value: 1 }
- hosts: lvs1
  gather_facts: false
  become: true
  tasks:
    - ipvs: { service: "10.9.9.9:99", scheduler: rr, real_servers: [{ server: 10.0.0.1, weight: 2 }] }
${DIRECTORS}`;

/** Every host takes the way to its controller from itself. */
const CUT = `- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n    - name: cut off\n      command: ip route add blackhole {{ controller }}/32\n`;
const WAIT = "- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n    - name: wait\n      command: sleep 3600\n";
/** Nobody serves any more, and no task notices. */
const SILENCE = '- hosts: lvs_real_servers\n  gather_facts: false\n  become: true\n  tasks: [{ service: { name: nginx, state: stopped, enabled: false } }]\n';

describe("the dead man's switch, and rollback", () => {
  let lab: TestLab;
  let files: Awaited<ReturnType<typeof scratch>>;
  let env: Record<string, string>;
  let untouched: Record<string, string>;
  let heavier: string;
  let controller: string;
  /** Seconds: enough for a run to come to its end on this machine as it is now, and no more, as tests wait for it. */
  let limit = 0;

  beforeAll(async () => {
    lab = await TestLab.up('undo', INVENTORY);
    files = await scratch({ 'mark.yml': '- hosts: all\n  gather_facts: false\n  become: true\n  tasks: [{ copy: { dest: "/etc/{{ mark }}", content: "kept\\n" } }]\n', 'change.yml': CHANGE, 'cut.yml': CHANGE + CUT, 'wait.yml': CHANGE + WAIT, 'silence.yml': CHANGE + SILENCE });
    env = { XDG_STATE_HOME: await mkdtemp(path.join(os.tmpdir(), 'lvs-play-test-')) };
    untouched = await wholeState(lab, HOSTS);
    await must(run('deploy', 'playbooks/demo.yml', '-i', lab.overlay));
    heavier = await lab.edited(INVENTORY, ['rs1: { weight: 1 }', 'rs1: { weight: 3 }']);
    controller = (await lab.sh('rs1', 'echo "${SSH_CLIENT%% *}"')).trim();
    await lab.held('lvs1', VIP);
  });
  afterAll(async () => {
    await lab.down();
    await files.remove();
    await rm(env['XDG_STATE_HOME'] ?? '', { recursive: true, force: true });
  });

  const run = (...args: string[]): Promise<CliResult> => lvsPlay(args, { env });
  /** Id of the last run with an inventory. */
  const lastRun = async (inventory: string): Promise<string> => (await findRun(path.join(env['XDG_STATE_HOME'] ?? '', 'lvs-play', 'runs'), 'last', [inventory])).header.id;
  const changeArgs = (name: string, seconds: number): string[] => ['deploy', path.join(files.dir, name), '-i', heavier, '-e', `mark=${name}`, '-e', `controller=${controller}`, '--confirm-within', `${String(seconds)}s`];
  const guards = async (): Promise<string[]> => Promise.all(HOSTS.map((host) => lab.sh(host, 'ls /etc/systemd/system | grep lvs-play-guard || :')));
  const ids = async (): Promise<string[]> => (JSON.parse((await must(run('history', '--json'))).stdout) as { runs: { id: string }[] }).runs.map(({ id }) => id);

  const clocks = (): Promise<number[]> => Promise.all(HOSTS.map(async (host) => Number(await lab.sh(host, 'date +%s'))));

  /** What hosts say of their restore. Within the limit, counted from the run's begin, and as long as saving and restoring themselves take. */
  async function expectRestored(by: string, begun: readonly number[], seconds: number): Promise<void> {
    const [id = ''] = await ids();
    for (const [index, host] of HOSTS.entries()) {
      const [result, who, at, problems] = (await lab.sh(host, `cat /var/lib/lvs-play/runs/${id}/restored`)).trim().split(' ');
      expect({ result, who, problems }, host).toEqual({ result: 'restored', who: by, problems: '0' });
      expect(Number(at) - (begun[index] ?? 0), host).toBeLessThan(seconds + 180);
    }
  }

  /** The state of all hosts, as soon as it is that again; else what is different. */
  async function comesBack(before: Readonly<Record<string, string>>): Promise<void> {
    for (const host of HOSTS) await eventually(() => lab.trySh(host, 'ls /var/lib/lvs-play/runs/*/armed 2>/dev/null || :'), (armed) => armed === '', 3);
    await lab.held('lvs1', VIP);
    expect(await wholeState(lab, HOSTS)).toEqual(before);
    expect(await guards()).toEqual(['', '', '', '']);
    expect(new Set(await eventually(() => lab.answers(VIP, 4), (names) => !names.includes('')))).toEqual(new Set(['rs1', 'rs2']));
  }

  it('a run that proved its service keeps what it did, and so does one that somebody confirmed', async () => {
    const begun = performance.now();
    const kept = await must(run('deploy', path.join(files.dir, 'mark.yml'), '-i', lab.overlay, '-e', 'mark=proved', '--confirm-within', '10m'));
    limit = Math.max(45, Math.ceil((performance.now() - begun) / 400));
    expect(kept.stderr).toContain('confirmed on');
    expect(await guards()).toEqual(['', '', '', '']);
    const open = await must(run('deploy', path.join(files.dir, 'mark.yml'), '-i', lab.overlay, '-e', 'mark=confirmed', '--confirm-within', '10m', '--confirm-by-hand'));
    expect(open.stderr).toMatch(/to be confirmed by hand: lvs-play confirm \S+, within 600 s/);
    expect((await guards()).every((units) => units.includes('.service'))).toBe(true);
    const [id = ''] = await ids();
    expect((await must(run('confirm', id, '-i', lab.overlay))).stdout.trim().split('\n')).toEqual(HOSTS.map((host) => `${host} was confirmed`));
    expect(await guards()).toEqual(['', '', '', '']);
  });

  it('(a) the change itself cuts the controller off', async () => {
    const before = await wholeState(lab, HOSTS);
    const begun = await clocks();
    const cut = await run(...changeArgs('cut.yml', limit));
    expect(cut.code, cut.stderr).not.toBe(0);
    // Depending on what is sooner: the end of the connection's patience, or the host's. On a busy machine all may be back when the run asks them; by whom is told below.
    expect(cut.stderr).toMatch(/each restores itself when the timeout expires|the time was up before|every host is as it was before/);
    await comesBack(before);
    await expectRestored('guard', begun, limit);
  });

  it('(b) the controller is killed', async () => {
    const before = await wholeState(lab, HOSTS);
    const begun = await clocks();
    let waiting = 0;
    const killed = startLvsPlay([...changeArgs('wait.yml', limit), '--events', '-'], {
      env,
      onEvent: (event) => {
        if (event.type === 'task-started' && event.task?.name === 'wait' && ++waiting === HOSTS.length) killed.kill('SIGKILL');
      },
    });
    expect((await killed.result).code).toBeNull();
    expect(waiting).toBe(HOSTS.length);
    expect(await wholeState(lab, HOSTS)).not.toEqual(before);
    await comesBack(before);
    await expectRestored('guard', begun, limit);
  });

  it('(c) the verification fails: at once, long before the time is up', async () => {
    const before = await wholeState(lab, HOSTS);
    const begun = await clocks();
    const failed = await run(...changeArgs('silence.yml', 3600));
    expect(failed.code, failed.stderr).toBe(8);
    expect(failed.stderr).toMatch(/verification failed: .*every host is as it was before/);
    await comesBack(before);
    // The limit is an hour.
    await expectRestored('revert', begun, 120);
  });

  it('(d) nodes reboot while they are armed', async () => {
    const before = await wholeState(lab, HOSTS);
    const begun = await clocks();
    await must(run(...changeArgs('change.yml', limit + 15), '--confirm-by-hand'));
    await Promise.all([lab.fault('reboot', 'lvs1'), lab.fault('reboot', 'rs1')]);
    await comesBack(before);
    await expectRestored('guard', begun, limit + 15);
  });

  it('what was confirmed is still there', async () => {
    for (const host of HOSTS) expect(await lab.sh(host, 'cat /etc/proved /etc/confirmed'), host).toBe('kept\nkept\n');
  });

  it('a rollback of virtual IPs happens on both directors at the same moment, watched', async () => {
    const before = await wholeState(lab, HOSTS);
    const edited = await lab.edited(INVENTORY, ['vips: [192.168.0.38]', 'vips: [192.168.0.38, 192.168.0.39]']);
    await must(run('deploy', 'playbooks/site.yml', '-i', edited));
    await lab.held('lvs1', '192.168.0.39');
    // Of the inventory that is right: the pair's other address is nobody's to watch.
    const { pairs } = JSON.parse((await must(run('rollback', await lastRun(edited), '-i', lab.overlay, '--json'))).stdout) as { pairs: { hosts: string[]; vips: { vip: string; several: number }[] }[] };
    expect(pairs).toMatchObject([{ hosts: expect.arrayContaining(['lvs1', 'lvs2']) as unknown, vips: [{ vip: VIP, several: 0 }] }]);
    await lab.held('lvs1', VIP);
    expect(await wholeState(lab, HOSTS)).toEqual(before);
    // And once more, the other way.
    await must(run('rollback', 'last', '-i', lab.overlay));
    await lab.held('lvs1', '192.168.0.39');
  });

  it('the first run is taken back, and with it what came later: bare hosts', async () => {
    for (const name of ['proved', 'confirmed']) await Promise.all(HOSTS.map((host) => lab.sh(host, `rm /etc/${name}`)));
    await lab.rollBack('first', env);
    expect(await wholeState(lab, HOSTS)).toEqual(untouched);
  });
});
