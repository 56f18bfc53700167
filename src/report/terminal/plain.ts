import type { RunEvent } from '../../core/events.ts';
import { groupedBy, hostNames } from '../../observe/words.ts';
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
  const lost = new LostHosts((lines) => { for (const line of lines) write(`${line}\n`); }, style);
  return {
    handle: (event) => {
      if (lost.take(event)) return;
      for (const line of plainLines(event, options, style, lost.names)) write(`${line}\n`);
    },
    notice: (text) => {
      write(`${text}\n`);
    },
    quiet: (work) => work(),
    close: () => {
      lost.tell();
      return Promise.resolve();
    },
  };
}

/** The lines that tell of an event; none for those that a log can do without. Pure. @param lost hosts that gave no answer up to then */
export function plainLines(event: RunEvent, options: ProgressOptions, style: Style, lost: readonly string[] = []): string[] {
  switch (event.type) {
    case 'run-started':
      return [`${event.command}: ${event.playbook} on ${plural(event.hosts.length, 'host')} of ${event.inventory}`];
    case 'host-gathering':
      return options.verbose ? [`asking: [${event.host}]`] : [];
    case 'host-lost':
      return lostLines([event], style);
    case 'plan-made': {
      const seen = event.hosts.filter(({ host }) => !lost.includes(host));
      const changes = seen.reduce((sum, host) => sum + host.changes, 0);
      const known = changes === 0 ? `no changes on ${plural(seen.length, 'host')}` : `${plural(changes, 'change')} on ${plural(seen.filter((host) => host.changes > 0).length, 'host')}`;
      return [`planned: ${[...(seen.length === 0 ? [] : [known]), ...(lost.length === 0 ? [] : [`unknown on ${hostNames(lost)}`])].join('; ')}`];
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

type HostLost = Extract<RunEvent, { type: 'host-lost' }>;

/** Hosts that are lost while all are asked: what is the same on several is told once, when the asking is over. */
export class LostHosts {
  readonly #write: (lines: readonly string[]) => void;
  readonly #style: Style;
  #events: HostLost[] = [];
  readonly #names: string[] = [];

  constructor(write: (lines: readonly string[]) => void, style: Style) {
    this.#write = write;
    this.#style = style;
  }

  /** @returns whether the event is kept for later; any other but the asking of a host tells what was kept */
  take(event: RunEvent): boolean {
    if (event.type === 'host-lost') {
      this.#events.push(event);
      this.#names.push(event.host);
      return true;
    }
    if (event.type !== 'host-gathering') this.tell();
    return false;
  }

  /** All of them, in the order in which they were lost. */
  get names(): readonly string[] {
    return this.#names;
  }

  tell(): void {
    const events = this.#events.splice(0);
    if (events.length > 0) this.#write(lostLines(events, this.#style));
  }
}

/** `unreachable: [lvs1, lvs2 and rs1] connection refused`, and the way out. Pure. */
function lostLines(events: readonly HostLost[], style: Style): string[] {
  return groupedBy(events.map(({ host, state, message }) => ({ host, kind: state, message }))).flatMap(({ kind, hosts, cause }) => {
    const own = events.filter(({ host }) => hosts.includes(host));
    const hints = [...new Set(own.map(({ hint }) => hint))];
    const hint = hints.length === 1 && hints[0] !== undefined ? [`  ${style.cyan('hint:')} ${printable(hints[0])}`] : [];
    return [`${style.red(`${kind}:`)} [${hostNames(hosts)}] ${printable(own.length === 1 ? (own[0]?.message ?? cause) : cause)}`, ...hint];
  });
}

export function stoppedLines(event: Extract<RunEvent, { type: 'run-stopped' }>, style: Style): string[] {
  const rest = event.notStarted.length === 0 ? '' : `; not started: ${event.notStarted.join(', ')}`;
  return [`${style.red('stopped:')} ${printable(event.reason)}${rest}`];
}

export function messageLine(event: Extract<RunEvent, { type: 'message' }>, style: Style): string {
  const host = event.host === undefined ? '' : ` [${event.host}]`;
  return event.level === 'warning' ? `${style.yellow('warning:')}${host} ${printable(event.text)}` : `${style.dim('info:')}${host} ${printable(event.text)}`;
}
