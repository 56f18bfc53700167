import { shellQuote } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';

/** What the flags of drained real servers say, by host: the first line of each file. */
export type DrainFlags = {
  readonly folder: boolean;
  readonly flags: Readonly<Record<string, string>>;
};

/** Key: their folder. No process. */
export const drainFlagsFact = defineFact<DrainFlags>({
  name: 'drain_flags',
  summary: 'flag files by which keepalived drains',
  script: (keys) =>
    keys
      .map((folder) => {
        const path = shellQuote(folder);
        return `echo ===; if [ -d ${path} ]; then echo folder; for file in ${path}/*; do if [ -f "$file" ]; then text=; IFS= read -r text <"$file" || :; printf '%s\\t%s\\n' "\${file##*/}" "$text"; fi; done; fi`;
      })
      .join('\n'),
  parse: (output, keys) => {
    const sections = output.toString('utf8').split(/^===\n/m).slice(1);
    if (sections.length !== keys.length) throw new Error('the flags are incomplete');
    return new Map(
      keys.map((key, index) => {
        const [head = '', ...lines] = (sections[index] ?? '').split('\n');
        const flags = lines.flatMap((line) => (line.includes('\t') ? [[line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1).trim()] as const] : []));
        return [key, { folder: head === 'folder', flags: Object.fromEntries(flags) }];
      }),
    );
  },
  aspects: ({ folder, flags }, key) => ({ [key]: folder ? 'directory' : null, ...Object.fromEntries(Object.entries(flags).map(([host, text]) => [`${key}/${host}`, flagValue(text)])) }),
});

/** A flag as it counts: of one that is not there or empty `0`. */
export function flagValue(text: string | undefined): string {
  return text === undefined || text === '' ? '0' : text;
}

/** Real servers whose flag is raised: keepalived takes any number but 0 for that. */
export function raisedFlags({ flags }: DrainFlags): ReadonlySet<string> {
  return new Set(Object.entries(flags).flatMap(([host, text]) => (flagValue(text) === '0' ? [] : [host])));
}
