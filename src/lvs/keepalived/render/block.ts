/** Lines of keepalived.conf, nested. */
export type Block = readonly (string | { readonly head: string; readonly body: Block })[];

/** One line each, four spaces for a level. */
export function linesOf(block: Block, indent = ''): string[] {
  return block.flatMap((line) => (typeof line === 'string' ? [`${indent}${line}`] : [`${indent}${line.head} {`, ...linesOf(line.body, `${indent}    `), `${indent}}`]));
}

/** A line when there is a value, else nothing. */
export function option(keyword: string, value: string | number | undefined): readonly string[] {
  return value === undefined ? [] : [`${keyword} ${String(value)}`];
}

/** A line when it is so, else nothing. */
export function flag(keyword: string, set: boolean): readonly string[] {
  return set ? [keyword] : [];
}

/** A block when it has lines, else nothing: keepalived complains about some empty ones. */
export function section(head: string, body: Block): Block {
  return body.length === 0 ? [] : [{ head, body }];
}
