/** Tokens of Jinja expressions that matter for finding names; strings and numbers are passed over. */
interface Token {
  readonly text: string;
  readonly kind: 'name' | 'other';
}

const KEYWORDS = new Set(['and', 'or', 'not', 'in', 'is', 'if', 'else', 'true', 'false', 'none', 'True', 'False', 'None', 'loop', 'for', 'endfor', 'endif', 'elif', 'set', 'endset', 'recursive']);

function tokens(expression: string): Token[] {
  const found: Token[] = [];
  const pattern = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[A-Za-z_]\w*|\d[\w.]*|[^\s]/gs;
  for (const [text] of expression.matchAll(pattern)) {
    if (/^["'\d]/.test(text)) found.push({ text: '', kind: 'other' });
    else found.push({ text, kind: /^[A-Za-z_]/.test(text) ? 'name' : 'other' });
  }
  return found;
}

/**
 * Names that an expression may read from its variables: every identifier that is no attribute (`.x`), filter (`| x`), test (`is x`), keyword argument
 * (`x=`) or word of the language. Loop variables may be among them: rather one too many than one too few.
 */
export function namesIn(expression: string): ReadonlySet<string> {
  const all = tokens(expression);
  const names = new Set<string>();
  for (const [i, token] of all.entries()) {
    if (token.kind !== 'name' || KEYWORDS.has(token.text)) continue;
    const before = all[i - 1]?.text;
    const twoBefore = all[i - 2]?.text;
    const after = all[i + 1]?.text;
    const isAttribute = before === '.' || (before === '|' && twoBefore !== '|');
    const isTest = before === 'is' || (before === 'not' && twoBefore === 'is');
    const isKeyword = after === '=' && all[i + 2]?.text !== '=' && (before === ',' || before === '(');
    if (!isAttribute && !isTest && !isKeyword) names.add(token.text);
  }
  return names;
}

/** The expressions and statements inside a template text, without their delimiters; comments and raw blocks are left out. */
export function codeOf(text: string): string[] {
  const plain = text.replaceAll(/\{#.*?#\}/gs, '').replaceAll(/\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}/gs, '');
  return [...plain.matchAll(/\{\{(.*?)\}\}|\{%(.*?)%\}/gs)].map(([, expression, statement]) => (expression ?? statement ?? '').replace(/^[-+]|[-+]$/g, ''));
}

/** Whether a string holds any Jinja at all. */
export function isTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%') || text.includes('{#');
}

/** The expression of a string that is exactly one `{{ ... }}`, undefined for any other string. */
export function soleExpression(text: string): string | undefined {
  const match = /^\s*\{\{-?((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?!\}\}).)*?)-?\}\}\s*$/s.exec(text);
  return match?.[1]?.trim();
}

/** `a.b['c'][0]` as its steps, undefined when the expression is anything more than a path. */
export function plainPath(expression: string): readonly (string | number)[] | undefined {
  if (!/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[(?:\d+|'[^'\\]*'|"[^"\\]*")\])*$/.test(expression)) return undefined;
  const path = [...expression.matchAll(/\.?([A-Za-z_]\w*)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]/g)].map(([, name, index, single, double]) =>
    index === undefined ? (name ?? single ?? double ?? '') : Number(index),
  );
  const [first] = path;
  return typeof first === 'string' && !KEYWORDS.has(first) ? path : undefined;
}

/** A dotted path that an expression reads, `result.rc`; method calls are left out. */
export interface ReadPath {
  readonly steps: readonly string[];
  /** `is defined`, `is undefined` or `| default` asks about it, so that it may be missing. */
  readonly guarded: boolean;
}

/** Paths in an expression, for what a template engine passes over: a missing name that is only compared. */
export function pathsIn(expression: string): ReadPath[] {
  // Strings are blanked, so that what they hold is not taken for names; positions stay.
  const blank = expression.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/gs, (text) => '\u0001'.repeat(text.length));
  const names = namesIn(expression);
  const found = [...blank.matchAll(/(?<![\w.\u0001|])[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*/g)].flatMap(({ 0: text, index }) => {
    const steps = text.split('.').map((step) => step.trim());
    const after = blank.slice(index + text.length);
    const read = /^\s*\(/.test(after) ? steps.slice(0, -1) : steps;
    const guard = /^(?:\s*\[[^\]]*\])*\s*(?:\|\s*(?:default|d)\b|is\s+(?:not\s+)?(?:un)?defined\b)/.test(after);
    return read[0] === undefined || !names.has(read[0]) ? [] : [{ steps: read, guarded: guard }];
  });
  const guards = found.filter((path) => path.guarded).map((path) => path.steps.join('.'));
  return found.map((path) => ({ ...path, guarded: guards.some((guard) => `${path.steps.join('.')}.`.startsWith(`${guard}.`)) }));
}
