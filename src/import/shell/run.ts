import type { Position } from '../../core/errors.ts';
import { globPattern } from '../../core/text/glob.ts';
import { commandsIn, ensures, isHarmless, outcomeOf } from './conditions.ts';
import { Environment } from './environment.ts';
import type { ParsedScript, Unread } from './parse.ts';
import type { HereDocument, SimpleCommand, Statement } from './syntax.ts';
import { documentWord } from './tokens.ts';

/** A command that a script would run, its words expanded. */
export interface Invocation {
  readonly position: Position;
  readonly argv: readonly string[];
  /** Files that its output goes to. */
  readonly outputs: readonly string[];
  /** What it reads, when that stands in the script: a here-document, or the text of an `echo`, `printf` or `cat` before a pipe. */
  readonly input: ScriptText | undefined;
  readonly text: string;
}

export interface ScriptText {
  readonly text: string;
  /** Of its first line. */
  readonly position: Position;
}

const DEPTH = 20;
const LIMIT = 5000;

/**
 * Which commands a script would run, one after the other, if it were called with `start`: assignments, loops over words, functions,
 * `case` and comparisons of known words are followed; other conditions are not. Nothing is run. What is not followed is in `unread`.
 */
export function invocations(script: ParsedScript): { readonly run: readonly Invocation[]; readonly unread: readonly Unread[] } {
  const walker = new Walker(script.positionOf);
  walker.walk(script.statements, 0);
  return { run: walker.run, unread: walker.unread };
}

class Walker {
  readonly run: Invocation[] = [];
  readonly unread: Unread[] = [];
  readonly #environment = new Environment(['start']);
  readonly #functions = new Map<string, readonly Statement[]>();
  readonly #positionOf: (offset: number) => Position;
  /** `exit`: of the script; `return`: of the function. */
  #ended: 'exit' | 'return' | undefined;

  constructor(positionOf: (offset: number) => Position) {
    this.#positionOf = positionOf;
  }

  walk(statements: readonly Statement[], depth: number): void {
    for (const statement of statements) {
      if (this.#ended !== undefined) return;
      if (depth > DEPTH || this.run.length > LIMIT) {
        this.unread.push({ position: statement.position, text: 'loops or functions within each other go too deep or too far' });
        return;
      }
      this.#statement(statement, depth);
    }
  }

  #statement(statement: Statement, depth: number): void {
    switch (statement.type) {
      case 'function':
        this.#functions.set(statement.name, statement.body);
        return;
      case 'for':
        this.#for(statement, depth);
        return;
      case 'case':
        this.#case(statement, depth);
        return;
      case 'if':
        this.#if(statement, depth);
        return;
      case 'while':
        this.#while(statement, depth);
        return;
      case 'command':
        this.#command(statement, depth);
    }
  }

  #for(statement: Extract<Statement, { type: 'for' }>, depth: number): void {
    const values = statement.words?.map((word) => this.#environment.expand(word)) ?? [this.#environment.args];
    if (values.some((value) => value === undefined)) {
      const loop = `for ${statement.name} in ${(statement.words ?? []).map((word) => word.text).join(' ')}`;
      this.unread.push({ position: statement.position, text: `${loop}: the words of this loop are not known` });
      this.#unknown(statement.body, loop);
      return;
    }
    for (const value of values.flatMap((fields) => fields ?? [])) {
      this.#environment.set(statement.name, value);
      this.walk(statement.body, depth + 1);
    }
  }

