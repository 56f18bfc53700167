import type { Cursor } from './cursor.ts';
import type { Assignment, HereDocument, SimpleCommand, Word } from './syntax.ts';

/** A simple command: assignments, words and redirections in any order; undefined where none begins. */
export function simpleCommand(cursor: Cursor): SimpleCommand | undefined {
  const start = cursor.offset();
  const position = cursor.position();
  const assignments: Assignment[] = [];
  const words: Word[] = [];
  const redirects: SimpleCommand['redirects'][number][] = [];
  for (;;) {
    const token = cursor.token();
    const redirect = redirection(cursor);
    if (redirect !== undefined) redirects.push(redirect);
    else if (token?.type === 'word') {
      const assigned = words.length === 0 ? assignmentOf(token.word) : undefined;
      cursor.next();
      if (assigned === undefined) words.push(token.word);
      else if (assigned.value.text === '' && cursor.operator() === '(' && cursor.token()?.start === token.end) assignments.push({ name: assigned.name, values: array(cursor), array: true });
      else assignments.push({ name: assigned.name, values: [assigned.value], array: false });
    } else break;
  }
  if (words.length === 0 && assignments.length === 0 && redirects.length === 0) return undefined;
  return { type: 'command', position, assignments, words, redirects, input: undefined, text: cursor.since(start) };
}

/** Takes one `> file`, `<<EOF` or the like; undefined where none is. */
export function redirection(cursor: Cursor): { operator: string; target: Word; document: HereDocument | undefined } | undefined {
  const operator = cursor.operator();
  if (operator === undefined || !/[<>]/.test(operator)) return undefined;
  cursor.next();
  const token = cursor.token();
  return { operator, target: cursor.word(), document: token?.type === 'word' ? token.document : undefined };
}

/** `(a b)` behind `NAME=`, also over several lines. */
function array(cursor: Cursor): Word[] {
  const words: Word[] = [];
  cursor.next();
  for (cursor.skipNewlines(); cursor.operator() !== ')'; cursor.skipNewlines()) words.push(cursor.word());
  cursor.next();
  return words;
}

/** `NAME=value`, its name not quoted. */
function assignmentOf(word: Word): { name: string; value: Word } | undefined {
  const [first, ...rest] = word.parts;
  if (first?.type !== 'text' || first.quoted) return undefined;
  const [whole, name] = /^([A-Za-z_]\w*)=/.exec(first.text) ?? [];
  if (whole === undefined || name === undefined) return undefined;
  const left = first.text.slice(whole.length);
  return { name, value: { parts: left === '' ? rest : [{ ...first, text: left }, ...rest], text: word.text.slice(whole.length) } };
}
