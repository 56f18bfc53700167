import { stripVTControlCharacters } from 'node:util';

/** Marks text for a terminal; without colour it gives the text back as it is. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

export function createStyle(color: boolean): Style {
  const mark = (on: number, off: number) => (text: string) => (color && text !== '' ? `\u001b[${String(on)}m${text}\u001b[${String(off)}m` : text);
  return { bold: mark(1, 22), dim: mark(2, 22), red: mark(31, 39), green: mark(32, 39), yellow: mark(33, 39), cyan: mark(36, 39) };
}

/** Whether to colour: NO_COLOR forbids (no-color.org), FORCE_COLOR asks (0 forbids), else a terminal that is not dumb. */
export function wantsColor(env: Readonly<Record<string, string | undefined>>, isTTY: boolean): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return isTTY && env['TERM'] !== 'dumb';
}

/** What a host said, safe to print: no escape sequence of its may move the cursor, set the title or hide text. Tabs and newlines stay. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll('\r\n', '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\uFFFD');
}
