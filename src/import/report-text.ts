import { formatPosition } from '../core/errors.ts';
import type { Note, NoteKind } from './types.ts';

const HEADINGS: readonly (readonly [NoteKind, string])[] = [
  ['bug', 'Mistakes found'],
  ['missing', 'Not told by the sources: to be completed'],
  ['not-understood', 'Not understood: not in the inventory'],
  ['changed', 'Changed or left out'],
  ['understood', 'Understood'],
];

/** The report for people, what needs a look first. Alike notes are told once. */
export function formatReport(notes: readonly Note[]): string {
  const distinct = [...new Map(notes.map((note) => [JSON.stringify([note.kind, note.position, note.text, note.reason]), note])).values()];
  const sections = HEADINGS.flatMap(([kind, heading]) => {
    const own = distinct.filter((note) => note.kind === kind);
    return own.length === 0 ? [] : [`${heading} (${String(own.length)})`, ...own.flatMap((note) => lines(note, kind === 'understood')), ''];
  });
  const count = (kind: NoteKind): string => String(distinct.filter((note) => note.kind === kind).length);
  return [...sections, `Imported: ${count('understood')} understood, ${count('changed')} changed or left out, ${count('bug')} mistakes found, ${count('missing')} to be completed, ${count('not-understood')} not understood.`, ''].join('\n');
}

function lines(note: Note, short: boolean): string[] {
  // What a host says of itself as a whole has no line.
  const where = note.position === undefined ? (note.host ?? '') : note.position.line === 0 ? note.position.file : formatPosition(note.position);
  const head = `  ${where === '' ? '' : `${where}  `}${note.text}${note.id === undefined ? '' : `  [${note.id}]`}`;
  return short ? [`${head}  ->  ${note.reason}`] : [head, `      ${note.reason}`];
}
