import { isJsonObject, type Json } from '../../core/json.ts';
import type { Located } from '../../core/located.ts';
import { buildBfd, checkNeighbors } from './ha/bfd.ts';
import { buildScripts, Commands } from './commands.ts';
import type { HostAddress } from './hosts.ts';
import { parseIp } from './ip.ts';
import { vipsOf } from './lookups.ts';
import { buildNatNetworks, checkNatServices, natNetworkOf } from './services/nat-networks.ts';
import { buildPairs } from './ha/pairs.ts';
import { Problems } from './problems.ts';
import { shapeOf } from './schema/shape.ts';
import { buildServices } from './services/services.ts';
import { buildSyncGroups } from './ha/sync-groups.ts';
import type { Director, ForwardingMode, HaPair, NatNetwork, RealServerHost, Topology, Tunnel, VirtualService } from './topology.ts';
import { buildTrackers } from './ha/trackers.ts';

export type { HostAddress } from './hosts.ts';

/**
 * The inventory variable `lvs`, checked against itself and the inventory's hosts.
 * @param lvs its value, templated, with the places it was written at
 * @param hosts every host of the inventory
 * @throws LvsPlayError (InputErrors for several) kind `input`, one per problem, pointing at the key or value at fault
 */
export function buildTopology(lvs: Located, hosts: ReadonlyMap<string, HostAddress>): Topology {
  const problems = new Problems(lvs);
  const shaped = shapeOf(withoutEmpty(lvs.value), problems);
  const scripts = buildScripts(shaped.scripts, problems);
  const commands = new Commands(scripts.keys(), problems);
  const pairs = buildPairs({ shaped, hosts, commands, lvs, problems });
  const syncGroups = buildSyncGroups(shaped, pairs, commands, lvs, problems);
  const context = { hosts, pairs, commands, problems };
  const services = buildServices(shaped, context, lvs);
  const natNetworks = buildNatNetworks(shaped, syncGroups, context, lvs);
  checkNatServices(services, natNetworks, syncGroups, problems);
  const trackers = buildTrackers(shaped, commands, problems);
  const bfd = buildBfd(shaped.bfd, problems);
  checkNeighbors(bfd, { pairs, syncGroups, services }, hosts, problems);
  problems.throwAll();
  const { timeouts, sysctls = {} } = shaped.ipvs ?? {};
  return {
    pairs,
    syncGroups,
    services,
    natNetworks,
    trackers,
    bfd,
    scripts,
    ipvs: {
      timeouts: timeouts === undefined ? undefined : { tcp: timeouts.tcp, tcpFin: timeouts.tcp_fin, udp: timeouts.udp },
      sysctls: Object.fromEntries(Object.entries(sysctls).map(([name, value]) => [name, String(value)])),
    },
    scriptUser: shaped.scriptUser,
    drain: { method: shaped.drain?.method ?? 'auto', position: lvs.locate(['drain', 'method'], 'value') },
    directors: directorsOf(pairs, services, natNetworks, hosts),
    realServers: realServersOf(services, natNetworks, hosts),
  };
}

/** `ha_pairs:` with nothing below is what is left when the last pair was deleted. */
function withoutEmpty(value: Json): Json {
  if (value === null) return {};
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null)) : value;
}

function directorsOf(
  pairs: ReadonlyMap<string, HaPair>,
  services: ReadonlyMap<string, VirtualService>,
  networks: ReadonlyMap<string, NatNetwork>,
  hosts: ReadonlyMap<string, HostAddress>,
): ReadonlyMap<string, Director> {
  const names = new Set([
    ...[...pairs.values()].flatMap((pair) => pair.members.map((member) => member.host)),
    ...[...services.values()].flatMap((service) => service.directors),
    ...[...networks.values()].flatMap((network) => network.directors),
  ]);
  return new Map(
    [...names].map((host) => [
      host,
      {
        host,
        address: hosts.get(host)?.address ?? '',
        pairs: [...pairs.values()].filter((pair) => pair.members.some((member) => member.host === host)).map((pair) => pair.name),
        services: [...services.values()].filter((service) => service.directors.includes(host)).map((service) => service.name),
      },
    ]),
  );
}

function realServersOf(
  services: ReadonlyMap<string, VirtualService>,
  networks: ReadonlyMap<string, NatNetwork>,
  hosts: ReadonlyMap<string, HostAddress>,
): ReadonlyMap<string, RealServerHost> {
  const found = new Map<string, { address: string; vips: Map<string, { vip: string; mode: 'dr' | 'tun'; tunnel: Tunnel; rip: string }>; gateway: string | undefined }>();
  for (const service of services.values()) {
    for (const server of backendsOf(service)) {
      const entry = found.get(server.host) ?? { address: parseIp(hosts.get(server.host)?.address ?? '')?.address ?? server.address, vips: new Map(), gateway: undefined };
      found.set(server.host, entry);
      // A director that serves itself has the VIP already.
      if (service.directors.includes(server.host)) continue;
      if (server.mode === 'nat') {
        entry.gateway ??= natNetworkOf(networks, service, server.address)?.gateway;
        continue;
      }
      const { type, port, checksum } = service.tunnel;
      const way = server.mode === 'dr' ? 'dr' : ['tun', type, String(port), checksum, server.address].join(' ');
      for (const vip of vipsOf(service)) entry.vips.set(`${vip} ${way}`, { vip, mode: server.mode, tunnel: service.tunnel, rip: server.address });
    }
  }
  const sorted = (vips: RealServerHost['vips'] extends readonly (infer V)[] ? ReadonlyMap<string, V> : never) => [...vips].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, vip]) => vip);
  return new Map([...found].map(([host, { address, vips, gateway }]) => [host, { host, address, vips: sorted(vips), gateway }]));
}

/** Hosts that a service's packets may reach: its real servers, and the sorry server, which must be ready beforehand. */
function backendsOf({ mode, realServers, sorryServer }: VirtualService): readonly { readonly host: string; readonly address: string; readonly mode: ForwardingMode }[] {
  const sorry = sorryServer?.host === undefined ? [] : [{ host: sorryServer.host, address: sorryServer.address, mode: sorryServer.mode }];
  return [...realServers.map(({ host, address }) => ({ host, address, mode })), ...sorry];
}
