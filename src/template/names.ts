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
