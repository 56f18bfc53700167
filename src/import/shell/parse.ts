import type { Position } from '../../core/errors.ts';
import type { Statement, Token, Word } from './syntax.ts';
import { tokenize } from './tokens.ts';

/** What could not be read of a script. */
export interface Unread {
  readonly position: Position;
  readonly text: string;
}

/**
 * Reads a script of POSIX sh, and the usual of bash, into statements. It is never run. What is beyond this reader (an unclosed quote, a
 * construct that does not end) is told with its place; everything before it is kept.
 */
export function parseScript(text: string, file: string): { readonly statements: readonly Statement[]; readonly unread: readonly Unread[] } {
  const places = lineStarts(text);
  const positionOf = (offset: number): Position => place(places, offset, file);
  const { tokens, error } = tokensBefore(text);
  const read = new Parser(tokens, text, positionOf).script();
  if (error === undefined) return read;
  return { statements: read.statements, unread: [...read.unread.filter(({ position }) => position.line < positionOf(error.offset).line), { position: positionOf(error.offset), text: `${error.message}: nothing behind it is read` }] };
}

/** The tokens of all lines before one that cannot be split into words. */
function tokensBefore(text: string): { readonly tokens: readonly Token[]; readonly error: { readonly offset: number; readonly message: string } | undefined } {
  try {
    return { tokens: tokenize(text), error: undefined };
  } catch (error) {
    const found = failureOf(error);
    return { tokens: tokensBefore(text.slice(0, text.lastIndexOf('\n', found.offset) + 1)).tokens, error: found };
  }
}

/** The offset that a RangeError of this reader begins with. */
function failureOf(error: unknown): { offset: number; message: string } {
  if (!(error instanceof RangeError)) throw error;
  const [, offset = '0', message = error.message] = /^(\d+): (.*)$/s.exec(error.message) ?? [];
  return { offset: Number(offset), message };
}

function lineStarts(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
}

