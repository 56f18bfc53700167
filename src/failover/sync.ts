import { connectionsScript, isInSync, lasting, parseConnections, type SyncState, syncState, syncWords } from '../lvs/failover/sync.ts';
import { ANSWER_MS, observe } from '../observe/ask.ts';
import { known } from '../observe/missing.ts';
import type { FailoverHands } from './hands.ts';
import { type FailoverEyes, movingAddresses } from './look.ts';

/** Between two looks; the kernel sends what it has to tell at least every two seconds (ip_vs_sync.c). */
const LOOK_MS = 1000;

/** @throws HostsMissing when one of them gives no answer */
export async function lookAtConnections({ topology, target }: FailoverEyes, pairs: readonly string[], hosts: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const script = connectionsScript(movingAddresses(topology, pairs));
  const seen = await observe(hosts, target, () => ({ script, read: parseConnections }), { timeoutMs: ANSWER_MS });
  return known(seen.judge((connections) => connections), 'which connections are open');
}

/**
 * Waits until the target knows every connection that the holder has for longer than a look; those that come and go meanwhile do not count, nor need they.
 * @param waitMs how long at most
 * @returns how far it came
 */
export async function catchUp(hands: Pick<FailoverHands, 'connections' | 'sleep' | 'now' | 'progress' | 'signal'>, pairs: readonly string[], holder: string, target: string, waitMs: number): Promise<SyncState> {
  const deadline = hands.now() + waitMs;
  let before = await hands.connections(pairs, [holder]);
  for (;;) {
    await hands.sleep(LOOK_MS);
    const now = await hands.connections(pairs, [holder, target]);
    const state = syncState(holder, target, new Map([...now, [holder, lasting(before.get(holder), now.get(holder))]]));
    if (isInSync(state) || hands.now() >= deadline || hands.signal.aborted) return state;
    hands.progress(`${syncWords(state)}; the others are waited for`);
    before = now;
  }
}
