import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { LvsPlayError } from '../../core/errors.ts';
import { holdLock } from './lock.ts';
import type { Lock } from './lock.ts';
import { deleteNamespace, namespaceProcesses, namespaces } from '../network.ts';
import { labPaths, labsRoot, NAMESPACE_PREFIX } from './paths.ts';
import type { LabPaths } from './paths.ts';
import { readStat, sendSignal } from './proc.ts';
import type { ProcessStat } from './proc.ts';
import { knownLabs } from './state.ts';

/**
 * Removes a lab whatever became of this process: everything of a lab that runs, runs in its namespace, and everything of it
 * that lies on disk lies in its folder. `$1` is the namespace, `$2` the folder. A process that was just being started may
 * still enter the namespace, so it must be found empty several times.
 */
const REMOVE_SCRIPT = `
empty=0
while [ "$empty" -lt 3 ]; do
  living=
  for pid in $(ip netns pids "$1" 2>/dev/null); do
    if [ "$pid" != $$ ]; then kill -KILL "$pid" 2>/dev/null && living=yes; fi
  done
  if [ -n "$living" ]; then empty=0; else empty=$((empty + 1)); fi
  sleep 0.2
done
ip netns delete "$1" 2>/dev/null
rm -rf -- "$2"
`;

/** Locks a lab against every other lvs-play; should this process die while it holds the lock, the lab is removed. */
export function lockLab(lab: LabPaths): Promise<Lock> {
  return holdLock(lab.lock, { wait: false, lastWill: { script: REMOVE_SCRIPT, args: [lab.namespace, lab.dir] } });
}

/** Ends everything of a lab and leaves nothing. The caller holds its lock. */
export async function removeLab(lab: LabPaths, lock: Lock): Promise<void> {
  await endProcesses(lab.namespace, lock);
  await deleteNamespace(lab.namespace);
  await rm(lab.dir, { recursive: true, force: true });
}

/** Kills what runs in the namespace, save this process, the lock's holder, and those it descends from, such as a shell of `lab run`. */
async function endProcesses(namespace: string, lock: Lock): Promise<void> {
  const spared = new Set([...(await ancestors()), lock.pid]);
  for (let round = 0; round < 100; round++) {
    const others = (await living(namespace)).filter((stat) => !spared.has(stat.pid));
    if (others.length === 0) return;
    for (const { pid } of others) sendSignal(pid, 'SIGKILL');
    await sleep(50);
  }
  throw new LvsPlayError({ code: 'lab-stuck', kind: 'machine', message: `processes in the namespace ${namespace} do not end`, hint: `see what they wait for: ip netns pids ${namespace}, ps -o pid,stat,wchan, dmesg` });
}

async function living(namespace: string): Promise<ProcessStat[]> {
  const stats = await Promise.all((await namespaceProcesses(namespace)).map((pid) => readStat(pid)));
  return stats.filter((stat): stat is ProcessStat => stat !== undefined && stat.state !== 'Z');
}

async function ancestors(): Promise<Set<number>> {
  const found = new Set<number>();
  for (let pid = process.pid; pid > 1 && !found.has(pid); pid = (await readStat(pid))?.parent ?? 0) found.add(pid);
  return found;
}

/** Removes every lab and leftover that this user's state or a namespace's name tells of. @returns their names */
export async function removeAllLabs(root = labsRoot()): Promise<string[]> {
  const orphans = (await namespaces()).filter((name) => name.startsWith(NAMESPACE_PREFIX)).map((name) => name.slice(NAMESPACE_PREFIX.length));
  const names = [...new Set([...(await knownLabs(root)).map((lab) => lab.name), ...orphans])].sort();
  for (const name of names) await takeDown(labPaths(name, root));
  return names;
}

/** Takes one lab down under its lock. */
export async function takeDown(lab: LabPaths): Promise<void> {
  const lock = await lockLab(lab);
  try {
    await removeLab(lab, lock);
  } finally {
    await lock.release();
  }
}

/** Whether anything of the lab runs. */
export async function isRunning(lab: LabPaths): Promise<boolean> {
  return (await namespaces()).includes(lab.namespace) && (await living(lab.namespace)).length > 0;
}
