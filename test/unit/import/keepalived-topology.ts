import { usedBy } from '../../../src/lvs/keepalived/render/used.ts';
import { checksOf, type HaPair, type HealthCheck, type RealServer, type Topology, type TrackUse, type VirtualService } from '../../../src/lvs/model/topology.ts';

/**
 * Of a topology what keepalived.conf, with the firewall rules beside it, can hold, in one form for each meaning. Not there, and so not compared:
 * - names of services, hosts of real and sorry servers: their addresses are; VIPs and gateways of real servers, which follow from the services;
 * - positions in the inventory; the text of shipped scripts (their path is there); `ipvs.sysctls`, `helper`, which are kernel modules and parameters;
 * - services of the manager `script`, which keepalived must not know, and directors without anything of keepalived's;
 * - trackers and BFD sessions that nothing uses: keepalived complains of them, so they are not written;
 * - `nat_networks`: routes, addresses and firewall rules of the host (their gateway is an address of a pair, which is compared);
 * - addresses of a pair's members under multicast, as adverts then go to nobody's address;
 * - tracking of an interface that is tracked anyway: the member's own, and in a pair what its group tracks;
 * - the order of services of different directors; a BFD session that one server is watched by twice;
 * - `adverts_from_base` with unicast, which needs it;
 * - the user of scripts where no script runs; none, which means root, is written as root.
 */
export function heldByKeepalived(topology: Topology): unknown {
  const used = [...topology.directors.keys()].map((host) => usedBy(topology, host));
  const named = <T>(all: ReadonlyMap<string, T>, names: (one: (typeof used)[number]) => ReadonlySet<string>): T[] => [...all].filter(([name]) => used.some((one) => names(one).has(name))).map(([, value]) => value);
  const scripted = used.some(({ commands }) => commands.length > 0);
  return {
    scriptUser: scripted ? (topology.scriptUser ?? 'root') : undefined,
    timeouts: topology.ipvs.timeouts,
    scripts: named(topology.trackers.scripts, ({ scripts }) => scripts),
    files: named(topology.trackers.files, ({ files }) => files),
    processes: named(topology.trackers.processes, ({ processes }) => processes),
    bfd: named(topology.bfd, ({ bfd }) => bfd),
    groups: [...topology.syncGroups.values()].map((group) => {
      const pairs = [...topology.pairs.values()].filter(({ name }) => group.pairs.includes(name));
      return { ...group, position: undefined, track: trackOf(group.track, (name) => pairs.flatMap(({ members }) => members).every(({ host }) => pairs.some(({ members }) => members.some((member) => member.host === host && member.interface === name)))) };
    }),
    pairs: [...topology.pairs.values()].map((pair) => pairOf(pair, topology)),
    services: [...topology.services.values()].filter(({ manager }) => manager === 'keepalived').map((service) => serviceOf(service, topology)).sort((a, b) => (JSON.stringify([a.directors, a.match, a.protocol, a.vip, a.port]) < JSON.stringify([b.directors, b.match, b.protocol, b.vip, b.port]) ? -1 : 1)),
  };
}

function pairOf(pair: HaPair, topology: Topology): unknown {
  const group = [...topology.syncGroups.values()].find(({ pairs }) => pairs.includes(pair.name));
  const watched = (name: string): boolean => pair.members.every((member) => member.interface === name) || group?.track.interfaces.some((one) => one.name === name) === true;
  const member = ({ address, ...rest }: HaPair['members'][number]): unknown => (pair.unicast ? { ...rest, address } : rest);
  return { ...pair, position: undefined, vmac: pair.vmac === undefined ? undefined : { ...pair.vmac, advertsFromBase: pair.vmac.advertsFromBase || pair.unicast }, members: pair.members.map(member), track: trackOf(pair.track, watched) };
}

function trackOf(track: TrackUse, watched: (name: string) => boolean): unknown {
  return { ...track, interfaces: track.interfaces.filter(({ name }) => !watched(name)).sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function serviceOf(service: VirtualService, topology: Topology) {
  const { name, position, healthChecks, inhibitOnFailure, helper, sorryServer, realServers, ...rest } = service;
  return {
    ...rest,
    sorryServer: sorryServer === undefined ? undefined : { ...sorryServer, host: undefined },
    realServers: realServers.map((server) => ({ ...server, host: undefined, healthChecks: distinct(checksOf(service, server)).map((check) => checkOf(check, server, topology)) })),
  };
}

/** A BFD session is watched once. */
function distinct(checks: readonly HealthCheck[]): readonly HealthCheck[] {
  return checks.filter((check, i) => check.type !== 'bfd' || !checks.slice(0, i).some((one) => one.type === 'bfd' && one.instance === check.instance));
}

/** A check with the port and weight that it means. */
function checkOf(check: HealthCheck, server: RealServer, topology: Topology): unknown {
  if (check.type === 'file') return { ...check, weight: (check.weight ?? topology.trackers.files.get(check.trackFile)?.weight ?? 0) === 0 ? undefined : (check.weight ?? topology.trackers.files.get(check.trackFile)?.weight) };
  return 'port' in check ? { ...check, port: check.port ?? server.port } : check;
}
