import { shellCommand, shellQuote } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';
import { type ListsState, type Offers, offersScript, parseOffers } from './apt-lists.ts';

/** What dpkg says of a package, and what apt would install. */
export type PackageState = {
  /** Version, null when it is not installed whole. */
  readonly installed: string | null;
  /** Version apt would install; asked only where nothing is installed, else the installed one. null: no source offers it, or none could be read. */
  readonly candidate: string | null;
  /** broken: unpacked, half-installed or half-configured, as an interrupted dpkg leaves it. */
  readonly state: 'installed' | 'absent' | 'broken';
  /** Somebody decided that it stays as it is (`apt-mark hold`). */
  readonly held: boolean;
  /** The host's lists of packages; null where the package is installed, and nobody looked. */
  readonly lists: ListsState | null;
  /** Why no candidate is known: what apt said of the sources. null: a candidate is known, or the sources do not offer it. */
  readonly problem: string | null;
};

/** One process for all; lines for `queried`. */
export const queryScript = (keys: readonly string[]): string => shellCommand(['dpkg-query', '-W', '-f', '${Package}\\t${db:Status-Abbrev}\\t${Version}\\n', ...keys]);
/** The other branches of `if command -v dpkg-query`. In the words of dpkg-query; what is not there is named in a sentence, which has no tabs. */
export const byRpm = (keys: readonly string[]): string[] => [
  `elif command -v rpm >/dev/null 2>&1; then ${shellCommand(['rpm', '-q', '--qf', '%{NAME}\\tii \\t%{VERSION}-%{RELEASE}\\n', ...keys])} 2>/dev/null`,
  "else echo 'neither dpkg-query nor rpm is there' >&2; exit 1; fi",
  ':',
];

/**
 * Key: a package's name. One dpkg-query for all, and one `apt-cache policy` for those that are not installed, for which the sources are asked where the host's lists are
 * missing or old; or one `rpm -q`, which knows no candidates. Output: `NAME<tab>STATUS<tab>VERSION` lines, then that of `offersScript`.
 */
export const packageFact = defineFact<PackageState>({
  name: 'package',
  summary: 'installed and installable versions (dpkg and apt, rpm)',
  script: (keys) =>
    [
      'if command -v dpkg-query >/dev/null 2>&1; then',
      `known=$(${queryScript(keys)} 2>/dev/null)`,
      'printf "%s\\n" "$known"',
      'set --',
      `for name in ${keys.map(shellQuote).join(' ')}; do`,
      '  case "$known" in "$name\t"[ih]"i "*|*"\n$name\t"[ih]"i "*) ;; *) set -- "$@" "$name";; esac',
      'done',
      'if [ $# -gt 0 ]; then',
      offersScript('"$@"'),
      'fi',
      ...byRpm(keys),
    ].join('\n'),
  parse: (output, keys) => {
    const text = output.toString('utf8');
    const states = queried(text);
    const offers = text.includes('\n--- lists ') ? parseOffers(text) : undefined;
    return new Map(keys.map((key) => [key, stateOf(key, states.get(key), offers)]));
  },
  // Of what is there, what else is available is not state of the host; nor are its lists.
  aspects: ({ installed, candidate, state }, key) => ({ [`package ${key}`]: state === 'installed' ? installed : state, ...(installed === null ? { [`available version of package ${key}`]: candidate } : {}) }),
});

/** What dpkg-query says of a package. */
interface Queried {
  readonly status: string;
  readonly version: string;
}

/** `NAME<tab>STATUS<tab>VERSION` lines, by name. */
export function queried(text: string): ReadonlyMap<string, Queried> {
  return new Map([...text.matchAll(/^(\S+)\t(...?)\t(\S*)$/gm)].map(([, name = '', status = '', version = '']) => [name, { status: status.trim(), version }]));
}

/** Installed, held or not. */
export function isWhole({ status }: Queried): boolean {
  return status === 'ii' || status === 'hi';
}

function stateOf(name: string, known: Queried | undefined, offers: Offers | undefined): PackageState {
  const held = known?.status.startsWith('h') === true;
  if (known !== undefined && isWhole(known)) return { installed: known.version, candidate: known.version, state: 'installed', held, lists: null, problem: null };
  // The second letter is what is there: n nothing, c only its configuration files; anything else was interrupted.
  const interrupted = known !== undefined && !/^.[nc]/.test(known.status);
  const candidate = offers?.candidates.get(name) ?? null;
  return { installed: null, candidate, state: interrupted ? 'broken' : 'absent', held, lists: offers?.lists ?? null, problem: candidate === null ? (offers?.problem ?? null) : null };
}
