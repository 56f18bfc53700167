import type { RunEvent } from '../../core/events.ts';
import { plural } from '../plan/plan-text.ts';
import { printable, type Style } from './style.ts';

/** With more hosts than this in a batch, the batch is one row with counts. */
const MOST_HOST_ROWS = 10;

interface HostRow {
  readonly host: string;
  startedAt: number;
  ok: number;
  changed: number;
  skipped: number;
  failed: boolean;
  unreachable: boolean;
  task: string | undefined;
}

/** What a stage of the run shows: asking the hosts, or a batch. Folds events; knows nothing of a terminal. */
export class StageRows {
  readonly title: string;
  /** Shown beside every row while the stage lasts. */
  notice: string | undefined;
  readonly #hosts: Map<string, HostRow>;
  readonly #grouped: boolean;
  #startedAt: number;

  constructor(title: string, hosts: readonly string[], at: number) {
    this.title = title;
    this.#startedAt = at;
    this.#grouped = hosts.length > MOST_HOST_ROWS;
    this.#hosts = new Map(hosts.map((host) => [host, { host, startedAt: at, ok: 0, changed: 0, skipped: 0, failed: false, unreachable: false, task: undefined }]));
  }

  /** Names of the rows, which stay the same while the stage lasts. */
  get rows(): readonly string[] {
    return this.#grouped ? [this.title] : [...this.#hosts.keys()];
  }

  handle(event: RunEvent): void {
    const row = 'host' in event ? this.#hosts.get(event.host) : undefined;
    if (row === undefined) return;
    if (event.type === 'host-gathering') {
      row.startedAt = event.at;
      row.task = 'asking';
    } else if (event.type === 'host-lost') row[event.state] = true;
    else if (event.type === 'task-started') row.task = event.task.name;
    else if (event.type === 'task-finished') this.#finish(row, event.outcome.status);
  }

  #finish(row: HostRow, status: 'ok' | 'changed' | 'failed' | 'skipped' | 'ignored'): void {
    row.task = undefined;
    if (status === 'failed') row.failed = true;
    else if (status === 'changed') row.changed++;
    else if (status === 'skipped') row.skipped++;
    else row.ok++;
  }

  /** Whether a row is to be marked as failed. */
  failed(name: string): boolean {
    const rows = this.#grouped ? [...this.#hosts.values()] : [this.#hosts.get(name)];
    return rows.some((row) => row?.failed === true || row?.unreachable === true);
  }

  /** A row's text now; `ended`: the stage is over, and only the outcome counts. */
  text(name: string, now: number, ended: boolean, style: Style): string {
    const text = this.#grouped ? this.#groupText(now, ended, style) : this.#hostText(name, now, ended, style);
    return this.notice === undefined || ended ? text : `${text}  ${style.yellow(this.notice)}`;
  }

  #hostText(name: string, now: number, ended: boolean, style: Style): string {
    const row = this.#hosts.get(name);
    if (row === undefined) return name;
    const counts = [
      row.unreachable ? style.red('unreachable') : '',
      row.failed ? style.red('failed') : '',
      row.changed > 0 ? style.yellow(`${String(row.changed)} changed`) : '',
      row.ok > 0 ? `${String(row.ok)} ok` : '',
      row.skipped > 0 ? style.dim(`${String(row.skipped)} skipped`) : '',
    ].filter((text) => text !== '');
    const task = ended || row.task === undefined ? '' : `  ${printable(row.task)}`;
    return `${name}${counts.length === 0 ? '' : `  ${counts.join(', ')}`}${task}  ${style.dim(elapsed(now - row.startedAt))}`;
  }

  #groupText(now: number, ended: boolean, style: Style): string {
    const rows = [...this.#hosts.values()];
    const count = (test: (row: HostRow) => boolean) => rows.filter(test).length;
    const counts = [
      plural(rows.length, 'host'),
      ended ? '' : `${String(count((row) => row.task !== undefined))} at work`,
      count((row) => row.changed > 0) > 0 ? style.yellow(`${String(count((row) => row.changed > 0))} changed`) : '',
      count((row) => row.failed) > 0 ? style.red(`${String(count((row) => row.failed))} failed`) : '',
      count((row) => row.unreachable) > 0 ? style.red(`${String(count((row) => row.unreachable))} unreachable`) : '',
    ].filter((text) => text !== '');
    const task = ended ? undefined : rows.find((row) => row.task !== undefined)?.task;
    return `${this.title}: ${counts.join(', ')}${task === undefined ? '' : `  ${printable(task)}`}  ${style.dim(elapsed(now - this.#startedAt))}`;
  }
}

/** `4s`, `2m05s`. */
export function elapsed(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  return seconds < 60 ? `${String(seconds)}s` : `${String(Math.floor(seconds / 60))}m${String(seconds % 60).padStart(2, '0')}s`;
}
