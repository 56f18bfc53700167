import { readLimits } from '../inventory/limits.ts';
import { selectHosts } from '../inventory/pattern.ts';
import { observe, type Question } from '../observe/ask.ts';
import type { Observation } from '../observe/observation.ts';
import type { OpenSite } from './input/open-site.ts';
import type { CommonOptions } from './input/options.ts';

/** The hosts of an inventory that `-l` leaves. */
export async function chosenHosts({ site }: OpenSite, options: Pick<CommonOptions, 'limit'>): Promise<readonly string[]> {
  const limits = await readLimits(options.limit);
  return selectHosts(site.inventory, limits.length === 0 ? ['all'] : limits).hosts;
}

/** Asks the chosen hosts the same, each in one request. */
export async function askChosen<T>(opened: OpenSite, options: Pick<CommonOptions, 'limit' | 'forks'>, question: Question<T>): Promise<Observation<T>> {
  return observe(await chosenHosts(opened, options), opened.target, () => question, { forks: options.forks });
}
