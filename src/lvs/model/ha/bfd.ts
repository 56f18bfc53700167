import type { HostAddress } from '../hosts.ts';
import { parseIp } from '../ip.ts';
import type { Problems } from '../problems.ts';
import type { RawBfd } from '../schema/shape.ts';
import { type BfdInstance, checksOf, type Topology } from '../topology.ts';
import { checkName } from './trackers.ts';

/** Checks the BFD sessions (keepalived.conf(5), bfd_instance). */
export function buildBfd(raw: ReadonlyMap<string, RawBfd>, problems: Problems): ReadonlyMap<string, BfdInstance> {
  const neighbors = new Map<string, string>();
  const instances = new Map<string, BfdInstance>();
  for (const [name, bfd] of raw) {
    const path = ['bfd', name];
    checkName(name, path, problems);
    if (name.length > 31) problems.add({ code: 'bad-name', message: `the BFD name ${name} has more than 31 characters`, path, of: 'key', hint: 'shorten it: keepalived takes no more' });
    const neighbor = parseIp(bfd.neighbor);
    if (neighbor === undefined) problems.add({ code: 'bfd-address', message: `${bfd.neighbor} is no IP address`, path: [...path, 'neighbor'], hint: 'write the address of the other side' });
    const source = bfd.source === undefined ? undefined : parseIp(bfd.source);
    if (bfd.source !== undefined && (source === undefined || source.family !== neighbor?.family)) {
      problems.add({ code: 'bfd-address', message: `${bfd.source} is no address of the neighbor's family`, path: [...path, 'source'], hint: 'write an address of this side' });
    }
    const same = neighbors.get(neighbor?.address ?? '');
    if (same !== undefined) problems.add({ code: 'bfd-twice', message: `BFD sessions ${same} and ${name} have the same neighbor`, path: [...path, 'neighbor'], hint: 'keep one: keepalived takes one session for a neighbor' });
    if (neighbor !== undefined) neighbors.set(neighbor.address, name);
    instances.set(name, {
      name,
      neighbor: neighbor?.address ?? bfd.neighbor,
      source: source?.address,
      minRx: bfd.min_rx,
      minTx: bfd.min_tx,
      idleTx: bfd.idle_tx,
      multiplier: bfd.multiplier,
      passive: bfd.passive ?? false,
    });
  }
  return instances;
}

/** A director that tracks a session has both ends of it when the neighbor is the director itself. */
export function checkNeighbors(
  sessions: ReadonlyMap<string, BfdInstance>,
  { pairs, syncGroups, services }: Pick<Topology, 'pairs' | 'syncGroups' | 'services'>,
  hosts: ReadonlyMap<string, HostAddress>,
  problems: Problems,
): void {
  for (const { name, neighbor } of sessions.values()) {
    const users = new Set([
      ...[...pairs.values()].filter((pair) => pair.track.bfd.some((item) => item.name === name)).flatMap((pair) => pair.members.map(({ host }) => host)),
      ...[...syncGroups.values()].filter((group) => group.track.bfd.some((item) => item.name === name)).flatMap((group) => group.pairs.flatMap((pair) => pairs.get(pair)?.members.map(({ host }) => host) ?? [])),
      ...[...services.values()].filter((service) => service.realServers.some((server) => checksOf(service, server).some((check) => check.type === 'bfd' && check.instance === name))).flatMap((service) => service.directors),
    ]);
    const self = [...users].find((host) => parseIp(hosts.get(host)?.address ?? '')?.address === neighbor);
    if (self === undefined) continue;
    problems.add({ code: 'bfd-self', message: `${neighbor} of BFD session ${name} is the address of ${self}, which watches the session`, path: ['bfd', name, 'neighbor'], hint: 'name a router or a real server that all its directors reach: every one of them opens the session' });
  }
}
