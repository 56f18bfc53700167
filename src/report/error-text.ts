import { formatPosition, InputErrors, LvsPlayError, messageOf, type Position } from '../core/errors.ts';
import { createStyle, printable, type Style } from './terminal/style.ts';

export interface ErrorTextOptions {
  readonly color: boolean;
  /** The text of a file that a position names, for the excerpt; undefined when it cannot be read. */
  readonly source?: (file: string) => string | undefined;
  /** Where in the program it was thrown, for errors that are our own mistake: shown as -vvv asks, to be asked for with -vvv (the default), or shown always, where a command has no -v. */
  readonly stack?: 'asked' | 'on-request' | 'always';
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
  const external = known === undefined ? systemFault(error) : undefined;
  if (external !== undefined) lines.push(`  ${style.cyan('hint:')} ${external}`);
  else if (known === undefined || known.kind === 'internal') lines.push(...ownMistake(error, options.stack ?? 'on-request', style));
  return `${lines.join('\n')}\n`;
}

function ownMistake(error: unknown, stack: NonNullable<ErrorTextOptions['stack']>, style: Style): string[] {
  const way = { asked: 'report it with the lines below', 'on-request': '-vvv shows where', always: 'report it with the lines below' }[stack];
  const where = stack !== 'on-request' && error instanceof Error && error.stack !== undefined ? [style.dim(error.stack)] : [];
  return [`  ${style.cyan('hint:')} this is a mistake in lvs-play; ${way}`, ...where];
}

/** What this machine refused, by the code of a system error (errno(3)), and the way out; undefined for what may be our mistake. */
const SYSTEM_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the file system is full: free space there (df -h, df -i)',
  EDQUOT: 'the quota of disk space is used up: free space there',
  EROFS: 'the file system is mounted read-only',
  EACCES: 'check the owner and mode of the file and of the folders above it, or run it as another user',
  EPERM: 'check the owner and mode of the file and of the folders above it, or run it as another user',
  EIO: 'the disk of this machine reports errors: see dmesg',
  ENOMEM: 'this machine is out of memory',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
  ENFILE: 'too many open files on this machine: raise the limit (sysctl fs.file-max)',
  EAGAIN: 'too many processes: raise the limit (ulimit -u)',
};

function systemFault(error: unknown): string | undefined {
  const { code, syscall } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  return code === undefined || syscall === undefined ? undefined : SYSTEM_FAULTS[code];
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
