import type { ChangeView, HostRecap, HostStats, RunEvent } from '../core/events.ts';
import type { GuardFinding, Impact } from '../impact/types.ts';
import { impactWords } from '../impact/words.ts';
import type { Plan, PlannedPair } from '../plan/types.ts';
import type { Weight } from './plan/impact.ts';
import { countPlan, type PlanCounts, unknownOf } from './plan/plan-text.ts';

/** A row of a document: one task, for one loop item, on one host. A plan's rows and a deploy's have the same `id`s. */
export interface TaskRow {
  readonly host: string;
  readonly id: string;
  readonly play: string;
  readonly name: string;
  readonly module: string;
  readonly handler: boolean;
  /** Of a plan: ok, change, runs, skipped, deferred; of a deploy: ok, changed, failed, skipped, ignored. */
  readonly status: string;
  readonly changes: readonly ChangeView[];
}

/** What `plan --json` and `deploy --json` print: one versioned document. */
interface RunDocument {
  readonly version: 1;
  readonly command: 'plan' | 'deploy';
  readonly playbook: string;
  readonly inventory: string;
  readonly hosts: readonly string[];
  /** Why a host could not be asked, by host. */
  readonly unreachable: Readonly<Record<string, string>>;
  /** What failed on a host before its first task (sudo, facts), by host. */
  readonly failed: Readonly<Record<string, string>>;
  /** Both: of them nothing is said. */
  readonly unknown: readonly string[];
  /** Counts in Ansible's words, by host. */
  readonly recap: Readonly<Record<string, HostRecap>>;
  readonly stats: Readonly<Record<string, HostStats>>;
}

export interface PlanDocument extends RunDocument {
  readonly command: 'plan';
  readonly createdAt: string;
  /** Null: the hosts that answered need no change, and others did not answer. */
  readonly verdict: 'changes' | 'no changes' | null;
  readonly plays: readonly { readonly name: string; readonly batches: readonly (readonly string[])[] }[];
  readonly tasks: readonly (TaskRow & { readonly predicted: boolean; readonly doubtful?: true; readonly notifies: readonly string[]; readonly reason?: string; readonly pair?: PlannedPair })[];
  readonly counts: PlanCounts;
  /** What it costs, also in words, and the guards that it meets. */
  readonly impact: Impact;
  readonly impactText: readonly string[];
  readonly guards: readonly GuardFinding[];
}

export interface DeployDocument extends RunDocument {
  readonly command: 'deploy';
  /** Null: nothing failed, but not every host answered. */
  readonly verdict: 'ok' | 'failed' | null;
  readonly plays: readonly { readonly name: string; readonly hosts: readonly string[] }[];
  readonly tasks: readonly (TaskRow & { readonly message?: string; readonly hint?: string; readonly output?: string })[];
  readonly messages: readonly { readonly level: string; readonly text: string; readonly host?: string }[];
  /** How virtual IPs fared while pairs were changed; milliseconds. */
  readonly pairs: readonly Pick<Extract<RunEvent, { type: 'pair-watched' }>, 'pairs' | 'hosts' | 'vips'>[];
  /** Why the run ended before its last task. */
  readonly stopped?: { readonly reason: string; readonly notStarted: readonly string[] };
  readonly interrupted: boolean;
}

/** A plan as a document. Pure. */
export function planJson(plan: Plan, weight: Weight, run: { readonly recap: Readonly<Record<string, HostRecap>>; readonly stats: Readonly<Record<string, HostStats>> }): PlanDocument {
  const { createdAt, playbook, inventory, unreachable, failed } = plan;
  return {
    version: 1,
    command: 'plan',
    createdAt,
    playbook,
    inventory,
    hosts: [...new Set(plan.plays.flatMap((play) => play.batches.flat()))],
    plays: plan.plays.map(({ name, batches }) => ({ name, batches })),
    tasks: plan.plays.flatMap((play) =>
      play.tasks.map(({ host, task, status, changes, predicted, doubtful, notifies, reason, pair }) => ({
        host,
        ...task,
        status,
        changes,
        predicted,
        ...(doubtful === undefined ? {} : { doubtful }),
        notifies,
        ...(reason === undefined ? {} : { reason }),
        ...(pair === undefined ? {} : { pair }),
      })),
    ),
    unreachable,
    failed,
    unknown: unknownOf(plan),
    verdict: changesIn(plan) ? 'changes' : unknownOf(plan).length > 0 ? null : 'no changes',
    recap: run.recap,
    stats: run.stats,
    counts: countPlan(plan),
    impact: weight.impact,
    impactText: impactWords(weight.impact),
    guards: weight.guards,
  };
}

/** Folds the events of a deploy into its document. Pure. */
export function deployJson(events: readonly RunEvent[]): DeployDocument {
  const started = events.find((event) => event.type === 'run-started');
  const finished = events.findLast((event) => event.type === 'run-finished');
  const stopped = events.findLast((event) => event.type === 'run-stopped');
  return {
    version: 1,
    command: 'deploy',
    playbook: started?.playbook ?? '',
    inventory: started?.inventory ?? '',
    hosts: started?.hosts ?? [],
    plays: events.flatMap((event) => (event.type === 'play-started' ? [{ name: event.play, hosts: event.hosts }] : [])),
    tasks: events.flatMap((event) => (event.type === 'task-finished' ? [{ host: event.host, ...event.task, ...event.outcome }] : [])),
    messages: events.flatMap((event) => (event.type === 'message' ? [{ level: event.level, text: event.text, ...(event.host === undefined ? {} : { host: event.host }) }] : [])),
    pairs: events.flatMap((event) => (event.type === 'pair-watched' ? [{ pairs: event.pairs, hosts: event.hosts, vips: event.vips }] : [])),
    unreachable: lostHosts(events, 'unreachable'),
    failed: lostHosts(events, 'failed'),
    unknown: [...Object.keys(lostHosts(events, 'unreachable')), ...Object.keys(lostHosts(events, 'failed'))],
    verdict: verdictOf(events),
    recap: finished?.recap ?? {},
    stats: finished?.stats ?? {},
    ...(stopped === undefined ? {} : { stopped: { reason: stopped.reason, notStarted: stopped.notStarted } }),
    interrupted: finished?.interrupted ?? false,
  };
}

function changesIn(plan: Plan): boolean {
  const { changes, deferred } = countPlan(plan);
  return changes + deferred > 0;
}

function verdictOf(events: readonly RunEvent[]): DeployDocument['verdict'] {
  const failed = events.some((event) => event.type === 'task-finished' && event.outcome.status === 'failed');
  const lost = events.some((event) => event.type === 'host-lost');
  if (failed) return 'failed';
  if (lost) return null;
  return events.some((event) => event.type === 'run-stopped') || events.findLast((event) => event.type === 'run-finished')?.interrupted === true ? 'failed' : 'ok';
}

function lostHosts(events: readonly RunEvent[], state: 'unreachable' | 'failed'): Record<string, string> {
  return Object.fromEntries(events.flatMap((event) => (event.type === 'host-lost' && event.state === state ? [[event.host, event.message]] : [])));
}

/** An event as a line of NDJSON. */
export function eventLine(event: RunEvent): string {
  return `${JSON.stringify({ version: 1, ...event })}\n`;
}
