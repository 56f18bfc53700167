import { shellQuote } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';
import { offersScript, parseOffers } from './apt-lists.ts';
import type { ListsState } from './apt-lists.ts';

/** The newest version that apt would install. */
export type PackageCandidate = {
  /** null: no source offers it. */
  readonly version: string | null;
  readonly lists: ListsState;
  /** Why the newest version is not known: no source could be read. In apt's words. */
  readonly problem: string | null;
};

/**
 * Key: a package's name. The version that apt would install, whether or not one is installed; the fact `package` asks for it only where nothing is installed, as reading
 * the lists is dear. One `apt-cache policy` for all; where the host's lists are missing or old, the sources are asked (see `offersScript`).
 */
export const packageCandidateFact = defineFact<PackageCandidate>({
  name: 'package_candidate',
  summary: 'versions that apt would install',
  script: (keys) => offersScript(keys.map(shellQuote).join(' ')),
  parse: (output, keys) => {
    const { candidates, lists, problem, silent } = parseOffers(output.toString('utf8'));
    return new Map(keys.map((key) => [key, { version: candidates.get(key) ?? null, lists, problem: silent ? problem : null }]));
  },
  aspects: ({ version }, key) => ({ [`newest version of package ${key}`]: version }),
});
