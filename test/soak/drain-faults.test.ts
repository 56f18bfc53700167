import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { interruptedAt } from '../lab/interrupted.ts';
import { SLOW_PAGE, whileHeld } from '../lab/load.ts';
import { eventually, lvsPlay, must, runDocument, scratch, startLvsPlay, TestLab, type CliResult } from '../lab/support.ts';
import { SERVERS, weightyServers, workOn } from '../lab/three-servers.ts';

const VIP = '192.168.0.38';
const DIRECTORS = ['lvs1', 'lvs2'];
/** Enough that rr gives some to each real server. */
const HELD = 6;

const PATCH = workOn('service: { name: nginx, state: restarted }');

describe('drains that something happens to', () => {
  let lab: TestLab;
  let files: Awaited<ReturnType<typeof scratch>>;

  beforeAll(async () => {
    files = await scratch({ 'hosts.yml': await weightyServers(), 'patch.yml': PATCH });
    lab = await TestLab.installed('drain-faults', `${files.dir}/hosts.yml`);
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    await lab.shOn(SERVERS, SLOW_PAGE);
  });
  afterAll(async () => {
    await lab.down();
    await files.remove();
  });
  beforeEach(() => lab.held('lvs1', VIP));

  /** Weights in each director's kernel, and who is drained by its records: `rs1 8, rs2 8, rs3 8`. */
  const state = async (directors = DIRECTORS): Promise<Record<string, string>> => {
    const shown = await lab.shOn(directors, "ipvsadm -Ln | awk '$1 == \"->\" && $3 == \"Route\" { print $2, $4 }'; for file in /var/lib/lvs-play/drains/*.json; do if [ -f \"$file\" ]; then cat \"$file\"; fi; done");
    return Object.fromEntries(
      Object.entries(shown).map(([director, text]) => {
        const weights = [['rs1', '18'], ['rs2', '28'], ['rs3', '29']].map(([host = '', last = '']) => `${host} ${new RegExp(`^192\\.168\\.0\\.${last}:80 (\\d+)$`, 'm').exec(text)?.[1] ?? 'gone'}`);
        const drains = [...text.matchAll(/^\{.*$/gm)].map(([line]) => JSON.parse(line) as { host: string; weight: string; by: string; reason: string });
        // Whoever it is, says so.
        for (const record of drains) expect(record).toMatchObject({ by: expect.stringMatching(/.@./) as string, reason: 'test' });
        return [director, [...weights, ...drains.map(({ host, weight }) => `${host} drained ${weight}`)].join(', ')];
      }),
    );
  };
  const WHOLE = { lvs1: 'rs1 8, rs2 8, rs3 8', lvs2: 'rs1 8, rs2 8, rs3 8' };
  const OUT = { lvs1: 'rs1 0, rs2 8, rs3 8, rs1 drained 0', lvs2: 'rs1 0, rs2 8, rs3 8, rs1 drained 0' };
  const settled = (wanted: Record<string, string>): Promise<unknown> => eventually(() => state(), (is) => JSON.stringify(is) === JSON.stringify(wanted));

  /** A journal of its own: `last` is nobody else's. */
  const own = (): Record<string, string> => ({ LVS_PLAY_JOURNAL: `${files.dir}/lvs-play/runs` });

  /** Does something to a run as soon as it says something. @param until what is waited for in between */
  const at = (args: readonly string[], text: string, signal: NodeJS.Signals, until?: () => Promise<unknown>): Promise<CliResult> => interruptedAt(args, own(), text, signal, until);

  /** What `status` says of rs1: whose drain it is, or what is amiss. */
  const told = async (): Promise<string[]> => {
    const { stdout, stderr } = await lvsPlay(['status', '-i', lab.overlay, '--json']);
    if (stdout === '') throw new Error(stderr);
    const { drains, problems } = JSON.parse(stdout) as { drains: { host: string; weight: string }[]; problems: string[] };
    return [...drains.map(({ host, weight }) => `${host} at ${weight}`), ...problems];
  };

  it('a maintenance killed while it drains, waits, works, restarts or gives back goes on where it was, and nothing is drained without a word', async () => {
    const args = ['maintain', 'rs1', '-i', lab.overlay, '--playbook', `${files.dir}/patch.yml`, '--reboot', '--hold', '2s', '--reason', 'test'];
    const begun = await at(args, 'rs1: maintenance begins', 'SIGKILL');
    expect(begun.code).toBeNull();
    const restarting = (): Promise<unknown> => eventually(() => lab.trySh('rs1', 'true'), (answer) => answer === undefined);
    const states: readonly (readonly [text: string, until?: () => Promise<unknown>])[] = [
      ...['PLAY [No new clients for rs1]', 'changed: [lvs2] Note it', 'changed: [lvs2] Tables that keepalived fills', 'rs1: 0 connections', 'PLAY [real_servers]'].map((text) => [text] as const),
      ['PLAY [Restart]', restarting],
      ...['PLAY [Weight 1 for rs1]', 'changed: [lvs2] Note it', 'PLAY [The whole weight for rs1]', 'changed: [lvs1] Note it'].map((text) => [text] as const),
    ];
    for (const [text, until] of states) {
      const killed = await at(['resume', 'last'], text, 'SIGKILL', until);
      expect([text, killed.code]).toEqual([text, null]);
      // What is out is rs1 alone, and where a kernel gives it less than its weight, it is said whose doing that is.
      const is = await state();
      for (const director of DIRECTORS) expect([text, director, is[director]]).toEqual([text, director, expect.stringMatching(/^rs1 (?:\d+|gone), rs2 8, rs3 8/)]);
      const less = DIRECTORS.filter((director) => !/^rs1 (?:8|gone)/.test(is[director] ?? ''));
      if (less.length > 0) expect([text, is, await told()]).toEqual([text, is, expect.arrayContaining([expect.stringMatching(/rs1/)])]);
      // Only where it is being given back may its record be gone before its weight is there.
      if (!text.includes('[lvs1]')) for (const director of less) expect([text, director, is[director]]).toEqual([text, director, expect.stringContaining('rs1 drained')]);
    }
    const ended = await lvsPlay(['resume', 'last'], { env: own() });
    expect(ended.code, ended.stderr).toBe(0);
    await settled(WHOLE);
    // It is over.
    expect((await lvsPlay(['resume', 'last'], { env: own() })).stderr).toContain('is done');
  });

  it('Ctrl-C gives back what was taken', async () => {
    const { value, ended } = await whileHeld(lab, VIP, HELD, () => at(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test'], 'it does not get less', 'SIGINT'));
    expect(value.code, value.stderr).toBe(130);
    expect(ended).toBe(0);
    await settled(WHOLE);
  });

  it('a real server that never empties: given back, or kept as asked', async () => {
    const { ended } = await whileHeld(lab, VIP, HELD, async () => {
      const aborted = await lvsPlay(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test', '--timeout', '5s']);
      expect(aborted.code).toBe(8);
      expect(aborted.stderr).toMatch(/not empty after 5 s: rs1: \d connection/);
      expect(aborted.stderr).toMatch(/the oldest is 192\.168\.0\.\d+:\d+ on rs1, seen for \d+ s/);
      await settled(WHOLE);
      const forced = await lvsPlay(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test', '--timeout', '5s', '--on-timeout', 'force']);
      expect(forced.code, forced.stderr).toBe(0);
      expect(forced.stdout).toMatch(/rs1 is drained after \d+ s, with \d connections? left/);
      await settled(OUT);
    });
    // Neither has cut one.
    expect(ended).toBe(0);
    await must(lvsPlay(['restore', 'rs1', '-i', lab.overlay, '--hold', '2s']));
    await settled(WHOLE);
  });

  it('a drain outlives keepalived, a failover and a deploy', async () => {
    const { value } = await whileHeld(lab, VIP, HELD, async () => {
      let restarted: Promise<unknown> | undefined;
      const drain = startLvsPlay(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test', '--timeout', '60s', '--on-timeout', 'force'], {
        // In the middle of it.
        onStderr: (soFar) => { if (soFar.includes('it does not get less')) restarted ??= lab.sh('lvs2', 'systemctl restart keepalived').then(() => lab.sh('lvs1', 'systemctl restart keepalived')); },
      });
      const result = await drain.result;
      await restarted;
      return result;
    });
    expect(value.code, value.stderr).toBe(0);
    await settled(OUT);
    await runDocument('deploy', 'playbooks/site.yml', '-i', lab.overlay);
    await settled(OUT);
    await lab.fault('crash', 'lvs1');
    await lab.held('lvs2', VIP);
    expect((await state(['lvs2']))['lvs2']).toBe(OUT.lvs2);
    await lab.fault('boot', 'lvs1');
    await lab.held('lvs1', VIP);
    await settled(OUT);
    await must(lvsPlay(['restore', 'rs1', '-i', lab.overlay, '--hold', '2s']));
    await settled(WHOLE);
  });

  it('a director that dies meanwhile keeps its record, and a restore ends it', async () => {
    await whileHeld(lab, VIP, HELD, async () => {
      let crashed: Promise<unknown> | undefined;
      const drain = startLvsPlay(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test', '--timeout', '45s'], { onStderr: (soFar) => { if (soFar.includes('it does not get less')) crashed ??= lab.fault('crash', 'lvs1'); } });
      const result = await drain.result;
      await crashed;
      // One director did not answer at the end.
      expect(result.code, result.stderr).toBe(4);
      expect(result.stderr).toContain('rs1 may still be drained on lvs1, which did not take it: lvs-play restore rs1');
    });
    expect(await state(['lvs2'])).toEqual({ lvs2: WHOLE.lvs2 });
    // A drain that one director would not know of is not begun.
    const refused = await lvsPlay(['drain', 'rs2', '-i', lab.overlay]);
    expect(refused.stderr).toContain('lvs1 did not answer');
    await lab.fault('boot', 'lvs1');
    await lab.held('lvs1', VIP);
    await settled({ lvs1: OUT.lvs1, lvs2: WHOLE.lvs2 });
    const restored = await lvsPlay(['restore', 'rs1', '-i', lab.overlay, '--hold', '2s']);
    expect(restored.code, restored.stderr).toBe(0);
    await settled(WHOLE);
  });
});
