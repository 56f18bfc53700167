import type { RunEvent, TaskOutcome, TaskRef } from '../../../src/core/events.ts';
import type { Plan, PlannedTask } from '../../../src/plan/types.ts';
import { createStyle } from '../../../src/report/terminal/style.ts';

export const PLAIN = createStyle(false);
export const QUIET = { color: false, diff: false, verbose: false };

export function taskRef(more: Partial<TaskRef> = {}): TaskRef {
  return { id: '0.0', play: 'Web', name: 'install nginx', module: 'package', handler: false, ...more };
}

export function finished(host: string, outcome: Partial<TaskOutcome>, task: Partial<TaskRef> = {}, at = 0): Extract<RunEvent, { type: 'task-finished' }> {
  return { at, type: 'task-finished', host, task: taskRef(task), outcome: { status: 'ok', changes: [], ...outcome } };
}

export function planned(host: string, more: Partial<PlannedTask> & { name?: string; module?: string } = {}): PlannedTask {
  const { name, module, ...rest } = more;
  return { host, task: taskRef({ ...(name === undefined ? {} : { name }), ...(module === undefined ? {} : { module }) }), status: 'ok', changes: [], predicted: false, notifies: [], ...rest };
}

export function plan(tasks: readonly PlannedTask[], more: Partial<Plan> = {}): Plan {
  const hosts = [...new Set(tasks.map((task) => task.host))];
  return { version: 1, createdAt: '2026-01-01T00:00:00.000Z', playbook: 'site.yml', inventory: 'hosts.yml', plays: [{ name: 'Web', batches: [hosts], tasks }], unreachable: {}, failed: {}, ...more };
}
