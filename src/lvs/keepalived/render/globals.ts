import type { ConnectionSync, IpvsSettings } from '../../model/topology.ts';
import { atLeast, type KeepalivedVersion } from '../version.ts';
import { type Block, flag, option } from './block.ts';
import { word } from './text.ts';
import type { Used } from './used.ts';

/** @param director names the router in mails and SNMP */
export function globalLines(director: string, used: Used, ipvs: IpvsSettings, scriptUser: string | undefined, version: KeepalivedVersion): Block {
  const scripts = used.commands.length > 0;
  return [
    `router_id ${director.replaceAll(/[^A-Za-z0-9_.-]/g, '_')}`,
    // A reload of a bad file ends the daemon and leaves the VIP behind (seen with 2.2.7); with this the old configuration stays in force.
    ...flag('reload_check_config', atLeast(version, '2.2.0')),
    // Without it `keepalived -t` complains of every script.
    ...flag('enable_script_security', scripts),
    // With script security keepalived has no default where the user keepalived_script is missing, as on Debian.
    ...option('script_user', scripts ? word(scriptUser ?? 'root') : undefined),
    ...used.pairs.flatMap((pair) => (pair.connectionSync === undefined ? [] : [syncDaemon(pair.connectionSync, pair.name)])),
    ...timeouts(ipvs),
  ];
}

/** keepalived runs the master daemon where the instance is MASTER, the backup daemon elsewhere. */
function syncDaemon({ interface: name, syncId, port, group, ttl, maxlen }: ConnectionSync, instance: string): string {
  return [`lvs_sync_daemon ${name} ${instance} id ${String(syncId)}`, ...option('maxlen', maxlen), ...option('port', port), ...option('ttl', ttl), ...option('group', group)].join(' ');
}

function timeouts({ timeouts: times }: IpvsSettings): readonly string[] {
  return times === undefined ? [] : [`lvs_timeouts tcp ${String(times.tcp)} tcpfin ${String(times.tcpFin)} udp ${String(times.udp)}`];
}
