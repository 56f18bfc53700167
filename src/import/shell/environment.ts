import type { Assignment, Word, WordPart } from './syntax.ts';

/** What a script has set so far, and what its words become by it. Undefined anywhere means: known only to a running shell. */
export class Environment {
  readonly #variables = new Map<string, string | undefined>([['0', 'script']]);
  readonly #arrays = new Map<string, readonly string[] | undefined>();
  #args: readonly string[];

  constructor(args: readonly string[]) {
    this.#args = args;
  }

  get args(): readonly string[] {
    return this.#args;
  }

  set args(args: readonly string[]) {
    this.#args = args;
  }

  set(name: string, value: string | undefined): void {
    this.#arrays.delete(name);
    this.#variables.set(name, value);
  }

  assign({ name, values, array }: Assignment): void {
    const fields = values.map((value) => this.expand(value));
    const known = fields.every((one) => one !== undefined) ? fields.flat() : undefined;
    if (array) this.#arrays.set(name, known);
    else this.set(name, known?.join(' '));
  }

  get(name: string): string | undefined {
    if (/^\d+$/.test(name) && name !== '0') return this.#args[Number(name) - 1];
    if (name === '#') return String(this.#args.length);
    return this.#arrays.has(name) ? this.#arrays.get(name)?.[0] : this.#variables.get(name);
  }

  /** The fields of a word; undefined when a part of it is not known. */
  expand(word: Word): readonly string[] | undefined {
    let fields: string[] = [];
    let open: string | undefined;
    for (const part of word.parts) {
      if (part.type === 'text') {
        open = (open ?? '') + part.text;
        continue;
      }
      const values = this.#fieldsOf(part, open !== undefined);
      if (values === undefined) return undefined;
      const [first, ...others] = values;
      if (first !== undefined) open = (open ?? '') + first;
      for (const field of others) {
        if (open !== undefined) fields.push(open);
        open = field;
      }
    }
    if (open !== undefined) fields.push(open);
    if (word.parts.every((part) => part.type === 'text' && !part.quoted)) fields = fields.flatMap(braces);
    return fields;
  }

  #fieldsOf(part: Exclude<WordPart, { type: 'text' }>, inWord: boolean): readonly string[] | undefined {
    if (part.type === 'list') return part.name === '@' ? this.#args : (this.#arrays.has(part.name) ? this.#arrays.get(part.name) : undefined);
    const value = part.type === 'variable' ? (this.get(part.name) ?? part.fallback) : part.type === 'element' ? this.#arrays.get(part.name)?.[part.at] : this.#computed(part.text);
    if (value === undefined || (part.type === 'variable' && part.quoted)) return value === undefined ? undefined : [value];
    if (value.trim() === '') return [];
    return value.split(/\s+/).filter((field, i) => field !== '' || (i === 0 && inWord));
  }

  /** `$(seq 1 3)`, `$((n + 1))` and `$(expr $n + 1)`: the substitutions whose outcome is plain. */
  #computed(text: string): string | undefined {
    const [, sum] = /^\$\(\((.*)\)\)$/s.exec(text) ?? /^(?:\$\(|`)\s*expr\s+(.*?)\s*[)`]$/s.exec(text) ?? [];
    if (sum !== undefined) return this.arithmetic(sum);
    const [, from = '1', to] = /^(?:\$\(|`)\s*seq\s+(?:(\d+)\s+)?(\d+)\s*[)`]$/.exec(text.replaceAll(/\$\{?(\w+)\}?/g, (whole, name: string) => this.get(name) ?? whole)) ?? [];
    return to === undefined || Number(to) - Number(from) > 255 ? undefined : range(Number(from), Number(to)).join(' ');
  }

  /** Sums, differences and products of integers and variables, from left to right where they are of one kind. */
  arithmetic(text: string): string | undefined {
    const tokens = text.match(/\d+|\$?\{?[A-Za-z_]\w*\}?|[^\s]/g) ?? [];
    const numbers = tokens.filter((_, i) => i % 2 === 0).map((token) => (/^\d+$/.test(token) ? Number(token) : Number(this.get(token.replaceAll(/[${}]/g, '')) ?? Number.NaN)));
    const operators = tokens.filter((_, i) => i % 2 === 1);
    const additive = operators.every((one) => one === '+' || one === '-');
    if (tokens.length % 2 === 0 || !numbers.every(Number.isInteger) || !(additive || operators.every((one) => one === '*'))) return undefined;
    return String(numbers.reduce((sum, number, i) => (i === 0 ? number : operators[i - 1] === '+' ? sum + number : operators[i - 1] === '-' ? sum - number : sum * number), 0));
  }
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
