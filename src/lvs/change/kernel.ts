import { type IpvsCommand, ipvsCommands } from '../ipvs/commands.ts';
import { expectedTable } from '../ipvs/table.ts';
import { type IpvsDestination, type IpvsService, type IpvsTable, serviceKey } from '../ipvs/types.ts';
import { keepalivedKeys } from '../host/director-script.ts';
import { formatEndpoint } from '../model/ip.ts';
import type { Topology } from '../model/topology.ts';
import type { ConfiguredService, KeepalivedConfig } from './config.ts';
import type { ServiceHealth } from './dump.ts';

/** What keepalived believes of its virtual services, and what the kernel had right before and right after it said so. */
export interface Believed {
  readonly config: KeepalivedConfig;
  readonly health: ReadonlyMap<string, ServiceHealth>;
  readonly tables: readonly IpvsTable[];
}

/** What has to be done in a kernel's table, and how it is then. */
export interface KernelRepair {
  readonly commands: readonly IpvsCommand[];
  readonly target: IpvsTable;
}

/**
 * Commands that bring a kernel's table back to what keepalived has put there. A reload would not: it compares with keepalived's own configuration
 * before, not with the kernel. What health checks did stays: a server that one took out or inhibited is not put back, and a service without its quorum is left alone.
 * Where keepalived shall run something else than it does, its reload brings that: only what deviates from what it runs is a matter of the kernel. Pure.
 * @param due names of services that it shall run otherwise than it does
 * @param actual all that the kernel has; others' services are never touched
 */
export function kernelRepair(topology: Topology, host: string, believed: Believed, due: ReadonlySet<string>, actual: IpvsTable): KernelRepair {
  const own = keepalivedKeys(topology, host);
  const services = expectedTable(topology, host).services.flatMap((service): IpvsService[] => {
    const key = serviceKey(service);
    // IPVS keeps the marks of IPv4 and IPv6 apart, keepalived's names do not: where it has both, nobody knows which is meant.
    const name = key.replace(/ IPv6$/, '');
    const [running, another] = believed.config.services.filter((one) => one.name === name);
    const health = believed.health.get(name);
    if (!own.has(key) || running === undefined || another !== undefined || health?.up !== true || health.servers.size === 0) return [];
    const found = (table: IpvsTable): IpvsService | undefined => table.services.find((one) => serviceKey(one) === key);
    const now = found(actual);
    const tables = [actual, ...believed.tables].map(found);
    // The reload that is due brings a service's own settings.
    const settings = due.has(name) && now !== undefined ? { ...service, ...now } : service;
    return [{ ...settings, destinations: destinations(service, running, health, now, tables, due.has(name)) }];
  });
  const target = { services };
  return { commands: ipvsCommands(target, actual, new Set()), target };
}

function destinations(service: IpvsService, running: ConfiguredService, health: ServiceHealth, now: IpvsService | undefined, tables: readonly (IpvsService | undefined)[], due: boolean): IpvsDestination[] {
  const wanted = new Map(service.destinations.map((server) => [endpointOf(server), server]));
  const actual = new Map((now?.destinations ?? []).map((server) => [endpointOf(server), server]));
  const names = [...new Set([...running.servers.keys(), ...actual.keys()])];
  return names.flatMap((endpoint): IpvsDestination[] => {
    const state = health.servers.get(endpoint);
    const is = actual.get(endpoint);
    const weight = state?.set === true ? state.weight : undefined;
    // A health check may have been at work while the questions were asked: it is drift only if it was so all the while.
    const settled = tables.some((table) => table?.destinations.find((server) => endpointOf(server) === endpoint)?.weight === weight);
    // keepalived took it out, and here it is: not put there by keepalived. What it never knew of was added by hand.
    if (weight === undefined) return settled && is !== undefined ? [is] : [];
    const should = wanted.get(endpoint);
    const base = due && is !== undefined ? { ...is, ...(should?.host === undefined ? {} : { host: should.host }) } : (should ?? is);
    if (base === undefined || (settled && is === undefined)) return [];
    return [{ ...base, weight: settled && is !== undefined ? is.weight : weight }];
  });
}

function endpointOf(server: Pick<IpvsDestination, 'address' | 'port'>): string {
  return formatEndpoint(server.address, server.port);
}
