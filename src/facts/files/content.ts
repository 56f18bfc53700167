import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { shellQuote } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';

/** What is in a file, links followed. */
export type ContentState = {
  /** other: a directory, a device, or nothing that this user may read. */
  readonly state: 'absent' | 'file' | 'other';
  /** Hexadecimal, empty when it is no file. */
  readonly sha256: string;
  /** Only of files up to 256 KiB that are text. */
  readonly text?: string;
};

export const NO_CONTENT: ContentState = { state: 'absent', sha256: '' };

const LARGE = 256 * 1024;

/**
 * Key: an absolute path. One `stat` gives the sizes, one `cat` the small files, a `sha256sum` each large one. A file that changes in between is
 * noticed by the sum of the sizes.
 */
export const contentFact = defineFact<ContentState>({
  name: 'content',
  summary: 'contents of files',
  script: (keys) =>
    [
      'set --',
      ...keys.map((key) => {
        const path = shellQuote(key);
        return `if [ -f ${path} ] && [ -r ${path} ]; then echo file; set -- "$@" ${path}; elif [ -e ${path} ]; then echo other; else echo absent; fi`;
      }),
      "echo '--- sizes'",
      // Small files stay in the list, in order; a large one is told by its checksum.
      'if [ $# -gt 0 ]; then for size in $(stat -L -c %s -- "$@"); do',
      '  path=$1; shift',
      `  if [ "$size" -le ${String(LARGE)} ]; then echo "$size"; set -- "$@" "$path"; else sum=$(sha256sum <"$path"); echo "large \${sum%% *}"; fi`,
      'done; fi',
      "echo '--- content'",
      'if [ $# -gt 0 ]; then cat -- "$@"; fi',
    ].join('\n'),
  parse: (output, keys) => parseContents(output, keys),
  aspects: ({ state, sha256 }, key) => ({ [`content of ${key}`]: state === 'file' ? sha256 : state }),
});

function parseContents(output: Buffer, keys: readonly string[]): Map<string, ContentState> {
  const sizesAt = output.indexOf('--- sizes\n');
  const contentAt = output.indexOf('--- content\n', sizesAt);
  if (sizesAt < 0 || contentAt < 0) throw new Error('the contents are incomplete');
  const words = output.subarray(0, sizesAt).toString('utf8').trimEnd().split('\n');
  const sizes = output.subarray(sizesAt + 10, contentAt).toString('utf8').trim().split('\n');
  const body = output.subarray(contentAt + 12);
  const total = sizes.reduce((sum, size) => sum + (size.startsWith('large') ? 0 : Number(size)), 0);
  const files = words.filter((word) => word === 'file').length;
  if (words.length !== keys.length || (files > 0 && (sizes.length !== files || total !== body.length))) {
    throw new Error('a file changed while it was read; run it again');
  }
  let offset = 0;
  let next = 0;
  return new Map(
    keys.map((key, index): [string, ContentState] => {
      const word = words[index];
      if (word !== 'file') return [key, { state: word === 'absent' ? 'absent' : 'other', sha256: '' }];
      const size = sizes[next++] ?? '';
      if (size.startsWith('large ')) return [key, { state: 'file', sha256: size.slice(6) }];
      const bytes = body.subarray(offset, offset + Number(size));
      offset += Number(size);
      return [key, contentOf(bytes)];
    }),
  );
}

/** The state of a file with these bytes. */
export function contentOf(bytes: Uint8Array): ContentState {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const isText = bytes.length <= LARGE && isUtf8(bytes) && !bytes.includes(0);
  return { state: 'file', sha256, ...(isText ? { text: Buffer.from(bytes).toString('utf8') } : {}) };
}
