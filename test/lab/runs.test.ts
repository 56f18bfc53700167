import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, lvsPlay, must, scratch, startLvsPlay, TestLab, type CliResult } from './support.ts';

const INVENTORY = 'all: { hosts: { n1: { ansible_host: 10.45.0.11 }, n2: { ansible_host: 10.45.0.12 } } }\n';
const STEPS = 'test/lab/fixtures/steps.yml';
/** Goes on when somebody says so. */
const WAITING = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: wait\n      command: sh -c 'while ! [ -e /run/go ]; do sleep 0.2; done'\n";

describe('runs that meet, and runs that die', () => {
  let lab: TestLab;
  let files: Awaited<ReturnType<typeof scratch>>;
  beforeAll(async () => {
    files = await scratch({ 'hosts.yml': INVENTORY, 'waiting.yml': WAITING });
    lab = await TestLab.up('runs', path.join(files.dir, 'hosts.yml'));
  }, 300_000);
  afterAll(async () => {
    await lab.down();
    await files.remove();
  });

  const onBoth = (script: string): Promise<string[]> => Promise.all(['n1', 'n2'].map((host) => lab.sh(host, script)));
  const waiting = (): string[] => ['deploy', path.join(files.dir, 'waiting.yml'), '-i', lab.overlay];

  describe('locks', () => {
    it('the second of two deploys is refused, with owner and reason; when the first was killed, the next waits out its signs of life and goes on', async () => {
      const first = startLvsPlay([...waiting(), '--reason', 'kernel patch']);
      await eventually(() => lvsPlay(['lock', 'status', '-i', lab.overlay]), ({ stdout }) => stdout.split('\n').filter((line) => line.includes('"kernel patch"')).length === 2);
      const refused = await lvsPlay(['deploy', STEPS, '-i', lab.overlay]);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(/n1 is locked by \S+@\S+ since .* UTC \(deploy \S*waiting\.yml, "kernel patch", run \d{8}-\d{6}-[0-9a-f]{4}\); last sign of life \d+ s ago/);
      expect((await onBoth('ls /etc/steps.* 2>/dev/null || echo nothing')).map((text) => text.trim())).toEqual(['nothing', 'nothing']);

      first.kill('SIGKILL');
      expect((await first.result).code).toBeNull();
      const next = await lvsPlay(['deploy', STEPS, '-i', lab.overlay]);
      expect(next.stderr).toContain('waiting for the next one');
      expect(next.stderr).toMatch(/took over the lock of \S+@\S+ since .*"kernel patch".*dead: no sign of life for \d+ s/);
      expect(next.code).toBe(0);
      expect((await must(lvsPlay(['lock', 'status', '-i', lab.overlay]))).stdout).toBe('n1  free\nn2  free\n');
      await onBoth('touch /run/go; rm -f /etc/steps.*');
    }, 180_000);

    it('one taken by hand keeps runs off until it is released', async () => {
      await must(lvsPlay(['lock', 'acquire', '-i', lab.overlay, '-l', 'n2', '--reason', 'disk is being replaced']));
      const refused = await lvsPlay(['deploy', STEPS, '-i', lab.overlay]);
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/n2 is locked by .*\(by hand, "disk is being replaced"\); taken by hand, until it is released/)]);
      // What was taken before the refusal is given back.
      expect((await must(lvsPlay(['lock', 'status', '-i', lab.overlay, '-l', 'n1']))).stdout).toBe('n1  free\n');
      expect((await onBoth('ls /etc/steps.* 2>/dev/null || echo nothing')).map((text) => text.trim())).toEqual(['nothing', 'nothing']);
      await must(lvsPlay(['lock', 'release', '-i', lab.overlay]));
      expect((await lvsPlay(['deploy', STEPS, '-i', lab.overlay])).code).toBe(0);
      await onBoth('rm -f /etc/steps.*');
    });
  });

  describe('resume', () => {
    let state: string;
    beforeAll(async () => {
      state = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-state-'));
    });
    afterAll(() => rm(state, { recursive: true, force: true }));

    /** The journal of a run, line by line; empty as long as there is none. */
    const steps = async (journal: string): Promise<string[]> => {
      const runs = path.join(journal, 'lvs-play', 'runs');
      const [run] = await readdir(runs).catch(() => []);
      if (run === undefined) return [];
      return (await readFile(path.join(runs, run, 'steps.ndjson'), 'utf8').catch(() => '')).split('\n').slice(0, -1);
    };
    const pidOf = async (journal: string): Promise<number> => {
      const runs = path.join(journal, 'lvs-play', 'runs');
      const [run = ''] = await readdir(runs);
      return (JSON.parse(await readFile(path.join(runs, run, 'run.json'), 'utf8')) as { pid: number }).pid;
    };
    // Over ssh of its own: the lab is found by the state of the user who booted it.
    const told = async (): Promise<string> => lab.sh('n1', 'cd /etc && for f in steps.*; do echo "$f $(cat "$f")"; done');
    const reset = (): Promise<string> => lab.sh('n1', 'rm -f /etc/steps.*');

    it('after a kill at every step boundary the end is that of an undisturbed run', async () => {
      await reset();
      const inventory = path.join(lab.overlay);
      const journalOf = (name: string): string => path.join(state, name);
      const inside = (args: readonly string[], journal: string): Promise<CliResult> => lvsPlay(args, { env: { LVS_PLAY_JOURNAL: path.join(journal, 'lvs-play', 'runs') } });
      await must(inside(['deploy', STEPS, '-i', inventory, '-l', 'n1'], journalOf('whole')));
      const whole = await told();
      const boundaries = (await steps(journalOf('whole'))).length;
      expect(whole).toContain('steps.told');
      // Three tasks and a handler; each is noted when it begins and when it has ended. More hosts, loops and batches: test/unit/journal/resume.test.ts.
      expect(boundaries).toBe(8);
      for (let after = 1; after < boundaries; after += 1) {
        await reset();
        const journal = journalOf(`killed-${String(after)}`);
        const killed = startLvsPlay(['deploy', STEPS, '-i', inventory, '-l', 'n1'], { env: { LVS_PLAY_JOURNAL: path.join(journal, 'lvs-play', 'runs') } });
        const timer = setInterval(() => {
          void steps(journal).then((lines) => {
            if (lines.length >= after) killed.kill('SIGKILL');
          });
        }, 2);
        await killed.result;
        clearInterval(timer);
        // What works inside of the lab's namespace ends a moment after what started it.
        await eventually(() => pidOf(journal), (pid) => !existsSync(`/proc/${String(pid)}`));
        await must(lvsPlay(['lock', 'release', '--force', '-i', inventory, '-l', 'n1']));
        const resumed = await inside(['resume', 'last'], journal);
        // Killed so late that all was done: there is nothing to go on with.
        if (resumed.code === 5) expect(resumed.stderr).toContain('is done');
        else expect(resumed.code, resumed.stderr).toBe(0);
        expect(await told(), `killed after entry ${String(after)}: ${resumed.stderr}`).toEqual(whole);
      }
    }, 900_000);
  });
});
