import type { ConfLine } from './lines.ts';

/**
 * The text of lines, one statement a line, four blanks a level. Blocks whose beginning depends on a condition (`@main x {` after
 * `@backup x {`) share their end, so they count as one level.
 */
export function printLines(lines: readonly ConfLine[]): string {
  let depth = 0;
  let sharedOpen = false;
  const printed = lines.map((line) => {
    const joinsLast = line.kind === 'open' && line.condition !== undefined && sharedOpen;
    if (line.kind === 'close') depth = Math.max(0, depth - 1);
    const text = `${'    '.repeat(joinsLast ? depth - 1 : depth)}${textOf(line)}`.trimEnd();
    if (line.kind === 'open' && !joinsLast) depth++;
    if (line.kind !== 'comment' && line.kind !== 'blank') sharedOpen = line.kind === 'open' && line.condition !== undefined;
    return text;
  });
  return printed.map((line) => `${line}\n`).join('');
}

function textOf({ kind, text, condition, comment }: ConfLine): string {
  const body = { statement: text, open: text === '' ? '{' : `${text} {`, close: '}', definition: definition(text), comment: text, blank: '' }[kind];
  return [condition, body, comment].filter((part) => part !== undefined && part !== '').join(' ');
}

function definition(text: string): string {
  const [, name = '', value = ''] = /^(\$\w+)=(.*)$/s.exec(text) ?? [];
  return value.includes('\n') ? `${name}= \\\n${value.split('\n').map((line) => `    ${line}`).join(' \\\n')}` : `${name}=${value}`;
}
