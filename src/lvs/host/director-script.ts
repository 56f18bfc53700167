import { parseIpvsadmSave, expectedTable } from '../ipvs/table.ts';
import { type IpvsTable, keyOfService, serviceKey } from '../ipvs/types.ts';
import { hostPrefix } from '../model/ip.ts';
import { servicesOf, vipsOf } from '../model/lookups.ts';
import type { Topology, VirtualService } from '../model/topology.ts';
import { recorded, renderBootScript, renderBootUnit, type ScriptAddress, sysctlFile } from './boot-script.ts';
import { directorModules, directorSysctls } from './director.ts';

/** The script of a director without VRRP: `start|stop|status|reload`. */
export const DIRECTOR_SCRIPT = '/usr/local/sbin/lvs-director';
/** The unit that runs it at boot. */
export const DIRECTOR_UNIT = 'lvs-director.service';

/** After the network: whatever configures an interface may take away addresses that it does not know. */
export const DIRECTOR_UNIT_TEXT = renderBootUnit('Virtual services and virtual IPs of an LVS director', DIRECTOR_SCRIPT, [
  'After=network-online.target systemd-modules-load.service systemd-sysctl.service',
  'Wants=network-online.target',
]);

/** Whether a director needs keepalived at all: it is in a pair, or has services with health checks. */
export function usesKeepalived(topology: Topology, host: string): boolean {
  return servicesOf(topology, host).some((service) => service.manager === 'keepalived') || (topology.directors.get(host)?.pairs.length ?? 0) > 0;
}

/** The part of a director's IPVS table that no daemon fills. */
export function scriptTable(topology: Topology, host: string): IpvsTable {
  const own = new Set(scriptServices(topology, host).map(keyOfService));
  return { services: expectedTable(topology, host).services.filter((service) => own.has(serviceKey(service))) };
}

/** VIPs that a single director carries itself, also those of services that keepalived fills: without VRRP it moves no address. */
export function directorAddresses(topology: Topology, host: string): readonly ScriptAddress[] {
  const addresses = servicesOf(topology, host).flatMap((service) => {
    const name = service.pair === undefined ? service.vipInterface : undefined;
    return name === undefined ? [] : vipsOf(service).map((vip) => ({ interface: name, address: hostPrefix(vip) }));
  });
  return [...new Map(addresses.map((one) => [`${one.interface} ${one.address}`, one])).values()];
}

/** Time-outs of connections for `ipvsadm --set`, in seconds; undefined when the topology has none, or keepalived sets them. */
export function scriptTimeouts(topology: Topology, host: string): readonly [tcp: number, tcpFin: number, udp: number] | undefined {
  const { timeouts } = topology.ipvs;
  if (timeouts === undefined || scriptServices(topology, host).length === 0) return undefined;
  return [timeouts.tcp, timeouts.tcpFin, timeouts.udp];
}

/**
 * The script of a director; undefined for one that needs none. Services come before addresses: a client that came first would be refused by
 * the director itself.
 */
export function renderDirectorScript(topology: Topology, host: string): string | undefined {
  const table = scriptTable(topology, host);
  const addresses = directorAddresses(topology, host);
  const fillsTable = table.services.length > 0;
  if (!fillsTable && addresses.length === 0) return undefined;
  return renderBootScript({
    summary: 'What an LVS director needs beside keepalived, or in its place: virtual services and virtual IPs.',
    modules: fillsTable ? directorModules(topology, host) : [],
    sysctls: fillsTable ? Object.fromEntries(Object.entries(directorSysctls(topology, host)).map(([name, value]) => [sysctlFile(name), value])) : {},
    addresses,
    ipvs: fillsTable ? { table, timeouts: scriptTimeouts(topology, host) } : undefined,
  });
}

/** The virtual services that a director's script fills, from its text: the record of what is ours in a kernel's table. */
export function recordedServices(text: string): IpvsTable {
  return parseIpvsadmSave(recorded(text, 'services').map((line) => `-A ${line.replace('|', ' ')}`).join('\n'));
}

/** Keys of a director's services that keepalived fills. */
export function keepalivedKeys(topology: Topology, host: string): ReadonlySet<string> {
  return new Set(servicesOf(topology, host).filter((service) => service.manager === 'keepalived').map(keyOfService));
}

function scriptServices(topology: Topology, host: string): VirtualService[] {
  return servicesOf(topology, host).filter((service) => service.manager === 'script');
}
