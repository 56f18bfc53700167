import { shellCommand, shellQuote } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';
import { parsePolicy } from './package-candidate.ts';

/** What dpkg says of a package, and what apt would install. */
export type PackageState = {
  /** Version, null when it is not installed whole. */
  readonly installed: string | null;
  /** Version apt would install; asked only where nothing is installed, else the installed one. null: apt knows no such package. */
  readonly candidate: string | null;
  /** broken: unpacked, half-installed or half-configured, as an interrupted dpkg leaves it. */
  readonly state: 'installed' | 'absent' | 'broken';
};

/**
 * Key: a package's name. One dpkg-query for all, and one `apt-cache policy` for those that are not installed; or one `rpm -q`, which knows no
 * candidates. Output: `NAME<tab>STATUS<tab>VERSION` lines, then what apt-cache prints.
 */
export const packageFact = defineFact<PackageState>({
  name: 'package',
  summary: 'installed and installable versions (dpkg and apt, rpm)',
  script: (keys) => {
    const dpkg = shellCommand(['dpkg-query', '-W', '-f', '${Package}\\t${db:Status-Abbrev}\\t${Version}\\n', ...keys]);
    const rpm = shellCommand(['rpm', '-q', '--qf', '%{NAME}\\tii \\t%{VERSION}-%{RELEASE}\\n', ...keys]);
    return [
      'if command -v dpkg-query >/dev/null 2>&1; then',
      `  known=$(${dpkg} 2>/dev/null)`,
      '  printf "%s\\n" "$known"',
      '  set --',
      `  for name in ${keys.map(shellQuote).join(' ')}; do`,
      '    case "$known" in "$name\t"[ih]"i "*|*"\n$name\t"[ih]"i "*) ;; *) set -- "$@" "$name";; esac',
      '  done',
      '  if [ $# -gt 0 ]; then apt-cache policy "$@" 2>/dev/null; fi',
      // In the words of dpkg-query. What is not there is named in a sentence, which has no tabs.
      `elif command -v rpm >/dev/null 2>&1; then ${rpm} 2>/dev/null`,
      "else echo 'neither dpkg-query nor rpm is there' >&2; exit 1; fi",
      ':',
    ].join('\n');
  },
  parse: (output, keys) => {
    const text = output.toString('utf8');
    const states = new Map([...text.matchAll(/^(\S+)\t(...?)\t(\S*)$/gm)].map(([, name = '', status = '', version = '']) => [name, { status: status.trim(), version }]));
    const candidates = parsePolicy(text);
    return new Map(keys.map((key) => [key, stateOf(states.get(key), candidates.get(key))]));
  },
  // Of what is there, what else could be had is no state of the host.
  aspects: ({ installed, candidate, state }, key) => ({ [`package ${key}`]: state === 'installed' ? installed : state, ...(installed === null ? { [`package ${key} to be had`]: candidate } : {}) }),
});

function stateOf(known: { status: string; version: string } | undefined, candidate: string | undefined): PackageState {
  if (known?.status === 'ii' || known?.status === 'hi') return { installed: known.version, candidate: known.version, state: 'installed' };
  // The second letter is what is: n not there, c only its configuration files; anything else was interrupted.
  const interrupted = known !== undefined && !/^.[nc]/.test(known.status);
  return { installed: null, candidate: candidate ?? null, state: interrupted ? 'broken' : 'absent' };
}
