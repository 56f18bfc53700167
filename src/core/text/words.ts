/**
 * Splits a string into words the way a POSIX shell does, without expanding anything (Python's shlex.split, which Ansible
 * uses for ssh arguments): blanks separate, quotes and backslashes group; an unquoted `#` is an ordinary character.
 * @throws RangeError when a quote is not closed or the string ends in a backslash
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw new RangeError('a single quote is not closed');
      word = (word ?? '') + text.slice(at + 1, end);
      at = end;
    } else if (character === '"') {
      const [content, end] = doubleQuoted(text, at + 1);
      word = (word ?? '') + content;
      at = end;
    } else if (character === '\\') {
      if (at + 1 >= text.length) throw new RangeError('nothing follows the last backslash');
      word = (word ?? '') + text.charAt(++at);
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** The content from `start` to the closing quote, and where that is. */
function doubleQuoted(text: string, start: number): [string, number] {
  let content = '';
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') return [content, at];
    const next = text.charAt(at + 1);
    if (character === '\\' && (next === '"' || next === '\\')) {
      content += next;
      at++;
    } else {
      content += character;
    }
  }
  throw new RangeError('a double quote is not closed');
}
