import type { ModuleContext, PairRestart } from '../contract.ts';

/** For modules that restart keepalived, whoever's they are. Undefined: the host is in no pair. */
export function restartOfPair(restarts: string, { topology, host, onController }: ModuleContext): PairRestart | undefined {
  const pairs = onController ? [] : (topology?.directors.get(host)?.pairs ?? []);
  return pairs.length === 0 ? undefined : { pairs, restarts };
}
