import type { RunKeeper } from '../apply/keeper.ts';
import type { CommonOptions } from './input/options.ts';

/** Who watches over a run, in the order in which they begin: what refuses without touching a host comes first. */
export function keepersOf(_options: CommonOptions): Promise<readonly RunKeeper[]> {
  return Promise.resolve([]);
}
