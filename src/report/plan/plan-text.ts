import type { Plan, PlannedPlay, PlannedTask } from '../../plan/types.ts';
import { groupedBy, hostNames } from '../../observe/words.ts';
import { changeLines } from './change.ts';
import { type Weight, weightBlocks } from './impact.ts';
import { createStyle, printable, type Style } from '../terminal/style.ts';

export interface PlanCounts {
  readonly changes: number;
  /** Hosts with something to change. */
  readonly hosts: number;
  /** Changes that rest on what an earlier task of the plan is expected to do. */
  readonly predicted: number;
  /** Tasks that run each time. */
  readonly runs: number;
  /** Tasks that only the run can decide. */
  readonly deferred: number;
  readonly unreachable: number;
  readonly failed: number;
}

/** Counts a plan's rows. Pure. */
export function countPlan(plan: Plan): PlanCounts {
  const tasks = plan.plays.flatMap((play) => play.tasks);
  const changing = tasks.filter((task) => task.changes.length > 0);
  return {
    changes: tasks.reduce((sum, task) => sum + task.changes.length, 0),
    hosts: new Set(changing.map((task) => task.host)).size,
    predicted: tasks.reduce((sum, task) => sum + (task.predicted ? task.changes.length : 0), 0),
    runs: tasks.filter((task) => task.status === 'runs' && isWorthALine(task)).length,
    deferred: tasks.filter((task) => task.status === 'deferred').length,
    unreachable: Object.keys(plan.unreachable).length,
    failed: Object.keys(plan.failed).length,
  };
}

/**
 * A plan for people: play by play and host by host, what each task would change, and the counts at the end.
 * Tasks with nothing to do are left out. @param options.diff show the texts' unified diffs; `weight`: what it costs
 */
export function formatPlan(plan: Plan, options: { readonly diff: boolean; readonly color: boolean; readonly weight?: Weight }): string {
  const style = createStyle(options.color);
  const blocks = plan.plays.flatMap((play) => playBlock(play, { diff: options.diff, style }));
  const lost = lostLines(plan, style);
  return [...blocks, ...(lost.length === 0 ? [] : [lost.join('\n')]), ...(options.weight === undefined ? [] : weightBlocks(options.weight, style)), countsLine(plan, style)].join('\n\n') + '\n';
}

function playBlock(play: PlannedPlay, options: { readonly diff: boolean; readonly style: Style }): string[] {
  const { style } = options;
  const lines: string[] = [];
  for (const [index, batch] of play.batches.entries()) {
    for (const host of batch) {
      const rows = play.tasks.filter((task) => task.host === host && isWorthALine(task));
      if (rows.length === 0) continue;
      const title = play.batches.length > 1 ? `${host} (batch ${String(index + 1)} of ${String(play.batches.length)})` : host;
      lines.push(`  ${style.bold(title)}`, ...rows.flatMap((row) => taskLines(row, options)));
    }
  }
  return lines.length === 0 ? [] : [[style.bold(`Play: ${play.name}`), ...lines].join('\n')];
}

/** They run each time, but touch no host. */
const INWARD: ReadonlySet<string> = new Set(['assert', 'debug', 'fail', 'set_fact']);

function isWorthALine(task: PlannedTask): boolean {
  if (task.status === 'runs' && INWARD.has(task.task.module)) return false;
  return task.changes.length > 0 || task.status === 'runs' || task.status === 'deferred' || task.status === 'change';
}

function taskLines(row: PlannedTask, options: { readonly diff: boolean; readonly style: Style }): string[] {
  const { style } = options;
  const marks = [row.status === 'runs' || row.status === 'deferred' ? row.status : '', row.predicted ? 'predicted' : '', row.task.handler ? 'handler' : ''].filter((mark) => mark !== '');
  const head = [
    `    ${printable(row.task.name)}`,
    row.task.name === row.task.module ? '' : style.dim(` [${row.task.module}]`),
    ...marks.map((mark) => ` ${style.cyan(`(${mark})`)}`),
    row.reason === undefined ? '' : style.dim(` ${printable(row.reason)}`),
  ].join('');
  const notifies = row.notifies.length === 0 ? [] : [style.dim(`      notifies ${row.notifies.join(', ')}`)];
  const pair = row.pair === undefined ? [] : pairLines(row.pair).map((line) => style.yellow(`      ${printable(line)}`));
  return [head, ...pair, ...row.changes.flatMap((change) => changeLines(change, options)).map((line) => `      ${line}`), ...notifies];
}

/** How the members of a pair will go about it. */
function pairLines({ pairs, class: how, reasons, leaving, outage }: NonNullable<PlannedTask['pair']>): string[] {
  const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
  const way = {
    none: 'nothing that its daemon reads changes',
    serial: 'one director after the other, with a look in between',
    simultaneous: `all directors at the same moment${why}`,
    disruptive: `a short outage of up to ${outage.toFixed(1)} s: the others stop, the holder reloads, the others start${why}`,
    restart: `one director after the other, BACKUP first; the virtual IPs go to another one meanwhile${why}`,
  }[how];
  return [`pair ${pairs.join(', ')}: ${way}`, ...leaving.map((server) => `drains ${server} before it goes`)];
}

/** Hosts of a plan that gave no answer: of what would change on them nothing is known. Pure. */
export function unknownOf({ unreachable, failed }: Pick<Plan, 'unreachable' | 'failed'>): string[] {
  return [...Object.keys(unreachable), ...Object.keys(failed)];
}

/** Why hosts gave no answer: what is the same on several is told once. */
export function lostLines({ unreachable, failed }: Pick<Plan, 'unreachable' | 'failed'>, style: Style): string[] {
  const lost = [...Object.entries(unreachable).map(([host, message]) => ({ host, kind: 'unreachable' as const, message })), ...Object.entries(failed).map(([host, message]) => ({ host, kind: 'failed' as const, message }))];
  return groupedBy(lost).map(({ kind, hosts, cause }) => `${style.red(`${kind}:`)} [${hostNames(hosts)}] ${printable(hosts.length === 1 ? (lost.find(({ host }) => host === hosts[0])?.message ?? cause) : cause)}`);
}

function countsLine(plan: Plan, style: Style): string {
  const { changes, hosts, predicted, runs, deferred } = countPlan(plan);
  const unknown = unknownOf(plan);
  const answered = new Set(plan.plays.flatMap(({ batches }) => batches.flat())).size - unknown.length;
  // That nothing changes is said of hosts that answered.
  const none = unknown.length === 0 ? 'no changes' : `no changes on ${plural(answered, 'host')}`;
  const parts = [
    ...(changes > 0 ? [`${plural(changes, 'change')} on ${plural(hosts, 'host')}`] : answered <= 0 && unknown.length > 0 ? [] : [none]),
    ...(predicted === 0 ? [] : [`${String(predicted)} predicted`]),
    ...(runs === 0 ? [] : [`${String(runs)} that ${runs === 1 ? 'runs' : 'run'} each time`]),
    ...(deferred === 0 ? [] : [`${String(deferred)} deferred until the run`]),
    ...(unknown.length === 0 ? [] : [style.red(`unknown on ${hostNames(unknown)}`)]),
  ];
  return `${style.bold('Plan:')} ${parts.join('; ')}`;
}

/** `1 change`, `2 changes`. */
export function plural(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}