  #case(statement: Extract<Statement, { type: 'case' }>, depth: number): void {
    const subject = this.#environment.expand(statement.subject)?.join(' ');
    const branch = subject === undefined ? undefined : statement.branches.find(({ patterns }) => patterns.some((pattern) => globPattern(pattern.text.replaceAll(/["']/g, '')).test(subject)));
    if (branch !== undefined) {
      this.walk(branch.body, depth + 1);
    } else if (subject === undefined) {
      this.unread.push({ position: statement.position, text: `${statement.text}: which branch is taken is not known` });
      for (const { body } of statement.branches) this.#unknown(body, statement.text);
    }
  }

  #if({ branches, otherwise }: Extract<Statement, { type: 'if' }>, depth: number): void {
    const [first, ...others] = branches;
    if (first === undefined) {
      this.walk(otherwise, depth + 1);
      return;
    }
    const outcome = outcomeOf(first.test, this.#environment);
    if (ensures(first) || (outcome !== undefined && outcome !== first.negated)) {
      this.walk(first.body, depth + 1);
    } else if (outcome !== undefined) {
      this.#if({ type: 'if', position: first.body[0]?.position ?? first.test[0]?.position ?? { file: '', line: 0, column: 0 }, branches: others, otherwise }, depth);
    } else {
      // What is asked is run whatever comes of it.
      this.walk(first.test, depth + 1);
      this.#unknown(first.body, first.condition);
      for (const { test, body } of others) this.#unknown([...test, ...body], first.condition);
      this.#unknown(otherwise, first.condition);
    }
  }

  /** `while read a b; do ... done <<EOF` is a loop over the lines of that text. */
  #while(statement: Extract<Statement, { type: 'while' }>, depth: number): void {
    const { test, input, body, condition } = statement;
    const [read, another] = test;
    const names = read?.type === 'command' && another === undefined && read.words[0]?.text === 'read' ? read.words.slice(1).map(({ text }) => text).filter((word) => !word.startsWith('-')) : undefined;
    const text = input === undefined ? undefined : this.#document(input)?.text;
    if (names === undefined || text === undefined) {
      this.#unknown(body, condition);
      return;
    }
    for (const line of text.split('\n').filter((one) => one !== '')) {
      const fields = line.trim().split(/\s+/);
      names.forEach((name, i) => {
        this.#environment.set(name, i === names.length - 1 ? fields.slice(i).join(' ') : (fields[i] ?? ''));
      });
      this.walk(body, depth + 1);
    }
  }

  /** Commands that may run or not, and variables that have a value or another. */
  #unknown(body: readonly Statement[], condition: string): void {
    for (const command of commandsIn(body)) {
      if (!isHarmless(command)) this.unread.push({ position: command.position, text: `${command.text}: runs only under a condition (${short(condition)})` });
    }
    for (const statement of body) if (statement.type === 'command' && statement.words.length === 0) for (const { name } of statement.assignments) this.#environment.set(name, undefined);
  }

  #command(statement: SimpleCommand, depth: number): void {
    if (statement.words.length === 0) {
      for (const assignment of statement.assignments) this.#environment.assign(assignment);
      return;
    }
    const words = statement.words.map((word) => this.#environment.expand(word));
    const argv = words.flatMap((fields) => fields ?? []);
    const [program = ''] = argv;
    if (words[0] !== undefined && this.#builtin(program, argv.slice(1), statement)) return;
    const body = this.#functions.get(program);
    if (body !== undefined) {
      this.#call(body, statement, words, depth);
      return;
    }
    const outputs = statement.redirects.filter(({ operator }) => operator.includes('>') && !operator.startsWith('2') && !operator.endsWith('&')).map(({ target }) => this.#environment.expand(target)?.join(' '));
    const unknown = [...statement.words.filter((_, i) => words[i] === undefined), ...(outputs.includes(undefined) ? statement.redirects.map(({ target }) => target) : [])];
    if (unknown.length > 0) {
      if (!isHarmless(statement)) this.unread.push({ position: statement.position, text: `${statement.text}: ${unknown.map((word) => word.text).join(', ')} is not known without running the script` });
      return;
    }
    this.run.push({ position: statement.position, argv, outputs: outputs.filter((path) => path !== undefined && path !== '/dev/null') as string[], input: this.#inputOf(statement), text: statement.text });
  }

  /** What the shell does itself. @returns false for anything else */
  #builtin(program: string, args: readonly string[], { words }: SimpleCommand): boolean {
    const environment = this.#environment;
    const [, operator] = /^[A-Za-z_]\w*(\+\+|--)$/.exec(program) ?? [];
    if (program === 'exit' || program === 'return') this.#ended = program;
    else if (['export', 'readonly', 'local', 'declare', 'typeset'].includes(program)) {
      for (const word of args) {
        const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? [];
        if (name !== undefined) environment.set(name, value);
      }
      // `local ip=$(...)`
      for (const word of words.slice(1)) {
        const [, name] = /^([A-Za-z_]\w*)=/.exec(word.text) ?? [];
        if (name !== undefined && environment.expand(word) === undefined) environment.set(name, undefined);
      }
    } else if (program === 'shift') environment.args = environment.args.slice(Number(args[0] ?? 1));
    else if (program === 'set' && args[0] === '--') environment.args = args.slice(1);
    else if (operator !== undefined) environment.set(program.slice(0, -2), environment.arithmetic(`${program.slice(0, -2)} ${operator.charAt(0)} 1`));
    else return false;
    return true;
  }

  #call(body: readonly Statement[], statement: SimpleCommand, words: readonly (readonly string[] | undefined)[], depth: number): void {
    if (words.includes(undefined)) {
      this.#unknown(body, statement.text);
      return;
    }
    const outer = this.#environment.args;
    this.#environment.args = words.flatMap((fields) => fields ?? []).slice(1);
    this.walk(body, depth + 1);
    this.#environment.args = outer;
    if (this.#ended === 'return') this.#ended = undefined;
  }

  #inputOf({ redirects, input }: SimpleCommand): ScriptText | undefined {
    const document = redirects.map((one) => one.document).findLast((one) => one !== undefined);
    if (document !== undefined) return this.#document(document);
    const here = redirects.find(({ operator }) => operator === '<<<');
    const line = here === undefined ? undefined : this.#environment.expand(here.target)?.join(' ');
    if (here !== undefined) return undefined === line ? undefined : { text: line, position: this.#positionOf(0) };
    if (input?.type !== 'command') return undefined;
    const words = input.words.map((word) => this.#environment.expand(word));
    if (words.includes(undefined)) return undefined;
    const [program, ...rest] = words.flatMap((fields) => fields ?? []);
    if (program === 'cat' && rest.every((word) => word === '-')) return this.#inputOf(input);
    if (program === 'echo') return { text: rest.filter((word) => !/^-[neE]+$/.test(word)).join(' ').replaceAll('\\n', '\n'), position: input.position };
    return program === 'printf' && rest.length === 1 && rest[0]?.includes('%') === false ? { text: rest[0].replaceAll('\\n', '\n'), position: input.position } : undefined;
  }

  /** Undefined: a variable in it is not known. */
  #document({ text, offset, expands }: HereDocument): ScriptText | undefined {
    const position = this.#positionOf(offset);
    if (!expands) return { text, position };
    try {
      const expanded = this.#environment.expand(documentWord(text));
      return expanded === undefined ? undefined : { text: expanded.join(' '), position };
    } catch {
      return undefined;
    }
  }
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
