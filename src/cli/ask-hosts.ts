import { LvsPlayError } from '../core/errors.ts';
import { mapLimited } from '../core/pool.ts';
import { readLimits } from '../inventory/limits.ts';
import { selectHosts } from '../inventory/pattern.ts';
import { askHost, type HostQuestion } from './ask-host.ts';
import type { OpenSite } from './input/open-site.ts';
import type { CommonOptions } from './input/options.ts';

/** What hosts answered; those that cannot be reached are named apart. */
export interface HostsAnswers<T> {
  readonly answers: ReadonlyMap<string, T>;
  readonly unreachable: readonly string[];
}

/** The hosts of an inventory that `-l` leaves. */
export async function chosenHosts({ site }: OpenSite, options: Pick<CommonOptions, 'limit'>): Promise<readonly string[]> {
  const limits = await readLimits(options.limit);
  return selectHosts(site.inventory, limits.length === 0 ? ['all'] : limits).hosts;
}

/** Asks the chosen hosts the same, each in one request. @throws LvsPlayError when one answers what cannot be used */
export async function askHosts<T>(opened: OpenSite, options: Pick<CommonOptions, 'limit' | 'forks'>, question: HostQuestion<T>): Promise<HostsAnswers<T>> {
  const unreachable: string[] = [];
  const answers = await mapLimited(await chosenHosts(opened, options), options.forks, async (host): Promise<[string, T][]> => {
    try {
      return [[host, await askHost(host, opened.target, question)]];
    } catch (error) {
      if (!(error instanceof LvsPlayError) || error.kind !== 'unreachable') throw error;
      unreachable.push(host);
      return [];
    }
  });
  return { answers: new Map(answers.flat()), unreachable };
}
