import { netmaskOf } from '../../model/netmask.ts';
import type { KeepalivedVersion } from '../version.ts';
import { checksOf, type ForwardingMode, type HealthCheck, type RealServer, type ScriptCommand, type SorryServer, type Topology, type Tunnel, type VirtualService } from '../../model/topology.ts';
import { type Block, flag, option } from './block.ts';
import { checkBlock } from './checks.ts';
import { commandAndUser } from './text.ts';

/** A virtual service with its real servers. */
export function virtualServerBlock(service: VirtualService, topology: Topology, version: KeepalivedVersion): Block {
  const head = service.match.kind === 'fwmark' ? `fwmark ${String(service.match.mark)}` : `${service.vip} ${String(service.port)}`;
  return [{ head: `virtual_server ${head}`, body: [...optionLines(service), ...service.realServers.map((server) => ({ head: `real_server ${server.address} ${String(server.port)}`, body: realServer(service, server, topology, version) }))] }];
}

function optionLines(service: VirtualService): Block {
  const mark = service.match.kind === 'fwmark' ? service.match : undefined;
  const { persistence, quorum } = service;
  return [
    // Before all that has a family: keepalived would take it from there.
    ...option('ip_family', mark?.family === 6 ? 'inet6' : undefined),
    `delay_loop ${String(service.checkInterval)}`,
    `lb_algo ${service.scheduler}`,
    // After the scheduler: keepalived looks at it.
    ...service.schedulerFlags,
    ...flag('ops', service.onePacket),
    `lb_kind ${forwarding(service.mode, service.tunnel)}`,
    // `persistence_timeout 0` is an error for keepalived, so it is left out.
    ...(persistence === undefined
      ? []
      : [...option('persistence_engine', persistence.engine), `persistence_timeout ${String(persistence.timeout)}`, ...option('persistence_granularity', granularity(service))]),
    // A mark has none: keepalived calls it an error.
    ...option('protocol', mark === undefined ? service.protocol.toUpperCase() : undefined),
    ...flag('alpha', service.alpha),
    ...flag('omega', service.omega),
    ...option('quorum', quorum.count === 1 ? undefined : quorum.count),
    ...option('hysteresis', quorum.hysteresis === 0 ? undefined : quorum.hysteresis),
    ...script('quorum_up', quorum.up),
    ...script('quorum_down', quorum.down),
    ...(service.sorryServer === undefined ? [] : sorryServer(service.sorryServer, service)),
  ];
}

function realServer(service: VirtualService, server: RealServer, topology: Topology, version: KeepalivedVersion): Block {
  return [
    `weight ${String(server.weight)}`,
    ...flag('inhibit_on_failure', server.inhibitOnFailure),
    ...option('uthreshold', server.upperThreshold === 0 ? undefined : server.upperThreshold),
    ...option('lthreshold', server.lowerThreshold === 0 ? undefined : server.lowerThreshold),
    ...script('notify_up', server.onUp),
    ...script('notify_down', server.onDown),
    ...distinctChecks(checksOf(service, server)).flatMap((check) => checkBlock(check, server, topology, version)),
  ];
}

/** keepalived refuses to watch one BFD session twice for a server. */
function distinctChecks(checks: readonly HealthCheck[]): readonly HealthCheck[] {
  return checks.filter((check, index) => check.type !== 'bfd' || !checks.slice(0, index).some((one) => one.type === 'bfd' && one.instance === check.instance));
}

/** Its options come after it: keepalived sets them on the one it has read. */
function sorryServer(sorry: SorryServer, service: VirtualService): Block {
  const same = sorry.mode === service.mode;
  return [
    `sorry_server ${sorry.address} ${String(sorry.port)}`,
    ...flag('sorry_server_inhibit', sorry.inhibit),
    ...option('sorry_server_lvs_method', same ? undefined : forwarding(sorry.mode, service.tunnel)),
  ];
}

function forwarding(mode: ForwardingMode, { type, port, checksum }: Tunnel): string {
  if (mode !== 'tun' || type === 'ipip') return mode.toUpperCase();
  return ['TUN', 'type', type, ...(type === 'gue' ? ['port', String(port ?? 6080)] : []), ...(checksum === 'none' ? [] : [checksum])].join(' ');
}

/** IPv4 takes a netmask, IPv6 a prefix length; clients one by one need neither. */
function granularity(service: VirtualService): string | undefined {
  const { prefix } = service.persistence ?? {};
  const six = service.match.kind === 'fwmark' ? service.match.family === 6 : service.vip.includes(':');
  if (prefix === undefined || prefix === (six ? 128 : 32)) return undefined;
  return six ? String(prefix) : netmaskOf(prefix);
}

function script(keyword: string, one: ScriptCommand | undefined): readonly string[] {
  return one === undefined ? [] : [`${keyword} ${commandAndUser(one)}`];
}
