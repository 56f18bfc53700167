import type { Note, Read } from '../types.ts';

/** The line of the report on what was read. @param about place, text and host */
export function readNote(read: Read, about: Pick<Note, 'position' | 'text' | 'host'>): Note {
  if ('done' in read) return { ...about, kind: 'understood', reason: read.done };
  if ('ignored' in read) return { ...about, kind: 'changed', reason: read.ignored };
  if ('bug' in read) return { ...about, kind: 'bug', id: read.id, reason: read.bug };
  return { ...about, kind: 'not-understood', reason: read.unread };
}
