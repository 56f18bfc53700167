import { shellQuote } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';

/** A path, as it is: a link is not followed. */
export type FileState = {
  readonly type: 'absent' | 'file' | 'directory' | 'link' | 'other';
  /** Four octal digits, empty when absent. */
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  /** Where a link points, as written in it. */
  readonly target?: string;
};

export const ABSENT: FileState = { type: 'absent', mode: '', owner: '', group: '' };

/** Key: an absolute path. One `stat` for all that are there, and one `readlink` for each link. */
export const fileFact = defineFact<FileState>({
  name: 'file',
  summary: 'type, mode and owner of paths',
  script: (keys) =>
    [
      'set --',
      ...keys.map((key, index) => {
        const path = shellQuote(key);
        return `if [ -h ${path} ]; then echo "${String(index)} link"; readlink -n ${path}; printf '\\0\\n'; set -- "$@" ${path}; elif [ -e ${path} ]; then echo "${String(index)} there"; set -- "$@" ${path}; else echo "${String(index)} absent"; fi`;
      }),
      "echo '--- stat'",
      "if [ $# -gt 0 ]; then stat -c '%f %a %U %G' -- \"$@\"; fi",
    ].join('\n'),
  parse: (output, keys) => {
    const text = output.toString('utf8');
    const split = text.lastIndexOf('--- stat\n');
    if (split < 0) throw new Error('stat gave no answer');
    const rows = text.slice(split + 9).trimEnd().split('\n');
    const heads = [...text.slice(0, split).matchAll(/(\d+) (?:(absent|there)\n|link\n([^\0]*)\0\n)/gy)];
    if (heads.length !== keys.length) throw new Error(`${String(heads.length)} of ${String(keys.length)} paths were answered`);
    let row = 0;
    return new Map(
      keys.map((key, index): [string, FileState] => {
        const [, , word, target] = heads[index] ?? [];
        if (word === 'absent') return [key, ABSENT];
        const [type = '', mode = '', owner = '', group = ''] = (rows[row++] ?? '').split(' ');
        if (group === '') throw new Error(`stat gave no answer for ${key}`);
        return [key, { type: typeOf(Number.parseInt(type, 16)), mode: mode.padStart(4, '0'), owner, group, ...(target === undefined ? {} : { target }) }];
      }),
    );
  },
  aspects: ({ type, mode, owner, group, target }, key) => ({ [`path ${key}`]: type === 'absent' ? 'absent' : [type, mode, `${owner}:${group}`, ...(target === undefined ? [] : [`-> ${target}`])].join(' ') }),
});

/** From st_mode, see inode(7). */
function typeOf(mode: number): FileState['type'] {
  const types: Readonly<Record<number, FileState['type']>> = { 0o100000: 'file', 0o040000: 'directory', 0o120000: 'link' };
  return types[mode & 0o170000] ?? 'other';
}
