import type { Json } from '../../../src/core/json.ts';
import { contentOf } from '../../../src/facts/files/content.ts';
import { jsonOf } from '../../../src/facts/network/ipvs.ts';
import type { KeepalivedState } from '../../../src/facts/system/keepalived.ts';
import { configOf, confNodes } from '../../../src/lvs/change/config.ts';
import { parseIpvsadmSave } from '../../../src/lvs/ipvs/table.ts';
import { renderKeepalived } from '../../../src/lvs/keepalived/render.ts';
import { changed, EXAMPLE, topologyOf } from '../lvs/support.ts';

export const CONF = '/etc/keepalived/keepalived.conf';
const VERSION = { major: 2, minor: 2, patch: 7 };
/** With what makes a table more than weights. */
export const TOPOLOGY = topologyOf(changed(EXAMPLE, 'scheduler: rr', 'scheduler: wrr\n    persistence: 300').replace('rs1: { weight: 1 }', 'rs1: { weight: 2, upper_threshold: 100 }'));
export const FILE = renderKeepalived(TOPOLOGY, 'lvs1', VERSION);
export const TABLE = ['-A -t 192.168.0.38:80 -s wrr -p 300', '-a -t 192.168.0.38:80 -r 192.168.0.18:80 -g -w 2', '-a -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 1', '-A -t 10.9.9.9:99 -s rr', '-a -t 10.9.9.9:99 -r 10.9.9.8:99 -m -w 1'];

/** A director as it is found. What is left out is as it should be. */
export interface Found {
  /** Lines of `ipvsadm -Sn`. */
  readonly table?: readonly string[];
  /** The table right before and right after keepalived was asked; default: as `table`. */
  readonly tables?: readonly [readonly string[], readonly string[]];
  readonly file?: string;
  /** The file that keepalived has read. */
  readonly read?: string;
  readonly fileAge?: number | null;
  /** What health checks found, where it is not that all is well: endpoint -> set, weight. */
  readonly health?: Readonly<Record<string, readonly [boolean, number]>>;
  readonly up?: boolean;
  readonly silent?: boolean;
  readonly active?: boolean;
}

const tableOf = (lines: readonly string[]): Json => jsonOf(parseIpvsadmSave(lines.join('\n')));

export function running({ table = TABLE, tables = [table, table], read = FILE, fileAge = 3600, health = {}, up = true }: Found): KeepalivedState {
  const { instances, services } = configOf(confNodes(read, CONF));
  return {
    instances: instances.map((one) => ({ ...one, state: 'BACKUP', password: one.password ?? null })),
    services: services.map(({ servers, ...service }) => ({ ...service, up, servers: [...servers], health: [...servers].map(([server, weight]) => [server, ...(health[server] ?? [true, weight])]) })),
    tables: tables.map(tableOf),
    fileAge,
  };
}

export function world(found: Found): (fact: string, key: string) => Json {
  const answers: Readonly<Record<string, Json>> = {
    drains: {},
    failovers: {},
    drain_flags: { folder: false, flags: {} },
    package: { installed: '1:2.2.7-1', candidate: '1:2.2.7-1', state: 'installed' },
    unit: { exists: true, active: found.active ?? true, enabled: 'enabled', needsReload: false },
    file: { type: 'file', mode: '0640', owner: 'root', group: 'root' },
    content: contentOf(Buffer.from(found.file ?? FILE)),
    ipvs: { table: tableOf(found.table ?? TABLE), timeouts: null },
    keepalived: found.silent === true ? null : running(found),
  };
  return (fact) => answers[fact] ?? null;
}
