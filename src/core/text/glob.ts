/**
 * A shell pattern of `*`, `?`, `[abc]` and `[!abc]`, which the whole of a text has to match.
 * @param separator what no `*` and no `?` stands for: `/` in paths
 */
export function globPattern(pattern: string, separator = ''): RegExp {
  const any = separator === '' ? '.' : `[^${separator}]`;
  const parts = pattern.match(/\[!?\]?[^\]]*\]|[^]/g) ?? [];
  const source = parts.map((part) => {
    if (part === '*') return `${any}*`;
    if (part === '?') return any;
    if (part.length > 1) return characters(part.slice(1, -1));
    return part.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`, 's');
}

/** The inside of brackets. A range that runs backwards holds nothing, in a shell as well. */
function characters(inside: string): string {
  const not = inside.startsWith('!');
  const escaped = (not ? inside.slice(1) : inside).replaceAll(/([^])-([^])/g, (range, from: string, to: string) => (from <= to ? range : '')).replaceAll(/[\\^[\]]/g, '\\$&');
  return `[${not ? '^' : ''}${escaped}]`;
}
