import { shellQuote } from '../core/text/quote.ts';

/** Flags of one letter that take no value, before a last one that does: `-be x=y`. */
const EXTRA_VARS = /^(-[bkKv]*e)(.*)$/s;

/**
 * A command line for others to read: the values of variables, which may be secrets, are left out; of a command that it runs, too. Pure.
 * @param args without the program
 */
export function shownCommand(args: readonly string[]): string {
  let values = false;
  const shown = args.map((arg) => {
    const [, flag = '', rest = ''] = EXTRA_VARS.exec(arg) ?? /^(--extra-vars)(?:=(.*))?$/s.exec(arg) ?? [];
    const [before, after] = [values, rest];
    values = !before && flag !== '' && after === '';
    if (before) return shellQuote(withoutValues(arg));
    if (flag === '') return shellQuote(arg.replaceAll(/(\s-[bkKv]*e\s*|\s--extra-vars[=\s]\s*)(?:'[^']*'|"[^"]*"|[^\s'"@])+/g, '$1...'));
    return shellQuote(after === '' ? arg : `${flag}${flag.startsWith('--') ? '=' : ''}${withoutValues(after)}`);
  });
  return ['lvs-play', ...shown].join(' ');
}

/** `@FILE` stays; of a variable its name, of anything else nothing. */
function withoutValues(text: string): string {
  if (text.startsWith('@')) return text;
  const name = /^\s*([A-Za-z_]\w*)=/.exec(text)?.[1];
  return name === undefined ? '...' : `${name}=...`;
}