function place(starts: readonly number[], offset: number, file: string): Position {
  let line = starts.length;
  while (line > 1 && (starts[line - 1] ?? 0) > offset) line--;
  return { file, line, column: offset - (starts[line - 1] ?? 0) + 1 };
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  readonly #positionOf: (offset: number) => Position;
  readonly #unread: Unread[] = [];
  #at = 0;

  constructor(tokens: readonly Token[], text: string, positionOf: (offset: number) => Position) {
    this.#tokens = tokens;
    this.#text = text;
    this.#positionOf = positionOf;
  }

  script(): { statements: readonly Statement[]; unread: readonly Unread[] } {
    const statements: Statement[] = [];
    while (this.#at < this.#tokens.length) {
      const start = this.#offset();
      try {
        if (this.#isSeparator()) this.#at++;
        else statements.push(...this.#andOr());
      } catch (error) {
        const { message } = failureOf(error);
        this.#unread.push({ position: this.#positionOf(start), text: `${message}: nothing from here on is read` });
        break;
      }
      const stray = this.#tokens[this.#at];
      if (stray === undefined || this.#isSeparator() || this.#offset() !== start) continue;
      this.#unread.push({ position: this.#positionOf(stray.start), text: `${this.#text.slice(stray.start, stray.end)} does not belong here` });
      this.#at++;
    }
    return { statements, unread: this.#unread };
  }

  /** Statements up to one of the closing words, which stays. */
  #list(closers: readonly string[]): Statement[] {
    const statements: Statement[] = [];
    for (;;) {
      while (this.#isSeparator()) this.#at++;
      const token = this.#tokens[this.#at];
      if (token === undefined || this.#isOneOf(closers) || this.#isOneOf([')', ';;', '}', 'done', 'fi', 'esac', 'then', 'else', 'elif', 'do'])) return statements;
      const before = this.#at;
      statements.push(...this.#andOr());
      if (this.#at === before) return statements;
    }
  }

  #andOr(): Statement[] {
    const start = this.#offset();
    let statements = this.#pipeline();
    for (;;) {
      const operator = this.#operator();
      if (operator !== '&&' && operator !== '||') break;
      const condition = this.#text.slice(start, this.#end()).trim();
      this.#at++;
      while (this.#tokens[this.#at]?.type === 'newline') this.#at++;
      const position = this.#positionOf(this.#offset());
      const next = this.#pipeline();
      // `a && b` after a command that is to work is a sequence; after a test, and `||`, it is a condition.
      const tested = statements.some((one) => one.type === 'conditional' || (one.type === 'command' && ['[', '[[', 'test', '!'].includes(one.words[0]?.text ?? '')));
      statements = operator === '&&' && !tested ? [...statements, ...next] : [...statements, { type: 'conditional', position, condition: `${condition} ${operator}`, body: next }];
    }
    return statements;
  }

  #pipeline(): Statement[] {
    let statements = this.#command();
    while (this.#operator() === '|') {
      this.#at++;
      while (this.#tokens[this.#at]?.type === 'newline') this.#at++;
      const [input] = statements;
      const [next, ...others] = this.#command();
      statements = next?.type === 'command' ? [{ ...next, input }] : [...statements, ...(next === undefined ? [] : [next]), ...others];
    }
    return statements;
  }

  #command(): Statement[] {
    const start = this.#offset();
    const position = this.#positionOf(start);
    switch (this.#plainWord() ?? '') {
      case '{':
        return this.#group('}');
      case 'if':
        return [this.#if(position)];
      case 'while':
      case 'until':
        return [this.#while(position)];
      case 'for':
        return [this.#for(position)];
      case 'case':
        return [this.#case(position, start)];
      case 'function':
        this.#at++;
        return [this.#function(position)];
    }
    if (this.#operator() === '(') return this.#group(')');
    const [name, open, close] = [0, 1, 2].map((ahead) => this.#tokens[this.#at + ahead]);
    if (name?.type === 'word' && open?.type === 'operator' && open.text === '(' && close?.type === 'operator' && close.text === ')') return [this.#function(position)];
    return this.#simple(position, start);
  }

  #group(end: ')' | '}'): Statement[] {
    this.#at++;
    const body = this.#list([end]);
    this.#expect(end);
    return body;
  }

  #if(position: Position): Statement {
    this.#at++;
    const start = this.#offset();
    this.#list(['then']);
    const condition = `if ${this.#text.slice(start, this.#end()).trim().replace(/;$/, '')}`;
    this.#expect('then');
    const body = this.#list(['else', 'elif', 'fi']);
    if (this.#isOneOf(['elif'])) return { type: 'conditional', position, condition, body: [...body, this.#if(this.#positionOf(this.#offset()))] };
    if (this.#isOneOf(['else'])) {
      this.#at++;
      body.push(...this.#list(['fi']));
    }
    this.#expect('fi');
    return { type: 'conditional', position, condition, body };
  }

  #while(position: Position): Statement {
    const start = this.#offset();
    this.#at++;
    this.#list(['do']);
    const condition = this.#text.slice(start, this.#end()).trim().replace(/;$/, '');
    return { type: 'conditional', position, condition, body: this.#doBody() };
  }

  #for(position: Position): Statement {
    this.#at++;
    const name = this.#plainWord() ?? '';
    this.#at++;
    const words: Word[] = [];
    if (this.#plainWord() === 'in') {
      this.#at++;
      for (let token = this.#tokens[this.#at]; token?.type === 'word'; token = this.#tokens[this.#at]) {
        words.push(token.word);
        this.#at++;
      }
    }
    while (this.#isSeparator()) this.#at++;
    return { type: 'for', position, name, words, body: this.#doBody() };
  }

  #doBody(): Statement[] {
    this.#expect('do');
    const body = this.#list(['done']);
    this.#expect('done');
    return body;
  }

  #case(position: Position, start: number): Statement {
    this.#at++;
    const subject = this.#word();
    this.#expect('in');
    const text = this.#text.slice(start, this.#end()).trim();
    const branches: { patterns: Word[]; body: Statement[] }[] = [];
    for (;;) {
      while (this.#isSeparator()) this.#at++;
      if (this.#tokens[this.#at] === undefined || this.#isOneOf(['esac'])) break;
      if (this.#operator() === '(') this.#at++;
      const patterns = [this.#word()];
      while (this.#operator() === '|') {
        this.#at++;
        patterns.push(this.#word());
      }
      this.#expect(')');
      branches.push({ patterns, body: this.#list([';;', 'esac']) });
      if (this.#operator() === ';;') this.#at++;
    }
    this.#expect('esac');
    return { type: 'case', position, subject, branches, text };
  }

  #function(position: Position): Statement {
    const name = this.#plainWord() ?? '';
    this.#at++;
    while (this.#operator() === '(' || this.#operator() === ')') this.#at++;
    while (this.#tokens[this.#at]?.type === 'newline') this.#at++;
    return { type: 'function', position, name, body: this.#command() };
  }

  #simple(position: Position, start: number): Statement[] {
    const assignments: { name: string; value: Word }[] = [];
    const words: Word[] = [];
    const redirects: { operator: string; target: Word }[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.type === 'operator' && /[<>]/.test(token.text)) {
        this.#at++;
        redirects.push({ operator: token.text, target: this.#word() });
      } else if (token?.type === 'word') {
        const assigned = words.length === 0 ? assignmentOf(token.word) : undefined;
        if (assigned === undefined) words.push(token.word);
        else assignments.push(assigned);
        this.#at++;
      } else break;
    }
    if (words.length === 0 && assignments.length === 0 && redirects.length === 0) return [];
    return [{ type: 'command', position, assignments, words, redirects, input: undefined, text: this.#text.slice(start, this.#end()).trim() }];
  }

  #word(): Word {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'word') throw new RangeError(`${String(token?.start ?? this.#text.length)}: a word is missing`);
    this.#at++;
    return token.word;
  }

  #expect(text: string): void {
    if (!this.#isOneOf([text])) throw new RangeError(`${String(this.#offset())}: ${text} is missing`);
    this.#at++;
  }

  #isOneOf(texts: readonly string[]): boolean {
    const found = this.#plainWord() ?? this.#operator();
    return found !== undefined && texts.includes(found);
  }

  #isSeparator(): boolean {
    const token = this.#tokens[this.#at];
    return token?.type === 'newline' || (token?.type === 'operator' && (token.text === ';' || token.text === '&'));
  }

  #plainWord(): string | undefined {
    const token = this.#tokens[this.#at];
    return token?.type === 'word' ? token.word.text : undefined;
  }

  #operator(): string | undefined {
    const token = this.#tokens[this.#at];
    return token?.type === 'operator' ? token.text : undefined;
  }

  #offset(): number {
    return this.#tokens[this.#at]?.start ?? this.#text.length;
  }

  /** Where the last token that was read ends. */
  #end(): number {
    return this.#tokens[this.#at - 1]?.end ?? 0;
  }
}

/** `NAME=value`, its name not quoted. */
function assignmentOf(word: Word): { name: string; value: Word } | undefined {
  const [first, ...rest] = word.parts;
  if (first?.type !== 'text' || first.quoted) return undefined;
  const match = /^([A-Za-z_]\w*)=/.exec(first.text);
  if (match === null) return undefined;
  const [whole, name = ''] = match;
  const left = first.text.slice(whole.length);
  return { name, value: { parts: left === '' ? rest : [{ ...first, text: left }, ...rest], text: word.text.slice(whole.length) } };
}
