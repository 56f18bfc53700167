import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Position } from '../core/errors.ts';
import { globPattern } from '../core/text/glob.ts';
import { expand } from '../lvs/keepalived/conf/expand.ts';
import { parseLines } from '../lvs/keepalived/conf/lines.ts';
import { treeOf } from '../lvs/keepalived/conf/tree.ts';
import { importKeepalived } from './keepalived/import.ts';
import { type LiveHost, mainFile } from './live.ts';
import type { KeepalivedImport, Note } from './types.ts';

type Files = readonly { readonly path: string; readonly text: string }[];

/** A keepalived.conf of this machine, with the files that it includes. @param host whose it is, for conditions like `@lvs1` */
export function readKeepalivedFile(file: string, text: string, host: string | undefined): KeepalivedImport {
  return read(file, text, host, (pattern, from) => includedHere(pattern, from));
}

/** What a host has in /etc/keepalived; undefined without keepalived.conf. */
export function readKeepalivedLive(live: LiveHost): KeepalivedImport | undefined {
  const main = mainFile(live);
  if (main === undefined) return undefined;
  const all = [...live.files].map(([name, content]) => ({ path: name, text: content }));
  const found = read(main, live.files.get(main) ?? '', live.setup.name, (pattern, from) => {
    const wanted = globPattern(path.posix.resolve(path.posix.dirname(from), pattern), '/');
    return all.filter((file) => wanted.test(file.path)).sort((a, b) => (a.path < b.path ? -1 : 1));
  });
  // Every host has one: its notes say whose it is.
  const host = live.setup.name ?? live.setup.ownAddress ?? 'a host';
  const onHost = (position: Position): Position => ({ ...position, file: `${host}: ${position.file}` });
  return {
    ...found,
    marks: new Map([...found.marks].map(([name, mark]) => [name, { ...mark, position: onHost(mark.position) }])),
    notes: found.notes.map((note) => (note.position === undefined ? note : { ...note, position: onHost(note.position) })),
  };
}

function read(file: string, text: string, host: string | undefined, include: (pattern: string, from: string) => Files): KeepalivedImport {
  const missing: Note[] = [];
  const lines = expand(parseLines(text, file), {
    configId: host?.split('.')[0] ?? '',
    include,
    missing: (pattern, position) => missing.push({ kind: 'not-understood', position, text: `include ${pattern}`, reason: 'no such file was found' }),
  });
  const found = importKeepalived(treeOf(lines));
  return { ...found, notes: [...missing, ...found.notes] };
}

/** Files that a pattern means, seen from the file that includes them; patterns in the last part of a path only. */
function includedHere(pattern: string, from: string): Files {
  const full = path.resolve(path.dirname(from), pattern);
  try {
    const names = /[*?[]/.test(path.basename(full)) ? readdirSync(path.dirname(full)).filter((name) => globPattern(path.basename(full), '/').test(name) && !name.startsWith('.')).sort() : [path.basename(full)];
    return names.map((name) => ({ path: path.join(path.dirname(full), name), text: readFileSync(path.join(path.dirname(full), name), 'utf8') }));
  } catch {
    return [];
  }
}
