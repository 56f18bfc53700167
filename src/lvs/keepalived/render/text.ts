import { LvsPlayError } from '../../../core/errors.ts';
import type { ScriptCommand } from '../../model/topology.ts';

/**
 * A string in double quotes: keepalived takes what is between them as it is, `!` and `#` included (lib/parser.c, decomment and alloc_strvec). There is no
 * way to write a double quote or a line's end, and `$NAME` is a variable.
 * @throws LvsPlayError `keepalived-unwritable`
 */
export function quoted(text: string): string {
  if (/["\p{Cc}]|\$[A-Za-z_{]|\\$|~(?:SEQ|LST)\(/u.test(text)) throw unwritable(text, 'write it without double quotes, $ and a backslash at its end');
  return `"${text}"`;
}

/** A word: without quotes where it needs none. */
export function word(text: string): string {
  return /^[A-Za-z0-9_.:+=/,@%^-]+$/.test(text) && !text.startsWith('@') ? text : quoted(text);
}

/** Words of `ip route` and `ip rule`, written as they are. @throws LvsPlayError `keepalived-unwritable` */
export function words(line: string): string {
  if (!/^[A-Za-z0-9_.:+/,@%-][A-Za-z0-9_.:+/,@% -]*$/.test(line) || line.startsWith('@')) throw unwritable(line, 'write only the words that ip takes');
  return line;
}

/**
 * A pattern in double quotes. Unlike in other strings backslashes are escapes here, in every version that knows `regex` (check_http.c, regex_handler), so each
 * is doubled, and what would end the string or begin a variable is written in octal.
 */
export function pattern(regex: string): string {
  return `"${regex.replaceAll(/\\|["$]|[^ -~]+/g, (odd) => (odd === '\\' ? '\\\\' : octal(odd)))}"`;
}

/**
 * A command with its arguments: one string in double quotes, within which keepalived from 2.0.6 on reads words in single quotes. 2.2.7 decodes escapes twice
 * and 2.3 once, so octal escapes, which come out the same in both, stand for all that is odd, but not for a single quote or a backslash.
 * @throws LvsPlayError `keepalived-unwritable`
 */
export function command({ argv }: Pick<ScriptCommand, 'argv'>): string {
  return `"${argv.map(argument).join(' ')}"`;
}

/** Whether the command has a word that only quotes can carry. */
export function needsQuotes({ argv }: Pick<ScriptCommand, 'argv'>): boolean {
  return argv.some((text) => !isPlain(text));
}

/** The command, and the user that runs it. */
export function commandAndUser(script: ScriptCommand): string {
  return `${command(script)}${script.user === undefined ? '' : ` ${word(script.user)}`}`;
}

function argument(text: string): string {
  if (isPlain(text)) return text;
  if (/['\\\0]/.test(text)) throw unwritable(text, 'an argument of a script takes no single quote and no backslash: put the command into a script of lvs.scripts');
  return `'${text.replaceAll(/["$]|[^ -~]+/gu, octal)}'`;
}

function isPlain(text: string): boolean {
  return /^[A-Za-z0-9_.:+=/,@%^-]+$/.test(text);
}

function octal(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

function unwritable(text: string, hint: string): LvsPlayError {
  return new LvsPlayError({ code: 'keepalived-unwritable', kind: 'input', message: `keepalived.conf cannot hold ${JSON.stringify(text)}`, hint });
}
