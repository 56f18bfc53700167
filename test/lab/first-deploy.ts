import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { lvsPlay, type RunDocument, STATE_SCRIPT, type TestLab } from './support.ts';

/** Everything that a plan must leave as it is: also the package manager's lists and caches, and what a killed plan could forget. */
const UNTOUCHED = `${STATE_SCRIPT}; find /var/lib/apt /var/lib/dpkg /var/cache/apt -xdev -type f -exec sha256sum {} + | sort -k2; find /var/lib/apt /var/lib/dpkg /var/cache/apt -xdev -printf '%p %y %m %u %T@\\n' | sort; ls -d /tmp/lvs-play* /var/tmp/lvs-play* /var/lib/lvs-play 2>/dev/null; :`;

type Changes = Pick<RunDocument, 'tasks'>;

/** What a task changes on a host, and to what; refreshes of package lists, which a saved plan leaves open, included. */
function changesOf({ tasks }: Changes): ReadonlyMap<string, readonly string[]> {
  return new Map(tasks.map((task) => [`${task.host} ${task.id}`, task.changes.map(({ path: what, after }) => `${what} -> ${JSON.stringify(after)}`).sort()]));
}

/**
 * Where a run did something else than its plan says. A task that rests on what an earlier one brings along may find some of it done, or something else in its place: there, what
 * the plan lists must come out as it says; everywhere else the changes are the same.
 */
function differences(planned: Changes, done: Changes): string[] {
  const predicted = new Set(planned.tasks.filter((task) => task.predicted === true || task.doubtful === true).map((task) => `${task.host} ${task.id}`));
  const [promised, made] = [changesOf(planned), changesOf(done)];
  return [...new Set([...promised.keys(), ...made.keys()])].flatMap((task) => {
    const [before = [], after = []] = [promised.get(task), made.get(task)];
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    const paths = new Map(before.map((line) => [line.split(' -> ')[0], line]));
    const broken = after.filter((line) => (paths.get(line.split(' -> ')[0]) ?? line) !== line);
    return predicted.has(task) && broken.length === 0 ? [] : [`${task}: planned ${before.join(', ')}; did ${after.join(', ')}`];
  });
}

/** The tasks of a run's document that failed, and why. */
function failuresOf(document: string): string {
  const { tasks } = JSON.parse(document) as { tasks: readonly { host: string; status: string; name: string; message?: string }[] };
  return tasks.flatMap(({ host, status, name, message = '' }) => (status === 'failed' ? [`${host} ${name}: ${message}`] : [])).join('; ');
}

/**
 * A saved plan of hosts that nobody prepared: it writes nothing there, is carried out as it says, and leaves nothing to change.
 * @param journal kept, for tests that go on with it; default: one that is removed
 */
export async function firstDeploy(lab: TestLab, hosts: readonly string[], playbook: string, journal?: Record<string, string>): Promise<{ planned: RunDocument; done: RunDocument }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-first-'));
  const env = journal ?? { XDG_STATE_HOME: path.join(folder, 'state') };
  const file = path.join(folder, 'first.plan');
  try {
    const before = await lab.shOn(hosts, UNTOUCHED);
    const plan = await lvsPlay(['plan', playbook, '-i', lab.overlay, '-o', file, '--json', '--detailed-exitcode'], { env });
    expect(plan.code, plan.stderr).toBe(2);
    const planned = JSON.parse(plan.stdout) as RunDocument;
    expect(await lab.shOn(hosts, UNTOUCHED)).toEqual(before);
    const run = await lvsPlay(['apply', file, '--json'], { env });
    if (run.code !== 0) throw new Error(`apply ended with ${String(run.code)}: ${failuresOf(run.stdout)}\n${run.stderr}`);
    const done = JSON.parse(run.stdout) as RunDocument;
    const broken = differences(planned, done);
    expect(broken, broken.join('\n')).toEqual([]);
    const again = await lvsPlay(['plan', playbook, '-i', lab.overlay, '--detailed-exitcode'], { env });
    expect(again.code, again.stdout + again.stderr).toBe(0);
    return { planned, done };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** How many changes a plan lists. */
export function changesIn(document: Changes): number {
  return document.tasks.reduce((sum, task) => sum + task.changes.length, 0);
}
