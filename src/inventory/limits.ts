import { LvsPlayError, messageOf } from '../core/errors.ts';
import { InputFiles } from '../core/inputs.ts';

/**
 * The host patterns of `-l`, those of `@FILE` read in: one a line, `#` begins a comment.
 * @throws LvsPlayError kind `usage` for a file that cannot be read, or that names no host: it would otherwise mean every host
 */
export async function readLimits(given: readonly string[], inputs = new InputFiles()): Promise<string[]> {
  const limits: string[] = [];
  for (const limit of given) limits.push(...(limit.startsWith('@') ? await linesOf(limit.slice(1), inputs) : [limit]));
  return limits;
}

async function linesOf(file: string, inputs: InputFiles): Promise<string[]> {
  let text: string;
  try {
    text = await inputs.readText(file);
  } catch (cause) {
    throw new LvsPlayError({ code: 'no-such-file', kind: 'usage', message: `--limit @${file} cannot be read: ${messageOf(cause)}`, cause });
  }
  const lines = text.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0) throw new LvsPlayError({ code: 'empty-limit', kind: 'usage', message: `--limit @${file}: the file names no host`, hint: 'write one host or pattern a line, or leave --limit out' });
  return lines;
}
