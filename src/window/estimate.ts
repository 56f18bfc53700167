import type { RunEvent } from '../core/events.ts';
import type { Plan } from '../plan/types.ts';

/** Seconds that a task of a module took when it changed something. */
export type Durations = ReadonlyMap<string, number>;

/** Where nothing is known yet; seconds. Packages come over the network, keepalived and verification wait for VRRP. */
const DEFAULTS: Readonly<Record<string, number>> = { package: 60, keepalived: 20, lvs_verify: 60, command: 30, shell: 30, service: 10 };
const OTHERS = 5;

export interface Estimate {
  readonly seconds: number;
  /** Of the tasks that will do something, how many were estimated by earlier runs. */
  readonly known: number;
  readonly tasks: number;
}

/** The mean by module, of tasks that changed something. Pure. */
export function durationsOf(runs: readonly (readonly RunEvent[])[]): Durations {
  const sums = new Map<string, { total: number; count: number }>();
  for (const events of runs) {
    const begun = new Map<string, number>();
    for (const event of events) {
      if (event.type === 'task-started') begun.set(`${event.host} ${event.task.id}`, event.at);
      if (event.type !== 'task-finished' || event.outcome.status !== 'changed') continue;
      const since = begun.get(`${event.host} ${event.task.id}`);
      if (since === undefined) continue;
      const sum = sums.get(event.task.module) ?? { total: 0, count: 0 };
      sums.set(event.task.module, { total: sum.total + (event.at - since) / 1000, count: sum.count + 1 });
    }
  }
  return new Map([...sums].map(([module, { total, count }]) => [module, total / count]));
}

/** How long a batch will take: its slowest host, as hosts of a batch work side by side. Pure. */
export function estimateBatch(plan: Plan, play: number, hosts: readonly string[], durations: Durations): Estimate {
  const rows = (plan.plays[play]?.tasks ?? []).filter((row) => hosts.includes(row.host) && (row.changes.length > 0 || row.status === 'runs' || row.status === 'deferred'));
  const ofHost = new Map<string, number>();
  for (const row of rows) ofHost.set(row.host, (ofHost.get(row.host) ?? 0) + (durations.get(row.task.module) ?? DEFAULTS[row.task.module] ?? OTHERS));
  return { seconds: Math.ceil(Math.max(0, ...ofHost.values())), known: rows.filter((row) => durations.has(row.task.module)).length, tasks: rows.length };
}
