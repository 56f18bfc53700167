import type { JsonObject } from '../core/json.ts';
import { verbatim } from '../drain/plays.ts';
import type { Plays } from '../drain/plays.ts';
import { usesKeepalived } from '../lvs/host/director-script.ts';
import type { FailoverRecord } from '../lvs/failover/record.ts';
import type { Topology } from '../lvs/model/topology.ts';

/** What is written down on the members of pairs; null: the record goes. */
export type FailoverNote = Pick<FailoverRecord, 'to' | 'by' | 'reason' | 'since' | 'until'> | null;

export interface NotedPairs {
  readonly pairs: readonly string[];
  readonly note: FailoverNote;
  /** Members that can be reached, in the order in which they are told: the one that holds the virtual IPs last, so that they move once, when all know of it. */
  readonly order: readonly string[];
  /** Whose keepalived is restarted at the end, as nothing else makes it let go; undefined: nobody's. */
  readonly restarts: string | undefined;
}

/** Notes a failover on the members of pairs, and brings it into force. Pure. */
export function notePlays(topology: Topology, { pairs, note, order, restarts }: NotedPairs): Plays {
  const noted: JsonObject =
    note === null
      ? { pairs: [...pairs], state: 'absent' }
      : { pairs: [...pairs], to: note.to, by: verbatim(note.by), reason: verbatim(note.reason), since: note.since, ...(note.until === null ? {} : { until: note.until }) };
  const title = note === null ? `${pairs.join(', ')} as the inventory says` : `${pairs.join(', ')} to ${note.to}`;
  return [
    ...priorityPlays(topology, order, title, [{ name: 'Note it', lvs_failover: noted }]),
    ...(restarts === undefined ? [] : [{ name: `${restarts} lets go`, hosts: restarts, gather_facts: false, become: true, any_errors_fatal: true, tasks: [{ name: 'Restart keepalived, which stops in order', service: { name: 'keepalived', state: 'restarted' } }] }]),
  ];
}

/** The same without a note: what would change besides it. Pure. */
export function unrelatedPlays(topology: Topology, hosts: readonly string[]): Plays {
  return priorityPlays(topology, hosts, 'What is not deployed yet', []);
}

/** A play a director: the order is not the one in which directors come by their priorities. */
function priorityPlays(topology: Topology, hosts: readonly string[], name: string, before: readonly JsonObject[]): JsonObject[] {
  return hosts.map((host) => ({
    name,
    hosts: host,
    gather_facts: false,
    become: true,
    any_errors_fatal: true,
    tasks: [...before, ...(usesKeepalived(topology, host) ? [{ name: 'Priorities', keepalived: {} }] : [])],
  }));
}
