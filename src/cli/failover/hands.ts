import type { FailoverHands } from '../../failover/hands.ts';
import { lookAtPairs } from '../../failover/look.ts';
import { startMeasuring } from '../../failover/measure/measure.ts';
import { lookAtConnections } from '../../failover/sync.ts';
import type { OpenHands } from '../drain/hands.ts';

/** What failovers need, beside what drains have. */
export function failoverHands({ hands, opened }: Pick<OpenHands, 'hands' | 'opened'>): FailoverHands {
  const eyes = { topology: hands.topology, target: opened.target };
  return {
    ...hands,
    lookAtPairs: (pairs, without) => lookAtPairs(eyes, pairs, without),
    connections: (pairs, hosts) => lookAtConnections(eyes, pairs, hosts),
    measure: (pairs) => startMeasuring(eyes, pairs),
    insisting: () => failoverHands({ hands: hands.insisting(), opened }),
  };
}
