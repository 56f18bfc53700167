import { LvsPlayError, type Position } from '../../../core/errors.ts';
import { type ConfLine, parseLines, wordsOf } from './lines.ts';

export interface ExpandOptions {
  /** What `@NAME` is compared with: the -i option, by default the first part of the host's name. */
  readonly configId: string;
  /** The files that an `include` means, in order: a path or pattern, seen from the including file. Empty: there are none. */
  readonly include: (pattern: string, from: string) => readonly { readonly path: string; readonly text: string }[];
  /** Told of an include that found nothing: keepalived goes on as well. */
  readonly missing?: (pattern: string, position: Position) => void;
}

/** keepalived's own bound is the memory; a definition that contains itself must not be ours. */
const MAX_LINES = 100_000;
const MAX_DEPTH = 32;

/**
 * The lines that are in force: includes read, conditions decided, variables and sequences put in. Positions are where a line was
 * written; of a line from a definition, where it was used.
 * Pure but for `include`. Source: keepalived.conf(5), "Conditional configuration", "Parameter substitution", "Sequence blocks".
 * @throws LvsPlayError kind `input` when definitions or includes do not end
 */
export function expand(lines: readonly ConfLine[], options: ExpandOptions): readonly ConfLine[] {
  const result: ConfLine[] = [];
  new Expansion(options, result).run(lines, 0);
  return result;
}

class Expansion {
  readonly #options: ExpandOptions;
  readonly #result: ConfLine[];
  readonly #definitions = new Map<string, string>();

  constructor(options: ExpandOptions, result: ConfLine[]) {
    this.#options = options;
    this.#result = result;
  }

  run(lines: readonly ConfLine[], depth: number): void {
    for (const line of lines) {
      if (depth > MAX_DEPTH || this.#result.length > MAX_LINES) throw endless(line.position);
      if (line.condition !== undefined && !this.#holds(line.condition)) continue;
      this.#line({ ...line, condition: undefined }, depth);
    }
  }

  #holds(condition: string): boolean {
    const not = condition.startsWith('@^');
    return (condition.slice(not ? 2 : 1) === this.#options.configId) !== not;
  }

  #line(line: ConfLine, depth: number): void {
    if (line.kind === 'definition') {
      const [, name = '', value = ''] = /^\$(\w+)=(.*)$/s.exec(line.text) ?? [];
      this.#definitions.set(name, value);
      return;
    }
    if (line.kind === 'comment' || line.kind === 'blank' || line.kind === 'close') {
      this.#result.push(line);
      return;
    }
    const sequence = /^~(SEQx?|LST)\(([^)]*)\)\s*(.*)$/.exec(line.text);
    if (sequence !== null) {
      this.#sequence(line, sequence, depth);
      return;
    }
    const text = this.#substitute(line.text, line.position);
    if (text === line.text) {
      this.#plain(line, depth);
      return;
    }
    // What a variable brings may be several lines, blocks and conditions among them.
    const again = parseLines(line.kind === 'open' ? `${text} {` : text, line.position.file).map((one) => ({ ...one, position: line.position }));
    const last = again.at(-1);
    this.run([...again.slice(0, -1), ...(last === undefined ? [] : [{ ...last, comment: last.comment ?? line.comment }])], depth + 1);
  }

  #plain(line: ConfLine, depth: number): void {
    const [keyword, pattern] = wordsOf(line.text);
    if (line.kind !== 'statement' || keyword !== 'include' || pattern === undefined) {
      this.#result.push(line);
      return;
    }
    const files = this.#options.include(pattern, line.position.file);
    if (files.length === 0) this.#options.missing?.(pattern, line.position);
    for (const { path, text } of files) this.run(parseLines(text, path), depth + 1);
  }

  /** `~SEQ(var, start, step, end)`, shorter with two or three values, and `~LST(var, value, ...)`: the rest of the line once for each. */
  #sequence(line: ConfLine, [, kind = '', inside = '', rest = '']: RegExpExecArray, depth: number): void {
    const [name = '', ...values] = inside.split(',').map((value) => value.trim());
    const rounds = kind === 'LST' ? values : sequenceOf(values.map(Number)).map((value) => (kind === 'SEQx' ? value.toString(16) : String(value)));
    const before = this.#definitions.get(name);
    for (const value of rounds) {
      this.#definitions.set(name, value);
      this.#line({ ...line, text: rest }, depth + 1);
      if (this.#result.length > MAX_LINES) throw endless(line.position);
    }
    if (before === undefined) this.#definitions.delete(name);
    else this.#definitions.set(name, before);
  }

  /** `$NAME` before a blank or the end, `${NAME}` anywhere, again and again; what is not defined stays as it is. */
  #substitute(text: string, position: Position): string {
    let current = text;
    for (let round = 0; round < MAX_DEPTH; round++) {
      const next = current.replaceAll(/\$\{(\w+)\}|\$(\w+)(?=\s|$)/g, (all, braced?: string, plain?: string) => this.#value(braced ?? plain ?? '', position) ?? all);
      if (next === current) return current;
      // Lines must be told apart before what they say is looked at further.
      if (next.includes('\n')) return next;
      current = next;
    }
    throw endless(position);
  }

  #value(name: string, position: Position): string | undefined {
    const own = this.#definitions.get(name);
    if (own !== undefined) return own;
    if (name === '_PWD') return position.file.includes('/') ? position.file.replace(/\/[^/]*$/, '') : '.';
    if (name === '_INSTANCE') return this.#options.configId;
    return undefined;
  }
}

function sequenceOf(values: readonly number[]): number[] {
  const [first = 0, second = 0, third] = values;
  const end = values.length === 1 ? first : third ?? second;
  const start = values.length === 1 ? Math.sign(end) || 1 : first;
  const step = third === undefined ? (end >= start ? 1 : -1) : second;
  const found: number[] = [];
  if (step === 0 || ![start, step, end].every(Number.isFinite)) return found;
  for (let value = start; step > 0 ? value <= end : value >= end; value += step) {
    found.push(value);
    if (found.length > MAX_LINES) break;
  }
  return found;
}

function endless(position: Position): LvsPlayError {
  return new LvsPlayError({ code: 'keepalived-endless', kind: 'input', message: 'definitions or includes lead back to themselves, or to more lines than make sense', position, hint: 'look at the variable or file named here' });
}
