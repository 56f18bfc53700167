import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { replicaOf } from '../../src/cli/rehearsal/replica.ts';
import { lvsPlay, must, type RunDocument, STATE_SCRIPT, TestLab } from './support.ts';

/** Everything that a plan must leave as it is: also the package manager's lists and caches, and what a killed plan could forget. */
const UNTOUCHED = `${STATE_SCRIPT}; find /var/lib/apt /var/lib/dpkg /var/cache/apt -xdev -type f -exec sha256sum {} + | sort -k2; find /var/lib/apt /var/lib/dpkg /var/cache/apt -xdev -printf '%p %y %m %u %T@\\n' | sort; ls -d /tmp/lvs-play* /var/tmp/lvs-play* /var/lib/lvs-play 2>/dev/null; :`;

/** What each task of a plan or a run changes on each host, and to what. */
function changeSet({ tasks }: Pick<RunDocument, 'tasks'>): string[] {
  return tasks.flatMap((task) => task.changes.map((change) => `${task.host} ${task.id} ${change.path} -> ${JSON.stringify(change.after)}`)).sort();
}

/** The tasks of a run's document that failed, and why. */
function failuresOf(document: string): string {
  const { tasks } = JSON.parse(document) as { tasks: readonly { host: string; status: string; name: string; message?: string }[] };
  return tasks.flatMap(({ host, status, name, message = '' }) => (status === 'failed' ? [`${host} ${name}: ${message}`] : [])).join('; ');
}

/**
 * A saved plan of hosts that nobody prepared: it writes nothing there, is carried out as it says, and leaves nothing to change.
 * @param most nodes of the lab; a larger inventory is sampled
 * @returns how many changes that were
 */
export async function firstDeploy(lab: TestLab, hosts: readonly string[], playbook: string): Promise<number> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-first-'));
  const env = { XDG_STATE_HOME: path.join(folder, 'state') };
  const file = path.join(folder, 'first.plan');
  try {
    const before = await lab.shOn(hosts, UNTOUCHED);
    const planned = JSON.parse((await must(lvsPlay(['plan', playbook, '-i', lab.overlay, '-o', file, '--json'], { env }))).stdout) as RunDocument;
    expect(await lab.shOn(hosts, UNTOUCHED)).toEqual(before);
    const run = await lvsPlay(['apply', file, '--json'], { env });
    if (run.code !== 0) throw new Error(`apply ended with ${String(run.code)}: ${failuresOf(run.stdout)}\n${run.stderr}`);
    const [promised, done] = [changeSet(planned), changeSet(JSON.parse(run.stdout) as RunDocument)];
    const differences = { missing: promised.filter((line) => !done.includes(line)), besides: done.filter((line) => !promised.includes(line)) };
    expect(differences, JSON.stringify(differences, null, 2)).toEqual({ missing: [], besides: [] });
    const again = await lvsPlay(['plan', playbook, '-i', lab.overlay, '--detailed-exitcode'], { env });
    expect(again.code, again.stdout + again.stderr).toBe(0);
    return changeSet(planned).length;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Bare nodes of an example inventory; six of a larger one. */
async function exampleLab(name: string, example: string): Promise<{ lab: TestLab; hosts: readonly string[]; remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-replica-'));
  const { inventories, spec } = await replicaOf({ inventories: [`inventories/${example}`], extraVars: [], vaultPasswordFiles: [] } as never, 'playbooks/demo.yml', { nodes: 6 }, folder);
  const lab = await TestLab.up(name, ...inventories);
  return {
    lab,
    hosts: spec.nodes.map((node) => node.name),
    remove: async () => {
      await lab.down();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A first deploy of each example inventory, from nodes that nobody prepared. */
export function describeFirstDeploys(examples: readonly string[]): void {
  describe.each(examples)('a saved plan for bare nodes: %s', (example) => {
    it('writes nothing when it is made, is carried out as it says, and leaves nothing to change', async () => {
      const { lab, hosts, remove } = await exampleLab(`first-${example}`, example);
      try {
        expect(await firstDeploy(lab, hosts, 'playbooks/demo.yml')).toBeGreaterThan(10);
      } finally {
        await remove();
      }
    });
  });
}
