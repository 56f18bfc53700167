import type { Position } from '../../core/errors.ts';
import type { Token, Word } from './syntax.ts';

/** The tokens of a script, one after the other, for those who know the grammar. */
export class Cursor {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  readonly #positionOf: (offset: number) => Position;
  #at = 0;

  constructor(tokens: readonly Token[], text: string, positionOf: (offset: number) => Position) {
    this.#tokens = tokens;
    this.#text = text;
    this.#positionOf = positionOf;
  }

  /** Undefined: the script has ended. @param ahead how many tokens further on */
  token(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  next(): void {
    this.#at++;
  }

  /** The text of an unexpanded word; undefined when something else is here. */
  plainWord(): string | undefined {
    const token = this.token();
    return token?.type === 'word' ? token.word.text : undefined;
  }

  operator(ahead = 0): string | undefined {
    const token = this.token(ahead);
    return token?.type === 'operator' ? token.text : undefined;
  }

  /** Takes a word. @throws RangeError with the offset where there is none */
  word(): Word {
    const token = this.token();
    if (token?.type !== 'word') throw new RangeError(`${String(this.offset())}: a word is missing`);
    this.#at++;
    return token.word;
  }

  /** Takes this word or operator. @throws RangeError with the offset where something else is */
  expect(text: string): void {
    if (!this.isOneOf([text])) throw new RangeError(`${String(this.offset())}: ${text} is missing`);
    this.#at++;
  }

  isOneOf(texts: readonly string[]): boolean {
    const found = this.plainWord() ?? this.operator();
    return found !== undefined && texts.includes(found);
  }

  isSeparator(): boolean {
    const token = this.token();
    return token?.type === 'newline' || (token?.type === 'operator' && (token.text === ';' || token.text === '&'));
  }

  skipSeparators(): void {
    while (this.isSeparator()) this.#at++;
  }

  skipNewlines(): void {
    while (this.token()?.type === 'newline') this.#at++;
  }

  offset(): number {
    return this.token()?.start ?? this.#text.length;
  }

  position(): Position {
    return this.#positionOf(this.offset());
  }

  /** What is written from an offset up to the last token that was taken. */
  since(offset: number): string {
    return this.#text.slice(offset, this.#tokens[this.#at - 1]?.end ?? 0).trim();
  }
}
