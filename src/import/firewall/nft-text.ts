import type { Position } from '../../core/errors.ts';

/** A text of nftables, as `nft list ruleset` prints it and as nft -f reads it: its chains with their rules, before any is understood. */
export interface NftText {
  readonly chains: readonly NftChain[];
  /** Name -> what stands between its braces. */
  readonly sets: ReadonlyMap<string, string>;
  /** Statements outside of tables (`flush ruleset`, `include`, `add rule ...`), and those in chains and tables that are no rules. */
  readonly others: readonly NftStatement[];
}

export interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly rules: readonly NftStatement[];
}

/** Words, quoted strings without their quotes, and sets in braces as one word each. */
export interface NftStatement {
  readonly position: Position;
  readonly words: readonly string[];
  readonly text: string;
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const NAMED = new Set(['set', 'map', 'flowtable', 'counter', 'quota', 'limit', 'secmark', 'synproxy', 'ct']);

/** Pure. @param start where the text's first line is. Definitions (`define NAME = VALUE`) are put in where they are used; an unknown one stays as written. */
export function parseNft(text: string, start: Pick<Position, 'file' | 'line'>): NftText {
  return new Reader(text, start).read();
}

class Reader {
  readonly #text: string;
  readonly #start: Pick<Position, 'file' | 'line'>;
  readonly #tokens: readonly Token[];
  readonly #chains: NftChain[] = [];
  readonly #sets = new Map<string, string>();
  readonly #others: NftStatement[] = [];
  readonly #definitions = new Map<string, string>();
  #at = 0;

  constructor(text: string, start: Pick<Position, 'file' | 'line'>) {
    this.#text = text;
    this.#start = start;
    this.#tokens = tokensOf(text);
  }

  read(): NftText {
    while (this.#at < this.#tokens.length) {
      // A brace that closes nothing.
      if (this.#tokens[this.#at]?.text === '}') this.#at++;
      else this.#top();
    }
    return { chains: this.#chains, sets: this.#sets, others: this.#others };
  }

  #top(): void {
    const words = this.#ahead();
    if (words[0] === 'table' || (words[0] === 'add' && words[1] === 'table' && words.includes('{'))) this.#table(words.filter((word) => word !== 'add'));
    else {
      const statement = this.#statement();
      const [first, name, equals, ...value] = statement.words;
      if (first === 'define' && name !== undefined && equals === '=') this.#definitions.set(`$${name}`, value.join(' '));
      else if (first !== undefined) this.#others.push(statement);
    }
  }

  /** `table [FAMILY] NAME {`; without a family it is ip's. */
  #table(words: readonly string[]): void {
    const head = words.slice(1, words.includes('{') ? words.indexOf('{') : undefined);
    const [family, name] = head.length > 1 ? [head[0] ?? '', head[1] ?? ''] : ['ip', head[0] ?? ''];
    if (!this.#open()) return;
    while (!this.#closed()) {
      const [kind = '', called = ''] = this.#ahead();
      if (kind === 'chain') this.#chain(family, name, called);
      else if (NAMED.has(kind) && this.#open()) {
        const from = this.#tokens[this.#at]?.start ?? this.#text.length;
        this.#skip();
        this.#sets.set(`${family} ${name} ${called}`, this.#text.slice(from, this.#tokens[this.#at - 1]?.start));
      } else {
        const statement = this.#statement();
        if (statement.words.length > 0) this.#others.push(statement);
      }
    }
  }

  #chain(family: string, table: string, name: string): void {
    const rules: NftStatement[] = [];
    if (this.#open()) {
      while (!this.#closed()) {
        const statement = this.#statement();
        if (statement.words.length > 0) rules.push(statement);
      }
    }
    this.#chains.push({ family, table, name, rules });
  }

  /** The words up to the end of the line or an opening brace, which stay. */
  #ahead(): string[] {
    const words: string[] = [];
    for (let at = this.#at; at < this.#tokens.length; at++) {
      const { text = '' } = this.#tokens[at] ?? {};
      if (text === '\n' || text === ';' || text === '}') break;
      words.push(text);
      if (text === '{') break;
    }
    return words;
  }

  /** Goes behind the next opening brace of this line. */
  #open(): boolean {
    while (this.#at < this.#tokens.length) {
      const { text } = this.#tokens[this.#at++] ?? {};
      if (text === '{') return true;
      if (text === '\n' || text === ';') return false;
    }
    return false;
  }

  /** Whether the block ends here; the brace is passed. */
  #closed(): boolean {
    const token = this.#tokens[this.#at];
    if (token?.text === '}') this.#at++;
    return token === undefined || token.text === '}';
  }

  /** Goes behind the brace that closes the block. */
  #skip(): void {
    for (let depth = 1; depth > 0 && this.#at < this.#tokens.length; this.#at++) {
      const { text } = this.#tokens[this.#at] ?? {};
      depth += text === '{' ? 1 : text === '}' ? -1 : 0;
    }
  }

  /** Up to the end of the line, a semicolon, or the end of the block, which stays. */
  #statement(): NftStatement {
    const from = this.#tokens[this.#at]?.start ?? this.#text.length;
    let to = from;
    const words: string[] = [];
    for (; this.#at < this.#tokens.length; this.#at++) {
      const token = this.#tokens[this.#at];
      if (token === undefined || token.text === '}') break;
      if (token.text === '\n' || token.text === ';') {
        this.#at++;
        break;
      }
      if (token.text === '{') {
        this.#at++;
        this.#skip();
        this.#at--;
        words.push(this.#defined(this.#text.slice(token.start, this.#tokens[this.#at]?.end)));
      } else if (token.text.startsWith('"')) words.push(token.text.slice(1, -1));
      else words.push(this.#defined(token.text));
      to = this.#tokens[this.#at]?.end ?? this.#text.length;
    }
    return { position: positionOf(this.#text, from, this.#start), words, text: this.#text.slice(from, to).trim() };
  }

  #defined(word: string): string {
    return word.replaceAll(/\$[A-Za-z_]\w*/g, (name) => this.#definitions.get(name) ?? name);
  }
}

/** Newlines, semicolons and braces are tokens of their own; comments are none. */
function tokensOf(text: string): readonly Token[] {
  return [...text.matchAll(/\\\n|#[^\n]*|"[^"\n]*"|[\n;{}]|[^\s;{}#"]+/g)].flatMap(({ 0: found, index }) => (found.startsWith('#') || found === '\\\n' ? [] : [{ text: found, start: index, end: index + found.length }]));
}

function positionOf(text: string, offset: number, start: Pick<Position, 'file' | 'line'>): Position {
  const before = text.slice(0, offset).split('\n');
  return { file: start.file, line: start.line + before.length - 1, column: (before.at(-1)?.length ?? 0) + 1 };
}
