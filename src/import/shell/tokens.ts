import type { HereDocument, Token, Word, WordPart } from './syntax.ts';

const OPERATORS = ['&>>', '<<<', '<<-', '&&', '||', ';;', '>>', '<<', '>&', '<&', '&>', '>|', '<>', ';', '|', '&', '(', ')', '<', '>'];

/**
 * Splits a script of POSIX sh (and the usual of bash) into words and operators. Nothing is expanded, nothing is run; the text of a
 * here-document is no command and belongs to the word behind `<<`.
 * @throws RangeError with the offset where a quote or substitution is not closed
 */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pending: Pending[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === '\\' && text.charAt(at + 1) === '\n') at += 2;
    else if (character === '\n') {
      tokens.push({ type: 'newline', start: at, end: at + 1 });
      at = readHereDocuments(text, at + 1, pending.splice(0), tokens);
    } else if (/\s/.test(character)) at++;
    else if (character === '#') at = lineEnd(text, at);
    else {
      const redirect = /^\d+(?=[<>])/.exec(text.slice(at, at + 4))?.[0] ?? '';
      const operator = OPERATORS.find((one) => text.startsWith(one, at + redirect.length));
      if (operator !== undefined && (redirect === '' || /[<>]/.test(operator))) {
        const end = at + redirect.length + operator.length;
        tokens.push({ type: 'operator', text: redirect + operator, start: at, end });
        at = end;
      } else {
        const { word, end } = readWord(text, at);
        const before = tokens.at(-1);
        if (before?.type === 'operator' && /<<-?$/.test(before.text)) pending.push({ token: tokens.length, delimiter: plain(word), tabs: before.text.endsWith('-'), expands: word.parts.every((part) => part.type !== 'text' || !part.quoted) });
        tokens.push({ type: 'word', word, start: at, end });
        at = end;
      }
    }
  }
  return tokens;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** A here-document that begins on the next line; `token`: the place of its word. */
interface Pending extends Pick<HereDocument, 'expands'> {
  readonly token: number;
  readonly delimiter: string;
  readonly tabs: boolean;
}

function readHereDocuments(text: string, from: number, documents: readonly Pending[], tokens: Token[]): number {
  let at = from;
  for (const { token, delimiter, tabs, expands } of documents) {
    const offset = at;
    const lines: string[] = [];
    while (at < text.length) {
      const end = lineEnd(text, at);
      const line = tabs ? text.slice(at, end).replace(/^\t+/, '') : text.slice(at, end);
      at = Math.min(end + 1, text.length);
      if (line === delimiter) break;
      lines.push(line);
    }
    const word = tokens[token];
    if (word?.type === 'word') tokens[token] = { ...word, document: { text: lines.join('\n'), offset, expands } };
  }
  return at;
}

function plain(word: Word): string {
  return word.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** The text of a here-document as a word whose variables are to be put in. @throws RangeError where a substitution is not closed */
export function documentWord(text: string): Word {
  const parts: WordPart[] = [];
  const add = adder(parts);
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === '\\' && '$`\\\n'.includes(text.charAt(at + 1))) {
      if (text.charAt(at + 1) !== '\n') add(text.charAt(at + 1), true);
      at += 2;
    } else if (character === '$' || character === '`') at = expansion(text, at, true, parts, add);
    else {
      add(character, true);
      at++;
    }
  }
  return { parts, text };
}

function adder(parts: WordPart[]): (piece: string, quoted: boolean) => void {
  return (piece, quoted) => {
    const last = parts.at(-1);
    if (last?.type === 'text' && last.quoted === quoted) parts[parts.length - 1] = { ...last, text: last.text + piece };
    else parts.push({ type: 'text', text: piece, quoted });
  };
}

function readWord(text: string, start: number): { word: Word; end: number } {
  const parts: WordPart[] = [];
  const add = adder(parts);
  let at = start;
  while (at < text.length) {
    const character = text.charAt(at);
    if (/[\s;&|<>()]/.test(character)) break;
    if (character === '\\') {
      if (text.charAt(at + 1) !== '\n') add(text.charAt(at + 1), true);
      at += 2;
    } else if (character === "'") {
      const end = closing(text, "'", at + 1);
      add(text.slice(at + 1, end), true);
      at = end + 1;
    } else if (character === '"') at = doubleQuoted(text, at + 1, parts, add);
    else if (character === '$' || character === '`') at = expansion(text, at, false, parts, add);
    else {
      add(character, false);
      at++;
    }
  }
  return { word: { parts, text: text.slice(start, at) }, end: at };
}

function doubleQuoted(text: string, from: number, parts: WordPart[], add: (piece: string, quoted: boolean) => void): number {
  // An empty string is a word too.
  add('', true);
  let at = from;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === '"') return at + 1;
    if (character === '\\' && '"\\$`\n'.includes(text.charAt(at + 1))) {
      if (text.charAt(at + 1) !== '\n') add(text.charAt(at + 1), true);
      at += 2;
    } else if (character === '$' || character === '`') at = expansion(text, at, true, parts, add);
    else {
      add(character, true);
      at++;
    }
  }
  throw new RangeError(`${String(from - 1)}: a double quote is not closed`);
}

function expansion(text: string, at: number, quoted: boolean, parts: WordPart[], add: (piece: string, quoted: boolean) => void): number {
  const rest = text.slice(at, at + 300);
  const named = /^\$(?:([A-Za-z_]\w*|[0-9#?!$-])|\{([A-Za-z_]\w*|\d+)(?::?-([^{}$`"']*))?\})/.exec(rest);
  if (named !== null) {
    parts.push({ type: 'variable', name: named[1] ?? named[2] ?? '', quoted, fallback: named[3] });
    return at + named[0].length;
  }
  const [whole, args, name, index] = /^\$(?:([@*])|\{([A-Za-z_]\w*)\[([@*]|\d+)\]\})/.exec(rest) ?? [];
  if (whole !== undefined) {
    parts.push(args === undefined && /\d/.test(index ?? '') ? { type: 'element', name: name ?? '', at: Number(index) } : { type: 'list', name: name ?? '@' });
    return at + whole.length;
  }
  if (text.charAt(at) === '`') {
    const end = closing(text, '`', at + 1);
    parts.push({ type: 'opaque', text: text.slice(at, end + 1) });
    return end + 1;
  }
  const open = text.charAt(at + 1);
  if (open === '(' || open === '{') {
    const end = balanced(text, at + 1, open, open === '(' ? ')' : '}');
    parts.push({ type: 'opaque', text: text.slice(at, end) });
    return end;
  }
  add('$', quoted);
  return at + 1;
}

function balanced(text: string, from: number, open: string, close: string): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text.charAt(at) === '\\') at++;
    else if (text.charAt(at) === "'") at = closing(text, "'", at + 1);
    else if (text.charAt(at) === open) depth++;
    else if (text.charAt(at) === close && --depth === 0) return at + 1;
  }
  throw new RangeError(`${String(from)}: ${open} is not closed`);
}

function closing(text: string, quote: string, from: number): number {
  const end = text.indexOf(quote, from);
  if (end < 0) throw new RangeError(`${String(from - 1)}: ${quote === '`' ? 'a backquote' : 'a single quote'} is not closed`);
  return end;
}
