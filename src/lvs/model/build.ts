import { isJsonObject, type Json } from '../../core/json.ts';
import type { Located } from '../../core/located.ts';
import { parseIp } from './ip.ts';
import { buildPairs, type HostAddress } from './pairs.ts';
import { Problems } from './problems.ts';
import { shapeOf } from './schema.ts';
import { buildServices } from './services.ts';
import type { Director, HaPair, RealServerHost, Topology, Tunnel, VirtualService } from './topology.ts';

export type { HostAddress } from './pairs.ts';

/**
 * The inventory variable `lvs`, checked against itself and the inventory's hosts.
 * @param lvs its value, templated, with the places it was written at
 * @param hosts every host of the inventory
 * @throws LvsPlayError (InputErrors for several) kind `input`, one per problem, pointing at the key or value at fault
 */
export function buildTopology(lvs: Located, hosts: ReadonlyMap<string, HostAddress>): Topology {
  const problems = new Problems(lvs);
  const shaped = shapeOf(withoutEmpty(lvs.value), problems);
  const pairs = buildPairs(shaped.pairs, hosts, lvs, problems);
  const services = buildServices(shaped, { hosts, pairs, problems }, lvs);
  problems.throwAll();
  return {
    pairs,
    syncGroups: new Map(),
    services,
    natNetworks: new Map(),
    trackers: { scripts: new Map(), files: new Map(), processes: new Map() },
    bfd: new Map(),
    scripts: new Map(),
    ipvs: { timeouts: undefined, sysctls: {} },
    scriptUser: undefined,
    directors: directorsOf(pairs, services, hosts),
    realServers: realServersOf(services, hosts),
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
  hosts: ReadonlyMap<string, HostAddress>,
): ReadonlyMap<string, Director> {
  const names = new Set([
    ...[...pairs.values()].flatMap((pair) => pair.members.map((member) => member.host)),
    ...[...services.values()].flatMap((service) => service.directors),
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

function realServersOf(services: ReadonlyMap<string, VirtualService>, hosts: ReadonlyMap<string, HostAddress>): ReadonlyMap<string, RealServerHost> {
  const found = new Map<string, { address: string; vips: Map<string, { vip: string; mode: 'dr' | 'tun'; tunnel: Tunnel }> }>();
  for (const service of services.values()) {
    for (const server of service.realServers) {
      const entry = found.get(server.host) ?? { address: parseIp(hosts.get(server.host)?.address ?? '')?.address ?? server.address, vips: new Map() };
      found.set(server.host, entry);
      // A director that serves itself has the VIP already.
      if (service.mode === 'nat' || service.directors.includes(server.host)) continue;
      entry.vips.set(`${service.vip} ${service.mode}`, { vip: service.vip, mode: service.mode, tunnel: service.tunnel });
    }
  }
  return new Map(
    [...found].map(([host, { address, vips }]) => [host, { host, address, vips: [...vips].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, vip]) => vip), gateway: undefined }]),
  );
}
