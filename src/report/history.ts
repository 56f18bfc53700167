import type { RunEvent } from '../core/events.ts';
import { changeLines } from './plan/change.ts';
import { plural } from './plan/plan-text.ts';
import { formatRecap } from './recap.ts';
import { printable, type Style } from './terminal/style.ts';

/** A run as a table of runs shows it. */
export interface HistoryRow {
  readonly id: string;
  readonly owner: string;
  readonly line: string;
  readonly reason: string | undefined;
  readonly started: string;
  readonly ended: string | undefined;
  /** ok, failed, ..., `at work`, or `died`. */
  readonly result: string;
  readonly changing: readonly string[];
}

/** Runs, the newest first. Pure. */
export function formatHistory(rows: readonly HistoryRow[], style: Style): string {
  if (rows.length === 0) return 'no runs\n';
  const cells = [['RUN', 'BY', 'COMMAND', 'CHANGED', 'TOOK', 'RESULT'], ...rows.map((row) => [row.id, row.owner, row.line, hostsText(row.changing), tookText(row), row.result])];
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line, index) => {
      const text = line.map((cell, column) => (column === line.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
      const last = text.at(-1) ?? '';
      const colored = [...text.slice(0, -1), index === 0 ? last : last === 'ok' ? style.green(last) : last === 'at work' ? style.cyan(last) : style.red(last)];
      const joined = colored.join('  ');
      return `${index === 0 ? style.bold(joined) : joined}\n`;
    })
    .join('');
}

function hostsText(hosts: readonly string[]): string {
  if (hosts.length === 0) return 'nothing';
  return hosts.length <= 3 ? hosts.join(' ') : plural(hosts.length, 'host');
}

function tookText({ started, ended }: HistoryRow): string {
  return ended === undefined ? '-' : `${String(Math.round((Date.parse(ended) - Date.parse(started)) / 1000))} s`;
}

/** What a run was and did. Pure. */
export function formatRun(row: HistoryRow, details: readonly (readonly [string, string])[], events: readonly RunEvent[], style: Style): string {
  const head: (readonly [string, string])[] = [
    ['run', row.id],
    ['by', row.owner],
    ['command', row.line],
    ...(row.reason === undefined ? [] : [['reason', row.reason] as const]),
    ['started', row.started],
    ...(row.ended === undefined ? [] : [['ended', row.ended] as const]),
    ['result', row.result],
    ...details,
  ];
  const width = Math.max(...head.map(([name]) => name.length));
  const lines = head.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`);
  return `${[...lines, ...taskLines(events, style)].join('\n')}\n${recapOf(events, style)}`;
}

/** Tasks that changed something or failed, in the order in which they ended. */
function taskLines(events: readonly RunEvent[], style: Style): string[] {
  const told = events.flatMap((event) => (event.type === 'task-finished' && ['changed', 'failed', 'ignored'].includes(event.outcome.status) ? [event] : []));
  if (told.length === 0) return [];
  return [
    '',
    ...told.flatMap(({ at, host, task, outcome }) => [
      `${new Date(at).toISOString().slice(11, 19)}  ${host}  ${task.name} [${task.module}]: ${outcome.status === 'changed' ? style.yellow('changed') : style.red(outcome.status)}${outcome.message === undefined ? '' : ` (${printable(outcome.message)})`}`,
      ...outcome.changes.flatMap((change) => changeLines(change, { diff: false, style })).map((line) => `          ${line}`),
    ]),
  ];
}

function recapOf(events: readonly RunEvent[], style: Style): string {
  const finished = events.findLast((event) => event.type === 'run-finished');
  return finished === undefined ? '' : `\n${formatRecap(finished.recap, style)}`;
}
