import { splitWords } from '../../core/text/words.ts';
import type { ConfNode } from '../../lvs/keepalived/conf/tree.ts';
import type { Note } from '../types.ts';

/** The statements of a block, taken one keyword after the other; what nobody takes is reported. */
export class Block {
  readonly #nodes: ConfNode[];
  readonly #notes: Note[];
  /** Said of it in reports: `virtual_server 192.168.0.38 80`. */
  readonly #name: string;

  constructor(nodes: readonly ConfNode[], name: string, notes: Note[]) {
    this.#nodes = [...nodes];
    this.#name = name;
    this.#notes = notes;
  }

  /** All statements of these keywords, in order. */
  all(...keywords: readonly string[]): readonly ConfNode[] {
    const found = this.#nodes.filter(({ words: [keyword = ''] }) => keywords.includes(keyword));
    for (const node of found) this.#nodes.splice(this.#nodes.indexOf(node), 1);
    return found;
  }

  /** The last one, which is what counts. */
  node(...keywords: readonly string[]): ConfNode | undefined {
    return this.all(...keywords).at(-1);
  }

  /** The words behind a keyword, as one text. */
  text(...keywords: readonly string[]): string | undefined {
    return this.node(...keywords)?.words.slice(1).join(' ');
  }

  number(...keywords: readonly string[]): number | undefined {
    const node = this.node(...keywords);
    if (node === undefined) return undefined;
    const value = Number(node.words[1] ?? Number.NaN);
    const more = node.words.slice(2);
    if (more.length > 0 && Number.isFinite(value)) this.unread(node, `of it only the number is in the model, not ${more.join(' ')}`);
    if (Number.isFinite(value)) return value;
    this.unread(node, 'it has no number');
    return undefined;
  }

  /** A flag, alone or with a boolean. */
  flag(...keywords: readonly string[]): boolean {
    const node = this.node(...keywords);
    return node !== undefined && !['no', 'off', 'false'].includes(node.words[1] ?? '');
  }

  /** A block within it; undefined when there is none. */
  block(...keywords: readonly string[]): Block | undefined {
    const node = this.node(...keywords);
    return node === undefined ? undefined : this.within(node);
  }

  /** The block of a statement that was taken. */
  within(node: ConfNode): Block {
    return new Block(node.body ?? [], node.text, this.#notes);
  }

  changed(node: ConfNode, reason: string): void {
    this.#notes.push({ kind: 'changed', position: node.position, text: shown(node), reason });
  }

  bug(node: ConfNode, id: string, reason: string): void {
    this.#notes.push({ kind: 'bug', id, position: node.position, text: shown(node), reason });
  }

  unread(node: ConfNode, reason: string): void {
    this.#notes.push({ kind: 'not-understood', position: node.position, text: shown(node), reason });
  }

  understood(node: ConfNode, reason: string): void {
    this.#notes.push({ kind: 'understood', position: node.position, text: shown(node), reason });
  }

  /** Reports what was not taken. */
  end(): void {
    for (const node of this.#nodes.splice(0)) this.unread(node, `not in the model, in ${this.#name}`);
  }
}

/** Never the password itself. */
function shown(node: ConfNode): string {
  return node.words[0] === 'auth_pass' ? 'auth_pass ...' : node.text;
}

/** The argv of a command in one string: words in single quotes, escapes in octal (keepalived 2.0.6 on). Undefined when quotes do not close. */
export function commandWords(text: string): readonly string[] | undefined {
  try {
    const words = splitWords(text.replaceAll(/\\([0-7]{3})/g, '\u0001$1'));
    return words.map((word) => decodeOctal(word));
  } catch {
    return undefined;
  }
}

/** Marked bytes, as UTF-8. */
function decodeOctal(word: string): string {
  return word.replaceAll(/(?:\u0001[0-7]{3})+/g, (run) => Buffer.from([...run.matchAll(/[0-7]{3}/g)].map(([octal]) => Number.parseInt(octal, 8))).toString('utf8'));
}
