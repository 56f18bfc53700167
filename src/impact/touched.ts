import type { Json } from '../core/json.ts';
import type { Plan, PlannedTask } from '../plan/types.ts';
import { backupFirst } from '../lvs/model/groups.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { KEEPALIVED_CONF } from '../lvs/keepalived/place.ts';
import type { UnitImpact } from './types.ts';

const KEEPALIVED = 'keepalived.service';

/** What the rows of a plan do to one director. */
export interface Touched {
  readonly host: string;
  /** keepalived.conf is written, or read again; or a flag tells keepalived to drain. */
  readonly configures: boolean;
  /** Rows of modules that change the kernel's table by themselves: the director's script. */
  readonly fills: boolean;
  /** keepalived is stopped, removed, or IPVS unloaded: nothing of it is left. */
  readonly stops: boolean;
  readonly restarts: boolean;
  readonly starts: boolean;
  /** Its configuration cannot change without a while in which nobody holds the virtual IPs. */
  readonly outage: { readonly reason: string; readonly seconds: number } | undefined;
}

/** Rows that change something or may. */
function workOf(plan: Plan): readonly PlannedTask[] {
  return plan.plays.flatMap((play) => play.tasks).filter((row) => row.changes.length > 0);
}

/** What a plan does to a director. Pure. */
export function touchedBy(plan: Plan, host: string): Touched {
  const rows = workOf(plan).filter((row) => row.host === host);
  const changes = rows.flatMap((row) => row.changes.map((change) => ({ ...change, module: row.task.module })));
  // A rollback tells both at once: `inactive disabled`.
  const state = changes.filter((change) => ['service', 'lvs_restore'].includes(change.module) && change.path === `${KEEPALIVED} state`).map(({ after }) => firstWord(after));
  const daemon = changes.find((change) => change.path === 'package keepalived');
  return {
    host,
    // What module keepalived mends in the kernel's table alone leaves keepalived as it is.
    configures: changes.some(({ module, path }) => (module === 'keepalived' && !path.startsWith('ipvs ')) || (module === 'lvs_restore' && path === KEEPALIVED_CONF)),
    fills: changes.some((change) => change.module === 'lvs_director'),
    stops: state.includes('inactive') || daemon?.after === null || changes.some((change) => change.path === 'module ip_vs' && change.after === null),
    // An upgrade restarts what runs, and so does the host's own restart.
    restarts: changes.some(isReboot) || state.includes('restarted') || (daemon !== undefined && daemon.before !== null && daemon.after !== null),
    starts: state.includes('active'),
    outage: rows.flatMap(({ pair }) => (pair?.class === 'disruptive' ? [{ reason: pair.reasons.join('; '), seconds: pair.outage }] : []))[0],
  };
}

const VERBS: Readonly<Record<string, UnitImpact['what']>> = { active: 'starts', inactive: 'stops', restarted: 'restarts', reloaded: 'reloads' };

/** Services of the hosts that stop, start, or read their configuration again, in the plan's order. Pure. */
export function unitsOf(plan: Plan): UnitImpact[] {
  const found = workOf(plan).flatMap((row) =>
    row.changes.flatMap((change): UnitImpact[] => {
      if (isReboot({ ...change, module: row.task.module })) return [{ host: row.host, unit: 'the host', what: 'reboots' }];
      const [, unit] = /^(\S+) state$/.exec(change.path) ?? [];
      const what = typeof change.after === 'string' ? VERBS[firstWord(change.after)] : undefined;
      const turned = row.task.module === 'service' || (row.task.module === 'lvs_restore' && firstWord(change.before) !== firstWord(change.after));
      if (turned && unit !== undefined && what !== undefined) return [{ host: row.host, unit, what }];
      if (row.task.module === 'keepalived' && change.impact === 'reloads keepalived') return [{ host: row.host, unit: KEEPALIVED, what: 'reloads' }];
      const [, name] = /^package (\S+)$/.exec(change.path) ?? [];
      if (row.task.module === 'package' && name !== undefined && change.before !== null) return [{ host: row.host, unit: name, what: change.after === null ? 'stops' : 'restarts' }];
      return [];
    }),
  );
  return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
}

/** Whether a row's change takes the whole host down for a while. Pure. */
export function isReboot({ module, path }: { readonly module: string; readonly path: string }): boolean {
  return module === 'reboot' && path === 'boot';
}

function firstWord(value: Json): string {
  return typeof value === 'string' ? (value.split(' ')[0] ?? '') : '';
}

/** Directors as a plan comes to them; those of one array at the same time. Members of a pair whose change or restart is made in turn come one by one. Pure. */
export function orderOf(plan: Plan, topology: Topology): (readonly string[])[] {
  return plan.plays.flatMap((play) => {
    const rows = play.tasks.filter((row) => row.changes.length > 0 && topology.directors.has(row.host));
    const due = new Set(rows.map((row) => row.host));
    const inTurn = new Set(rows.filter((row) => row.pair?.class === 'serial' || row.pair?.class === 'restart').map((row) => row.host));
    return play.batches.flatMap((batch) => {
      const together = batch.filter((host) => due.has(host) && !inTurn.has(host));
      const one = backupFirst(topology, batch.filter((host) => inTurn.has(host))).map((host) => [host]);
      return together.length === 0 ? one : [together, ...one];
    });
  });
}
