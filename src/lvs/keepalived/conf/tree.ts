import { LvsPlayError, type Position } from '../../../core/errors.ts';
import { type ConfLine, wordsOf } from './lines.ts';

/** What is in force: a statement, or a block of such. */
export interface ConfNode {
  readonly position: Position;
  /** Its words, quotes taken off. */
  readonly words: readonly string[];
  /** As written. */
  readonly text: string;
  /** Undefined: a statement without a block. */
  readonly body: readonly ConfNode[] | undefined;
  /** Comments of the lines before it and of its own, with their marks; none for most. */
  readonly comments: readonly string[];
}

/**
 * The blocks of lines without conditions and variables (`expand` resolves them).
 * @throws LvsPlayError kind `input` for a brace too many or too few, with the place: keepalived would read something else than is meant
 */
export function treeOf(lines: readonly ConfLine[]): readonly ConfNode[] {
  const root: ConfNode[] = [];
  const open: { readonly body: ConfNode[]; readonly position: Position }[] = [];
  let comments: string[] = [];
  for (const line of lines) {
    const body = open.at(-1)?.body ?? root;
    const own = [...comments, ...(line.comment === undefined ? [] : [line.comment])];
    if (line.kind === 'comment') comments.push(line.text);
    if (line.kind === 'comment' || line.kind === 'blank' || line.kind === 'definition') continue;
    comments = [];
    if (line.kind === 'statement') {
      body.push({ position: line.position, words: wordsOf(line.text), text: line.text, body: undefined, comments: own });
    } else if (line.kind === 'open') {
      const inner: ConfNode[] = [];
      // A brace on a line of its own belongs to the statement before.
      const head = line.text === '' ? body.pop() : undefined;
      const text = head?.text ?? line.text;
      body.push({ position: head?.position ?? line.position, words: wordsOf(text), text, body: inner, comments: [...(head?.comments ?? []), ...own] });
      open.push({ body: inner, position: line.position });
    } else if (open.pop() === undefined) {
      throw unbalanced('} without a block', line.position);
    }
  }
  const last = open.at(-1);
  if (last !== undefined) throw unbalanced('the block is not closed', last.position);
  return root;
}

function unbalanced(message: string, position: Position): LvsPlayError {
  return new LvsPlayError({ code: 'keepalived-braces', kind: 'input', message, position, hint: 'put the braces right: keepalived ignores what it cannot place' });
}

/** The lines of nodes, for `printLines`. */
export function linesOf(nodes: readonly ConfNode[]): readonly ConfLine[] {
  return nodes.flatMap((node): ConfLine[] => {
    const line = (kind: ConfLine['kind'], text: string): ConfLine => ({ position: node.position, condition: undefined, kind, text, comment: undefined });
    const before = node.comments.map((comment) => line('comment', comment));
    if (node.body === undefined) return [...before, line('statement', node.text)];
    return [...before, line('open', node.text), ...linesOf(node.body), line('close', '')];
  });
}
