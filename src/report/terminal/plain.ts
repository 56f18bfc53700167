import type { RunEvent } from '../../core/events.ts';
import { outcomeLines } from '../plan/change.ts';
import { plural } from '../plan/plan-text.ts';
import type { ProgressOptions, Reporter } from './reporter.ts';
import { createStyle, printable, type Style } from './style.ts';

const WORDS = { ok: 'ok', changed: 'changed', failed: 'failed', skipped: 'skipping', ignored: 'failed (ignored)' } as const;

/** Modules whose output is what they are for. */
const SPEAKING: ReadonlySet<string> = new Set(['debug']);

/** A line per event, in Ansible's words, for a log: `changed: [rs1] install keepalived`. */
export function plainReporter(write: (text: string) => void, options: ProgressOptions): Reporter {
  const style = createStyle(options.color);
  return {
    handle: (event) => {
      for (const line of plainLines(event, options, style)) write(`${line}\n`);
    },
    notice: (text) => {
      write(`${text}\n`);
    },
    quiet: (work) => work(),
    close: () => Promise.resolve(),
  };
}

/** The lines that tell of an event; none for those that a log can do without. Pure. */
export function plainLines(event: RunEvent, options: ProgressOptions, style: Style): string[] {
  switch (event.type) {
    case 'run-started':
      return [`${event.command}: ${event.playbook} on ${plural(event.hosts.length, 'host')} of ${event.inventory}`];
    case 'host-gathering':
      return options.verbose ? [`asking: [${event.host}]`] : [];
    case 'host-lost':
      return lostLines(event, style);
    case 'plan-made': {
      const changes = event.hosts.reduce((sum, host) => sum + host.changes, 0);
      return [`planned: ${plural(changes, 'change')} on ${plural(event.hosts.filter((host) => host.changes > 0).length, 'host')}`];
    }
    case 'pair-watched':
      return [printable(event.text)];
    case 'play-started':
      return ['', style.bold(`PLAY [${event.play}]`)];
    case 'batch-started':
      return event.batch === 0 ? [] : [`batch ${String(event.batch + 1)}: ${event.hosts.join(', ')}`];
    case 'task-finished':
      return taskLines(event, options, style);
    case 'message':
      return [messageLine(event, style)];
    case 'run-stopped':
      return stoppedLines(event, style);
    case 'task-started':
    case 'batch-finished':
    case 'play-finished':
    case 'run-finished':
      return [];
  }
}

/** `failed: [rs1] start nginx: message`, and under it what else is to be told. */
export function taskLines(event: Extract<RunEvent, { type: 'task-finished' }>, options: ProgressOptions, style: Style): string[] {
  const { host, task, outcome } = event;
  const color = { ok: style.green, changed: style.yellow, failed: style.red, skipped: style.cyan, ignored: style.red }[outcome.status];
  const message = outcome.message === undefined ? '' : `: ${printable(outcome.message)}`;
  return [`${color(`${WORDS[outcome.status]}:`)} [${host}] ${printable(task.name)}${message}`, ...outcomeLines(outcome, { ...options, told: SPEAKING.has(task.module), style }).map((line) => `  ${line}`)];
}

export function lostLines(event: Extract<RunEvent, { type: 'host-lost' }>, style: Style): string[] {
  const hint = event.hint === undefined ? [] : [`  ${style.cyan('hint:')} ${printable(event.hint)}`];
  return [`${style.red(`${event.state}:`)} [${event.host}] ${printable(event.message)}`, ...hint];
}

export function stoppedLines(event: Extract<RunEvent, { type: 'run-stopped' }>, style: Style): string[] {
  const rest = event.notStarted.length === 0 ? '' : `; not started: ${event.notStarted.join(', ')}`;
  return [`${style.red('stopped:')} ${printable(event.reason)}${rest}`];
}

export function messageLine(event: Extract<RunEvent, { type: 'message' }>, style: Style): string {
  const host = event.host === undefined ? '' : ` [${event.host}]`;
  return event.level === 'warning' ? `${style.yellow('warning:')}${host} ${printable(event.text)}` : `${style.dim('info:')}${host} ${printable(event.text)}`;
}
