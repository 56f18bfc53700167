import { LvsPlayError } from '../../core/errors.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { backupFirst } from '../../lvs/model/groups.ts';
import type { MaintainedKind } from '../../maintain/maintenance.ts';
import { splitBatches } from '../../plan/compile/batches.ts';
import type { Site } from '../../plan/site.ts';
import { realServers } from '../drain/drain.ts';

/** Hosts of one kind, in the batches that they are worked on. */
export interface Maintained {
  readonly kind: MaintainedKind;
  readonly batches: readonly (readonly string[])[];
}

/**
 * What is to be maintained. Directors come one at a time, BACKUP first.
 * @param serial sizes of batches. @throws LvsPlayError kind `usage`: nothing matches, or hosts of both kinds
 */
export function maintainedHosts(patterns: readonly string[], site: Site, serial: readonly string[]): Maintained {
  const { inventory, topology } = site;
  const { hosts, unmatched } = selectHosts(inventory, patterns);
  const directors = hosts.filter((host) => topology?.directors.has(host) === true);
  if (topology === undefined || directors.length === 0 || unmatched.length > 0) return { kind: 'real-servers', batches: splitBatches(realServers(patterns, site), serial) };
  const servers = hosts.filter((host) => topology.realServers.has(host));
  const both = directors.find((host) => servers.includes(host));
  if (both !== undefined) throw refused(`${both} is a director and a real server: its maintenance is neither's`, `lvs-play failover and lvs-play drain ${both} take it out, lvs-play restore ${both} and lvs-play failback bring it back`);
  if (servers.length > 0) throw refused(`${directors.join(', ')} ${directors.length === 1 ? 'is a director' : 'are directors'}, ${servers.join(', ')} ${servers.length === 1 ? 'a real server' : 'real servers'}`, 'maintain them one kind after the other');
  const stranger = hosts.find((host) => !directors.includes(host));
  if (stranger !== undefined) throw refused(`${stranger} is neither a director nor a real server`, 'lvs-play deploy works on it');
  if (serial.some((size) => size !== '1')) throw refused(`--serial ${serial.join(',')}: directors are worked on one at a time`, 'leave --serial out');
  return { kind: 'directors', batches: backupFirst(topology, directors).map((host) => [host]) };
}

function refused(message: string, hint: string): LvsPlayError {
  return new LvsPlayError({ code: 'not-maintainable', kind: 'usage', message, hint });
}
