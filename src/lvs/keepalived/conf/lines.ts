import type { Position } from '../../../core/errors.ts';

/**
 * One line of keepalived.conf as its parser sees it: a written line is split where a block begins or ends. Lossless but for blanks: comments,
 * conditions and what nobody knows are kept.
 */
export interface ConfLine {
  readonly position: Position;
  /** What the line must be read for: `@main` or `@^main`; undefined: always. */
  readonly condition: string | undefined;
  readonly kind: 'statement' | 'open' | 'close' | 'definition' | 'comment' | 'blank';
  /**
   * Of a statement its text; of `open` what stands before the brace (empty: on a line of its own); of a definition `$NAME=value`, lines of
   * a longer one joined by a newline; of a comment the whole of it.
   */
  readonly text: string;
  /** At the end of the line, with its `#` or `!`. */
  readonly comment: string | undefined;
}

/**
 * Splits a file into lines. Takes every text: what keepalived would refuse is for its own check.
 * Seen with keepalived 2.2.7: a brace outside quotes begins or ends a block wherever it stands, and what follows is another line; a
 * comment begins at any `#` or `!` outside quotes, in the middle of a word as well; a backslash joins lines in definitions only.
 */
export function parseLines(text: string, file: string): readonly ConfLine[] {
  const lines: ConfLine[] = [];
  const written = text.replaceAll('\r\n', '\n').split('\n');
  if (written.at(-1) === '') written.pop();
  for (let index = 0; index < written.length; index++) {
    const start = index;
    const line = written[index] ?? '';
    const definition = /^\s*(@\S+\s+)?\$[A-Za-z_]\w*=/.test(line);
    if (!definition) {
      lines.push(...splitLine(line, file, index + 1));
      continue;
    }
    const parts = [line];
    while (/\\\s*$/.test(parts.at(-1) ?? '') && index + 1 < written.length) parts.push(written[++index] ?? '');
    lines.push(definitionLine(parts, file, start + 1));
  }
  return lines;
}

function definitionLine(parts: readonly string[], file: string, line: number): ConfLine {
  const [first = '', ...rest] = parts;
  const condition = /^\s*(@\S+)\s/.exec(first)?.[1];
  const [, name = '', value = ''] = /(\$\w+)=(.*)$/s.exec(first) ?? [];
  const column = first.indexOf('$') + 1;
  const lines = [value, ...rest].map((one) => one.replace(/\\\s*$/, ''));
  // A comment ends the value of a plain definition; within a longer one each line is decommented when it is used.
  const [only = ''] = lines;
  const { code, comment } = lines.length === 1 ? cutComment(only) : { code: lines.map((one) => one.trim()).join('\n').replace(/^\n/, ''), comment: undefined };
  return { position: { file, line, column }, condition, kind: 'definition', text: `${name}=${code.trim()}`, comment };
}

function splitLine(line: string, file: string, number: number): ConfLine[] {
  const at = (column: number): Position => ({ file, line: number, column: column + 1 });
  const indent = line.length - line.trimStart().length;
  if (line.trim() === '') return [{ position: at(0), condition: undefined, kind: 'blank', text: '', comment: undefined }];
  const { code, comment } = cutComment(line);
  if (code.trim() === '') return [{ position: at(indent), condition: undefined, kind: 'comment', text: comment ?? '', comment: undefined }];
  const condition = /^\s*(@\S+)(?=\s)/.exec(code)?.[1];
  const found: ConfLine[] = [];
  let from = condition === undefined ? 0 : indent + condition.length;
  const push = (kind: ConfLine['kind'], end: number): void => {
    const text = code.slice(from, end).trim();
    if (kind === 'statement' && text === '') return;
    const column = from + (code.slice(from, end).length - code.slice(from, end).trimStart().length);
    found.push({ position: at(text === '' ? end : column), condition: found.length === 0 ? condition : undefined, kind, text, comment: undefined });
  };
  for (const brace of bracesOf(code, from)) {
    if (code.charAt(brace) === '{') {
      push('open', brace);
    } else {
      push('statement', brace);
      from = brace;
      found.push({ position: at(brace), condition: found.length === 0 ? condition : undefined, kind: 'close', text: '', comment: undefined });
    }
    from = brace + 1;
  }
  push('statement', code.length);
  const last = found.pop();
  return last === undefined ? [] : [...found, { ...last, comment }];
}

/** Where braces stand outside quotes and outside of `${NAME}`. */
function bracesOf(code: string, from: number): number[] {
  const found: number[] = [];
  let quoted = false;
  for (let at = from; at < code.length; at++) {
    const character = code.charAt(at);
    if (character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === '$' && code.charAt(at + 1) === '{') at = Math.max(at, code.indexOf('}', at));
    else if (character === '{' || character === '}') found.push(at);
  }
  return found;
}

/** The line without its comment. `\#` and `\!` are no comments. */
function cutComment(line: string): { readonly code: string; readonly comment: string | undefined } {
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '#' || character === '!')) return { code: line.slice(0, at), comment: line.slice(at).trimEnd() };
  }
  return { code: line, comment: undefined };
}

/** The words of a statement, quotes taken off: keepalived keeps what is quoted together, and everything else apart at blanks. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/"((?:\\.|[^"\\])*)"?|((?:\\.|[^\s"\\])+)/g)) {
    const [, quoted, plain = ''] = match;
    words.push((quoted ?? plain).replaceAll(/\\([#!"\\])/g, '$1'));
  }
  return words;
}
