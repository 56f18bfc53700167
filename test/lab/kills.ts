import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, lvsPlay, must, startLvsPlay, type CliResult, type TestLab } from './support.ts';

export const TWO_HOSTS = 'all: { hosts: { n1: { ansible_host: 10.45.0.11 }, n2: { ansible_host: 10.45.0.12 } } }\n';
export const STEPS = 'test/lab/fixtures/steps.yml';

/** Tests of `resume` on the host n1 of a lab. @param points after which of the journal's entries the run is killed */
export function resumeAfterKills(lab: () => TestLab, points: 'all' | readonly number[]): void {
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
    const told = async (): Promise<string> => lab().sh('n1', 'cd /etc && for f in steps.*; do echo "$f $(cat "$f")"; done');
    const reset = (): Promise<string> => lab().sh('n1', 'rm -f /etc/steps.*');

    it(`after a kill at ${points === 'all' ? 'every step boundary' : `${String(points.length)} of the step boundaries`} the end is that of an undisturbed run`, async () => {
      await reset();
      const inventory = path.join(lab().overlay);
      const journalOf = (name: string): string => path.join(state, name);
      const inside = (args: readonly string[], journal: string): Promise<CliResult> => lvsPlay(args, { env: { LVS_PLAY_JOURNAL: path.join(journal, 'lvs-play', 'runs') } });
      await must(inside(['deploy', STEPS, '-i', inventory, '-l', 'n1'], journalOf('whole')));
      const whole = await told();
      const boundaries = (await steps(journalOf('whole'))).length;
      expect(whole).toContain('steps.told');
      // Three tasks and a handler; each is noted when it begins and when it has ended. More hosts, loops and batches: test/unit/journal/resume.test.ts.
      expect(boundaries).toBe(8);
      for (const after of points === 'all' ? Array.from({ length: boundaries - 1 }, (_, index) => index + 1) : points) {
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
    });
  });
}
