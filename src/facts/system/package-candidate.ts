import { shellCommand } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';

/**
 * Key: a package's name. The version that apt would install by the lists the host has, null when it knows none. The fact `package` tells it only of what is
 * not installed: reading the lists is dear. One `apt-cache policy` for all.
 */
export const packageCandidateFact = defineFact<string | null>({
  name: 'package_candidate',
  summary: 'versions that apt would install',
  script: (keys) => `${shellCommand(['apt-cache', 'policy', '--', ...keys])} 2>/dev/null\n:`,
  parse: (output, keys) => {
    const candidates = parsePolicy(output.toString('utf8'));
    return new Map(keys.map((key) => [key, candidates.get(key) ?? null]));
  },
});

/** Candidates by name in what `apt-cache policy` prints; a package without one is left out. */
export function parsePolicy(text: string): ReadonlyMap<string, string> {
  const found = [...text.matchAll(/^(\S+):\n(?: {2}.*\n)*? {2}Candidate: (\S+)$/gm)].map(([, name = '', version = '']): [string, string] => [name, version]);
  return new Map(found.filter(([, version]) => version !== '(none)'));
}
