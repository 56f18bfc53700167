import type { JsonObject } from '../core/json.ts';
import { usesKeepalived } from '../lvs/host/director-script.ts';
import { directorsOf } from '../lvs/drain/shares.ts';
import type { DrainRecord } from '../lvs/drain/record.ts';
import type { Topology } from '../lvs/model/topology.ts';

/** A playbook that is made here, as JSON, which is YAML. */
export type Plays = readonly JsonObject[];

/** What is written down on the directors about real servers; null: the record goes. */
export interface DrainNote {
  readonly servers: readonly string[];
  readonly record: Pick<DrainRecord, 'weight' | 'by' | 'reason' | 'since' | 'until' | 'run'> | null;
}

/**
 * Notes a drain on the directors and brings it into force: BACKUP first, so that whoever takes over in between knows of it already.
 * @param without directors that cannot be reached
 * @param clientsStay persistent clients keep a server of weight 0 until their template ends, or do not; undefined: as the kernel has it. Pure.
 */
export function notePlays(topology: Topology, note: DrainNote, without: ReadonlySet<string>, clientsStay?: boolean): Plays {
  const noted: JsonObject =
    note.record === null
      ? { servers: [...note.servers], state: 'absent' }
      : {
          servers: [...note.servers],
          weight: note.record.weight,
          by: verbatim(note.record.by),
          reason: verbatim(note.record.reason),
          since: note.record.since,
          ...(note.record.until === null ? {} : { until: note.record.until }),
          ...(note.record.run === null ? {} : { run: note.record.run }),
        };
  const persistence: JsonObject[] = clientsStay === undefined ? [] : [{ name: 'Say what becomes of persistent clients', sysctl: { name: 'net.ipv4.vs.expire_quiescent_template', value: clientsStay ? 0 : 1 } }];
  const title = note.record === null ? 'The whole weight' : note.record.weight === '0' ? 'No new clients' : `Weight ${note.record.weight}`;
  return balancePlays(topology, note.servers, `${title} for ${note.servers.join(', ')}`, without, [{ name: 'Note it', lvs_drain: noted }, ...persistence]);
}

/** The same without a note: what would change besides it. Pure. */
export function unrelatedPlays(topology: Topology, servers: readonly string[], without: ReadonlySet<string>): Plays {
  return balancePlays(topology, servers, 'What is not deployed yet', without, []);
}

function balancePlays(topology: Topology, servers: readonly string[], name: string, without: ReadonlySet<string>, before: readonly JsonObject[]): Plays {
  const directors = directorsOf(topology, servers).filter((director) => !without.has(director));
  const manages = directors.some((director) => usesKeepalived(topology, director));
  return [
    {
      name,
      hosts: directors.join(':'),
      gather_facts: false,
      order: 'backup_first',
      serial: 1,
      become: true,
      any_errors_fatal: true,
      tasks: [...before, { name: 'Tables that a script fills', lvs_director: {} }, ...(manages ? [{ name: 'Tables that keepalived fills', keepalived: {}, when: 'lvs_uses_keepalived' }] : [])],
    },
  ];
}

/** What a real server needs of its own to serve: its plan is empty when nothing is amiss. Pure. */
export function ownNeedsPlays(servers: readonly string[]): Plays {
  return [{ name: 'What a real server needs', hosts: servers.join(':'), gather_facts: false, become: true, tasks: [{ name: 'Virtual IPs and kernel parameters', lvs_real_server: {} }, { name: 'Default route', lvs_gateway: {} }] }];
}

/** Pure. */
export function rebootPlays(hosts: readonly string[], reason: string): Plays {
  return [{ name: 'Restart', hosts: hosts.join(':'), gather_facts: false, order: 'backup_first', become: true, any_errors_fatal: true, tasks: [{ name: 'Restart the host', reboot: { msg: verbatim(reason.replaceAll('\n', ' ')) } }] }];
}

/** A text that is never taken for a template. Pure. */
export function verbatim(text: string): string {
  if (!/\{[{%#]/.test(text)) return text;
  return /\{%[-+]?\s*endraw/.test(text) ? text.replaceAll('{', '(') : `{% raw %}${text}{% endraw %}`;
}
