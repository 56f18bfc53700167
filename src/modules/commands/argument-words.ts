import { LvsPlayError, messageOf } from '../../core/errors.ts';
import { splitWords } from '../../core/text/words.ts';

/**
 * The words of an argument that is a command line: split as a shell does, but none will see them.
 * @throws LvsPlayError `bad-argument` when a quote is not closed
 */
export function argumentWords(module: string, text: string, hint: string): string[] {
  try {
    return splitWords(text);
  } catch (cause) {
    throw new LvsPlayError({ code: 'bad-argument', kind: 'input', message: `${module}: ${messageOf(cause)}`, hint, cause });
  }
}
