/** Arguments of a task written in one string: `k=v k2="v 2"`, with free text where a module takes it. */
export interface FreeForm {
  readonly args: Readonly<Record<string, string>>;
  /** What is not `k=v`, as it was written; for `command` and `shell`. */
  readonly raw: string;
}

/** The only keys that are taken out of a free-form command; everything else with a `=` belongs to the command (Ansible's list). */
const COMMAND_KEYS: ReadonlySet<string> = new Set(['creates', 'removes', 'chdir', 'executable', 'stdin', 'stdin_add_newline', 'strip_empty_ends']);

/**
 * Splits as Ansible does: at white space outside quotes and outside `{{ }}`, `{% %}` and `{# #}`.
 * @param command the text is a command line: only a command's own options are taken as `k=v`
 * @throws Error when a quote or a template is not closed
 */
export function parseFreeForm(text: string, command: boolean): FreeForm {
  const args: Record<string, string> = {};
  const raw: string[] = [];
  for (const { word, space } of splitWords(text)) {
    const match = /^([A-Za-z_]\w*)=(.*)$/s.exec(word);
    const [, key, value] = match ?? [];
    if (key !== undefined && value !== undefined && (!command || COMMAND_KEYS.has(key))) args[key] = unquote(value);
    else raw.push(raw.length === 0 ? word : space + word);
  }
  return { args, raw: raw.join('') };
}

const OPENERS: ReadonlyMap<string, string> = new Map([
  ['{{', '}}'],
  ['{%', '%}'],
  ['{#', '#}'],
]);

/** Words with the white space that stood before each; quotes stay in the words. */
function splitWords(text: string): { word: string; space: string }[] {
  const words: { word: string; space: string }[] = [];
  let word = '';
  let space = '';
  let quote: string | undefined;
  let closer: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const pair = text.slice(i, i + 2);
    const char = text.charAt(i);
    if (closer !== undefined) {
      if (pair === closer) closer = undefined;
      else {
        word += char;
        continue;
      }
      word += pair;
      i++;
    } else if (OPENERS.has(pair)) {
      closer = OPENERS.get(pair);
      word += pair;
      i++;
    } else if (quote === undefined && /\s/.test(char)) {
      if (word !== '') {
        words.push({ word, space });
        word = '';
        space = '';
      }
      space += char;
    } else {
      // A backslash takes the meaning from a quote; both stay, as the command's shell has to see them.
      if (char === '\\' && i + 1 < text.length) {
        word += pair;
        i++;
        continue;
      }
      if (quote === char) quote = undefined;
      else if (quote === undefined && (char === '"' || char === "'")) quote = char;
      word += char;
    }
  }
  if (quote !== undefined) throw new Error(`the quote ${quote} is not closed`);
  if (closer !== undefined) throw new Error(`a template is not closed with ${closer}`);
  if (word !== '') words.push({ word, space });
  return words;
}

function unquote(value: string): string {
  const quoted = value.length >= 2 && (value.startsWith('"') || value.startsWith("'")) && value.endsWith(value.charAt(0));
  return quoted ? value.slice(1, -1).replaceAll(`\\${value.charAt(0)}`, value.charAt(0)) : value;
}
