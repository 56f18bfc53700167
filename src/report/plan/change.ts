import type { ChangeView, TaskOutcome } from '../../core/events.ts';
import type { Json } from '../../core/json.ts';
import { printable, type Style } from '../terminal/style.ts';

const LONGEST_VALUE = 100;

/** A change as lines: `~ path: before → after`, its impact, and its diff when asked for. */
export function changeLines(change: ChangeView, options: { readonly diff: boolean; readonly style: Style }): string[] {
  const { style } = options;
  const path = printable(change.path);
  const impact = change.impact === undefined ? '' : `  ${style.yellow(`(${printable(change.impact)})`)}`;
  const head = headLine(path, change, style) + impact;
  return options.diff && change.diff !== undefined && change.diff !== '' ? [head, ...diffLines(change.diff, style).map((line) => `  ${line}`)] : [head];
}

function headLine(path: string, change: ChangeView, style: Style): string {
  if (change.before === null && change.after === null) return `${style.yellow('~')} ${path}`;
  if (change.before === null) return `${style.green('+')} ${path}: ${shortValue(change.after)}`;
  if (change.after === null) return `${style.red('-')} ${path}: ${shortValue(change.before)}`;
  return `${style.yellow('~')} ${path}: ${shortValue(change.before)} → ${shortValue(change.after)}`;
}

/** A value in one line, cut when long. */
function shortValue(value: Json): string {
  const text = printable(typeof value === 'string' && /^[^\s"'][^\n"']*$/.test(value) ? value : JSON.stringify(value));
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 1)}…`;
}

/** The lines of a unified diff, coloured. */
function diffLines(diff: string, style: Style): string[] {
  const lines = printable(diff).replace(/\n$/, '').split('\n');
  return lines.map((line) => {
    if (line.startsWith('+++') || line.startsWith('---')) return style.bold(line);
    if (line.startsWith('+')) return style.green(line);
    if (line.startsWith('-')) return style.red(line);
    return line.startsWith('@@') ? style.cyan(line) : line;
  });
}

/**
 * What is to be told of a finished task beside its one line: why it failed, its changes, its output.
 * @param options.told the output is what the task is for: it is always shown
 */
export function outcomeLines(outcome: TaskOutcome, options: { readonly diff: boolean; readonly verbose: boolean; readonly told: boolean; readonly style: Style }): string[] {
  const { style } = options;
  const bad = outcome.status === 'failed' || outcome.status === 'ignored';
  const lines: string[] = [];
  if (bad && outcome.hint !== undefined) lines.push(`${style.cyan('hint:')} ${printable(outcome.hint)}`);
  if (options.diff || options.verbose) lines.push(...outcome.changes.flatMap((change) => changeLines(change, options)));
  if ((bad || options.verbose || options.told) && outcome.output !== undefined && outcome.output.trim() !== '') {
    lines.push(...printable(outcome.output).trimEnd().split('\n').map((line) => style.dim(`| ${line}`)));
  }
  return lines;
}
