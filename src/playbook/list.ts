import path from 'node:path';
import { selectTasks, type TagSelection } from './select.ts';
import type { Playbook, Task } from './types.ts';

/** The text of `--list-tasks`, in Ansible's words. Pure. */
export function listTasks(playbook: Playbook, selection: TagSelection): string {
  const lines = ['', `playbook: ${playbook.file}`];
  for (const [index, play] of playbook.plays.entries()) {
    lines.push('', `  play #${String(index + 1)} (${play.hosts}): ${play.name}\tTAGS: [${(play.tags ?? []).join(', ')}]`, '    tasks:');
    for (const task of selectTasks(play, selection)) lines.push(`      ${taskTitle(task)}\tTAGS: [${[...task.tags].sort().join(', ')}]`);
  }
  return `${lines.join('\n')}\n`;
}

/** The text of `--list-hosts`. Pure. @param hostsOf the hosts of each play, in the playbook's order */
export function listHosts(playbook: Playbook, hostsOf: readonly (readonly string[])[]): string {
  const lines = ['', `playbook: ${playbook.file}`];
  for (const [index, play] of playbook.plays.entries()) {
    const hosts = hostsOf[index] ?? [];
    lines.push('', `  play #${String(index + 1)} (${play.hosts}): ${play.name}`, `    pattern: ${play.hosts}`, `    hosts (${String(hosts.length)}):`);
    for (const host of hosts) lines.push(`      ${host}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A task's name with its role before it, as Ansible prints it. */
function taskTitle(task: Pick<Task, 'name' | 'roleDir'>): string {
  return task.roleDir === undefined ? task.name : `${path.basename(task.roleDir)} : ${task.name}`;
}
