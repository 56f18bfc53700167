import type { Position } from '../../core/errors.ts';
import { globPattern } from '../../core/glob.ts';
import type { Unread } from './parse.ts';
import type { Statement, Word } from './syntax.ts';

/** A command that a script would run, its words expanded. */
export interface Invocation {
  readonly position: Position;
  readonly argv: readonly string[];
  /** Files that its output goes to. */
  readonly outputs: readonly string[];
  /** What it reads from a pipe, when that is text of an `echo` or `printf`. */
  readonly input: string | undefined;
  readonly text: string;
}

const DEPTH = 20;
const LIMIT = 5000;

/**
 * Which commands a script would run, one after the other, if it were called with `start`: assignments, loops over words, functions and
 * `case` are followed; conditions are not. Nothing is run. What is not followed is in `unread`.
 */
export function invocations(statements: readonly Statement[]): { readonly run: readonly Invocation[]; readonly unread: readonly Unread[] } {
  const walker = new Walker();
  walker.walk(statements, 0);
  return { run: walker.run, unread: walker.unread };
}

class Walker {
  readonly run: Invocation[] = [];
  readonly unread: Unread[] = [];
  readonly #variables = new Map<string, string | undefined>([
    ['1', 'start'],
    ['0', 'script'],
  ]);
  readonly #functions = new Map<string, readonly Statement[]>();
  #ended = false;

  walk(statements: readonly Statement[], depth: number): void {
    for (const statement of statements) {
      if (this.#ended) return;
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
      case 'conditional':
        for (const command of commandsIn(statement.body)) {
          if (!isHarmless(command)) this.unread.push({ position: command.position, text: `${command.text}: runs only under a condition (${short(statement.condition)})` });
        }
        return;
      case 'command':
        this.#command(statement, depth);
    }
  }

  #for(statement: Extract<Statement, { type: 'for' }>, depth: number): void {
    const values = statement.words.map((word) => this.#expand(word));
    if (values.some((value) => value === undefined)) {
      this.unread.push({ position: statement.position, text: `for ${statement.name} in ${statement.words.map((word) => word.text).join(' ')}: the words of this loop are not known` });
      return;
    }
    for (const value of values.flatMap((fields) => fields ?? [])) {
      this.#variables.set(statement.name, value);
      this.walk(statement.body, depth + 1);
    }
  }

  #case(statement: Extract<Statement, { type: 'case' }>, depth: number): void {
    const subject = this.#expand(statement.subject)?.join(' ');
    const branch = subject === undefined ? undefined : statement.branches.find(({ patterns }) => patterns.some((pattern) => globPattern(pattern.text.replaceAll(/["']/g, '')).test(subject)));
    if (branch === undefined) this.unread.push({ position: statement.position, text: `${statement.text}: which branch is taken is not known` });
    else this.walk(branch.body, depth + 1);
  }

  #command(statement: Extract<Statement, { type: 'command' }>, depth: number): void {
    for (const { name, value } of statement.words.length === 0 ? statement.assignments : []) this.#variables.set(name, this.#expand(value)?.join(' '));
    if (statement.words.length === 0) return;
    const words = statement.words.map((word) => this.#expand(word));
    const argv = words.flatMap((fields) => fields ?? []);
    const [program = ''] = argv;
    if (words[0] !== undefined && ['exit', 'return'].includes(program)) {
      this.#ended = program === 'exit';
      return;
    }
    if (['export', 'readonly', 'local', 'declare'].includes(program)) {
      for (const word of argv.slice(1)) {
        const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? [];
        if (name !== undefined) this.#variables.set(name, value);
      }
      return;
    }
    const body = this.#functions.get(program);
    if (body !== undefined) {
      this.#call(body, argv, depth);
      return;
    }
    const outputs = statement.redirects.filter(({ operator }) => operator.includes('>') && !operator.startsWith('2')).map(({ target }) => this.#expand(target)?.join(' '));
    const unknown = [...statement.words.filter((_, i) => words[i] === undefined), ...(outputs.includes(undefined) ? statement.redirects.map(({ target }) => target) : [])];
    if (unknown.length > 0) {
      if (!isHarmless(statement)) this.unread.push({ position: statement.position, text: `${statement.text}: ${unknown.map((word) => word.text).join(', ')} is not known without running the script` });
      return;
    }
    this.run.push({ position: statement.position, argv, outputs: outputs.filter((path) => path !== undefined && path !== '/dev/null') as string[], input: this.#piped(statement.input), text: statement.text });
  }

  #call(body: readonly Statement[], argv: readonly string[], depth: number): void {
    const outer = ['1', '2', '3', '4', '5'].map((name) => [name, this.#variables.get(name)] as const);
    argv.slice(1, 6).forEach((value, i) => this.#variables.set(String(i + 1), value));
    this.walk(body, depth + 1);
    for (const [name, value] of outer) this.#variables.set(name, value);
  }

  #piped(input: Statement | undefined): string | undefined {
    if (input?.type !== 'command') return undefined;
    const words = input.words.map((word) => this.#expand(word));
    if (words.includes(undefined)) return undefined;
    const [program, ...rest] = words.flatMap((fields) => fields ?? []);
    return program === 'echo' ? rest.filter((word) => word !== '-n').join(' ') : undefined;
  }

  /** The fields of a word; undefined when a part of it is known only to a running shell. */
  #expand(word: Word): readonly string[] | undefined {
    let fields: string[] = [];
    let open: string | undefined;
    for (const part of word.parts) {
      if (part.type === 'text') {
        open = (open ?? '') + part.text;
        continue;
      }
      const value = part.type === 'variable' ? (this.#variables.get(part.name) ?? part.fallback) : sequence(part.text);
      if (value === undefined) return undefined;
      if (part.type === 'variable' && part.quoted) {
        open = (open ?? '') + value;
        continue;
      }
      const [first = '', ...others] = value.split(/\s+/).filter((field, i, all) => field !== '' || all.length === 1 || (i === 0 && open !== undefined));
      open = value.trim() === '' ? open : (open ?? '') + first;
      for (const field of others) {
        if (open !== undefined) fields.push(open);
        open = field;
      }
    }
    if (open !== undefined) fields.push(open);
    if (word.parts.every((part) => part.type === 'text' && !part.quoted)) fields = fields.flatMap(braces);
    return fields;
  }
}

/** `$(seq 1 3)`: the one substitution whose outcome is plain. */
function sequence(text: string): string | undefined {
  const [, from = '1', to] = /^(?:\$\(|`)\s*seq\s+(?:(\d+)\s+)?(\d+)\s*[)`]$/.exec(text) ?? [];
  return to === undefined || Number(to) - Number(from) > 255 ? undefined : range(Number(from), Number(to)).join(' ');
}

/** `rs{1..3}` and `{a,b}`, bash's brace expansion, one in a word. */
function braces(word: string): string[] {
  const [, before = '', from, to, list, after = ''] = /^([^{}]*)\{(?:(\d+)\.\.(\d+)|([^{}]*,[^{}]*))\}([^{}]*)$/.exec(word) ?? [];
  if (list !== undefined) return list.split(',').map((item) => before + item + after);
  if (from === undefined || to === undefined || Math.abs(Number(to) - Number(from)) > 255) return [word];
  return range(Number(from), Number(to)).map((item) => before + item + after);
}

function range(from: number, to: number): string[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => String(from + i));
}

function commandsIn(body: readonly Statement[]): Extract<Statement, { type: 'command' }>[] {
  return body.flatMap((statement) => {
    if (statement.type === 'command') return statement.words.length === 0 ? [] : [statement];
    return statement.type === 'case' ? statement.branches.flatMap((branch) => commandsIn(branch.body)) : commandsIn(statement.body);
  });
}

/** Says something, or ends: nothing that a host would keep. */
function isHarmless({ words, redirects }: Extract<Statement, { type: 'command' }>): boolean {
  const program = words[0]?.text ?? '';
  if (redirects.some(({ operator, target }) => operator.includes('>') && !/^(\/dev\/null|&?[012])$/.test(target.text))) return false;
  return ['echo', 'printf', 'exit', 'return', ':', 'true', 'false', '[', '[[', 'test', 'success', 'failure', 'log_daemon_msg', 'log_end_msg'].includes(program);
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
