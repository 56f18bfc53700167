import { formatPosition, InputErrors, LvsPlayError, messageOf, type Position } from '../core/errors.ts';
import { createStyle, printable, type Style } from './terminal/style.ts';

export interface ErrorTextOptions {
  readonly color: boolean;
  /** The text of a file that a position names, for the excerpt; undefined when it cannot be read. */
  readonly source?: (file: string) => string | undefined;
  /** Show where in the program it was thrown, for errors that are our own mistake. */
  readonly stack?: boolean;
}

/**
 * An error for people: `error: message`, where, the line of the file with a mark under the place, and `hint:` with the way out.
 * All errors of an InputErrors, one after another. Pure but for `source`.
 */
export function formatError(error: unknown, options: ErrorTextOptions): string {
  const style = createStyle(options.color);
  const errors: readonly unknown[] = error instanceof InputErrors ? error.errors : [error];
  return errors.map((one) => formatOne(one, options, style)).join('\n');
}

function formatOne(error: unknown, options: ErrorTextOptions, style: Style): string {
  const known = error instanceof LvsPlayError ? error : undefined;
  const host = known?.host === undefined || known.message.includes(known.host) ? '' : `${known.host}: `;
  const lines = [`${style.red('error:')} ${host}${printable(messageOf(error))}`];
  if (known?.position !== undefined) lines.push(`  at ${style.bold(formatPosition(known.position))}`, ...excerpt(known.position, options, style));
  if (known?.hint !== undefined) lines.push(`  ${style.cyan('hint:')} ${printable(known.hint)}`);
  if (known === undefined || known.kind === 'internal') {
    lines.push(`  ${style.cyan('hint:')} this is a mistake in lvs-play; -vvv shows where`);
    if (options.stack === true && error instanceof Error && error.stack !== undefined) lines.push(style.dim(error.stack));
  }
  return `${lines.join('\n')}\n`;
}

function excerpt(position: Position, options: ErrorTextOptions, style: Style): string[] {
  const line = options.source?.(position.file)?.split('\n')[position.line - 1]?.replace(/\r$/, '');
  if (line === undefined || line.trim() === '') return [];
  const number = String(position.line);
  const gutter = ' '.repeat(number.length);
  // A tab stays a tab under a tab, so that the mark stands below its place.
  const indent = line.slice(0, position.column - 1).replaceAll(/[^\t]/g, ' ');
  return [`  ${style.dim(`${number} |`)} ${printable(line)}`, `  ${style.dim(`${gutter} |`)} ${indent}${style.red('^')}`];
}
