import type { Position } from '../../core/errors.ts';
import { Cursor } from './cursor.ts';
import { redirection, simpleCommand } from './simple.ts';
import type { Branch, HereDocument, Statement, Token, Word } from './syntax.ts';
import { tokenize } from './tokens.ts';

/** What could not be read of a script. */
export interface Unread {
  readonly position: Position;
  readonly text: string;
}

/** A script read: its statements, and where an offset in it is. */
export interface ParsedScript {
  readonly statements: readonly Statement[];
  readonly unread: readonly Unread[];
  readonly positionOf: (offset: number) => Position;
}

/**
 * Reads a script of POSIX sh, and the usual of bash, into statements. It is never run. What is beyond this reader (an unclosed quote, a
 * construct that does not end) is told with its place; everything before it is kept.
 */
export function parseScript(text: string, file: string): ParsedScript {
  const places = lineStarts(text);
  const positionOf = (offset: number): Position => place(places, offset, file);
  const { tokens, error } = tokensBefore(text);
  const read = new Parser(tokens, text, positionOf).script();
  if (error === undefined) return { ...read, positionOf };
  const unread = [...read.unread.filter(({ position }) => position.line < positionOf(error.offset).line), { position: positionOf(error.offset), text: `${error.message}: nothing behind it is read` }];
  return { statements: read.statements, unread, positionOf };
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

/** Words that end a list of statements where they stand. */
const CLOSERS = [')', ';;', '}', 'done', 'fi', 'esac', 'then', 'else', 'elif', 'do'];
const TESTS = ['[', '[[', 'test', '!'];

/** Compound commands. */
class Parser {
  readonly #cursor: Cursor;
  readonly #text: string;
  readonly #positionOf: (offset: number) => Position;
  readonly #unread: Unread[] = [];

  constructor(tokens: readonly Token[], text: string, positionOf: (offset: number) => Position) {
    this.#cursor = new Cursor(tokens, text, positionOf);
    this.#text = text;
    this.#positionOf = positionOf;
  }

  script(): { statements: readonly Statement[]; unread: readonly Unread[] } {
    const cursor = this.#cursor;
    const statements: Statement[] = [];
    while (cursor.token() !== undefined) {
      const start = cursor.offset();
      try {
        if (cursor.isSeparator()) cursor.next();
        else statements.push(...this.#andOr());
      } catch (error) {
        const { message } = failureOf(error);
        this.#unread.push({ position: this.#positionOf(start), text: `${message}: nothing from here on is read` });
        break;
      }
      const stray = cursor.token();
      if (stray === undefined || cursor.isSeparator() || cursor.offset() !== start) continue;
      this.#unread.push({ position: this.#positionOf(stray.start), text: `${this.#text.slice(stray.start, stray.end)} does not belong here` });
      cursor.next();
    }
    return { statements, unread: this.#unread };
  }

  /** Statements up to one of the closing words, which stays. */
  #list(closers: readonly string[]): Statement[] {
    const cursor = this.#cursor;
    const statements: Statement[] = [];
    for (;;) {
      cursor.skipSeparators();
      const before = cursor.token();
      if (before === undefined || cursor.isOneOf(closers) || cursor.isOneOf(CLOSERS)) return statements;
      statements.push(...this.#andOr());
      if (cursor.token() === before) return statements;
    }
  }

  #andOr(): Statement[] {
    const cursor = this.#cursor;
    const start = cursor.offset();
    let statements = this.#pipeline();
    for (;;) {
      const operator = cursor.operator();
      if (operator !== '&&' && operator !== '||') return statements;
      const condition = `${cursor.since(start)} ${operator}`;
      cursor.next();
      cursor.skipNewlines();
      const position = cursor.position();
      const next = this.#pipeline();
      // `a && b` after a command that is to work is a sequence; after a test, and `||`, it is a condition.
      const tested = statements.some((one) => one.type === 'if' || (one.type === 'command' && TESTS.includes(one.words[0]?.text ?? '')));
      const branch: Branch = { condition, test: statements, negated: operator === '||', body: next };
      statements = operator === '&&' && !tested ? [...statements, ...next] : [{ type: 'if', position, branches: [branch], otherwise: [] }];
    }
  }

  #pipeline(): Statement[] {
    let statements = this.#command();
    while (this.#cursor.operator() === '|') {
      this.#cursor.next();
      this.#cursor.skipNewlines();
      const [input] = statements;
      const [next, ...others] = this.#command();
      statements = next?.type === 'command' ? [{ ...next, input }] : [...statements, ...(next === undefined ? [] : [next]), ...others];
    }
    return statements;
  }

  #command(): Statement[] {
    const cursor = this.#cursor;
    const start = cursor.offset();
    const position = cursor.position();
    switch (cursor.plainWord() ?? '') {
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
        cursor.next();
        return [this.#function(position)];
    }
    if (cursor.operator() === '(') return this.#group(')');
    if (cursor.token()?.type === 'word' && cursor.operator(1) === '(' && cursor.operator(2) === ')' && cursor.plainWord()?.endsWith('=') === false) return [this.#function(position)];
    const simple = simpleCommand(cursor);
    return simple === undefined ? [] : [simple];
  }

  #group(end: ')' | '}'): Statement[] {
    this.#cursor.next();
    const body = this.#list([end]);
    this.#cursor.expect(end);
    return body;
  }

  #if(position: Position): Statement {
    const cursor = this.#cursor;
    const branches: Branch[] = [];
    do {
      cursor.next();
      const start = cursor.offset();
      const test = this.#list(['then']);
      const condition = `if ${cursor.since(start).replace(/;$/, '')}`;
      cursor.expect('then');
      branches.push({ condition, test, negated: false, body: this.#list(['else', 'elif', 'fi']) });
    } while (cursor.isOneOf(['elif']));
    let otherwise: Statement[] = [];
    if (cursor.isOneOf(['else'])) {
      cursor.next();
      otherwise = this.#list(['fi']);
    }
    cursor.expect('fi');
    return { type: 'if', position, branches, otherwise };
  }

  #while(position: Position): Statement {
    const cursor = this.#cursor;
    const start = cursor.offset();
    const until = cursor.isOneOf(['until']);
    cursor.next();
    const test = this.#list(['do']);
    const condition = cursor.since(start).replace(/;$/, '');
    const body = this.#doBody();
    let input: HereDocument | undefined;
    for (let redirect = redirection(cursor); redirect !== undefined; redirect = redirection(cursor)) input = redirect.document ?? input;
    return { type: 'while', position, condition, test: until ? [] : test, body, input };
  }

  #for(position: Position): Statement {
    const cursor = this.#cursor;
    cursor.next();
    const name = cursor.plainWord() ?? '';
    cursor.next();
    let words: Word[] | undefined;
    if (cursor.plainWord() === 'in') {
      words = [];
      cursor.next();
      while (cursor.token()?.type === 'word') words.push(cursor.word());
    }
    cursor.skipSeparators();
    return { type: 'for', position, name, words, body: this.#doBody() };
  }

  #doBody(): Statement[] {
    this.#cursor.expect('do');
    const body = this.#list(['done']);
    this.#cursor.expect('done');
    return body;
  }

  #case(position: Position, start: number): Statement {
    const cursor = this.#cursor;
    cursor.next();
    const subject = cursor.word();
    cursor.expect('in');
    const text = cursor.since(start);
    const branches: { patterns: Word[]; body: Statement[] }[] = [];
    for (;;) {
      cursor.skipSeparators();
      if (cursor.token() === undefined || cursor.isOneOf(['esac'])) break;
      if (cursor.operator() === '(') cursor.next();
      const patterns = [cursor.word()];
      while (cursor.operator() === '|') {
        cursor.next();
        patterns.push(cursor.word());
      }
      cursor.expect(')');
      branches.push({ patterns, body: this.#list([';;', 'esac']) });
      if (cursor.operator() === ';;') cursor.next();
    }
    cursor.expect('esac');
    return { type: 'case', position, subject, branches, text };
  }

  #function(position: Position): Statement {
    const cursor = this.#cursor;
    const name = cursor.plainWord() ?? '';
    cursor.next();
    while (cursor.operator() === '(' || cursor.operator() === ')') cursor.next();
    cursor.skipNewlines();
    return { type: 'function', position, name, body: this.#command() };
  }
}
