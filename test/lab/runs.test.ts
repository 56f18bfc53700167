import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resumeAfterKills, STEPS, TWO_HOSTS } from './kills.ts';
import { eventually, lvsPlay, must, scratch, startLvsPlay, TestLab } from './support.ts';

/** Goes on when somebody says so. */
const WAITING = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: wait\n      command: sh -c 'while ! [ -e /run/go ]; do sleep 0.2; done'\n";

describe('runs that meet, and runs that die', () => {
  let lab: TestLab;
  let files: Awaited<ReturnType<typeof scratch>>;
  beforeAll(async () => {
    files = await scratch({ 'hosts.yml': TWO_HOSTS, 'waiting.yml': WAITING });
    lab = await TestLab.up('runs', path.join(files.dir, 'hosts.yml'));
  });
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
    });

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

  resumeAfterKills(() => lab, [5]);
});
