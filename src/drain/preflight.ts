import { portReuseFault } from '../lvs/host/director.ts';
import type { KeepalivedVersion } from '../lvs/keepalived/version.ts';
import { keyOfService } from '../lvs/ipvs/types.ts';
import { vipsOf } from '../lvs/model/lookups.ts';
import type { Topology, VirtualService } from '../lvs/model/topology.ts';
import { destinationIn, directorsOf, sharesOf } from '../lvs/drain/shares.ts';
import { unansweredWords } from '../observe/words.ts';
import type { Refusal } from './refuse.ts';
import { answering, type ClusterLook, type DirectorLook, holdersOf } from './cluster.ts';
import { drainMethod, noMethodWords } from '../lvs/drain/method.ts';
import { weightUnder } from '../lvs/drain/record.ts';

/** What a drain is refused for, unless `--allow` says that it is meant. The last two are guards of every run too. */
export const DRAIN_RULES = ['director-unreachable', 'holders', 'tables-differ', 'degraded', 'hash-scheduler', 'port-reuse', 'drained-by-other', 'last-server', 'removed-share', 'below-quorum'] as const;
export type DrainRule = (typeof DRAIN_RULES)[number];

export interface DrainFinding extends Refusal {
  readonly rule: DrainRule;
}

/** What a drain is asked for. */
export interface DrainWish {
  /** Real servers that are drained together. */
  readonly hosts: readonly string[];
  /** Who asks: `alice@ops1`. */
  readonly by: string;
  /** 0-1: the share of a service's weight that may be out at the same time. */
  readonly removedShare: number;
}

/** What speaks against a drain. Pure. */
export function drainFindings(topology: Topology, look: ClusterLook, wish: DrainWish): DrainFinding[] {
  const services = [...new Set(wish.hosts.flatMap((host) => sharesOf(topology, host).map(({ service }) => service)))];
  return [
    ...unreachable(topology, look, wish),
    ...services.flatMap((service) => [...holders(service, look), ...tables(service, look, wish), ...schedulers(service), ...portReuse(service, look), ...capacity(service, look, wish)]),
    ...drainedByOther(topology, look, wish),
  ];
}

function unreachable(topology: Topology, look: ClusterLook, { hosts }: DrainWish): DrainFinding[] {
  const missing = look.directors.among(directorsOf(topology, hosts)).missing;
  if (missing.length === 0) return [];
  const one = missing.length === 1;
  return [{ rule: 'director-unreachable', missing, message: `${unansweredWords(missing)}: what ${one ? 'it has' : 'they have'} is unknown, and ${one ? 'it' : 'they'} would go on sending clients to ${hosts.join(' and ')} after taking over`, hint: `bring ${one ? 'it' : 'them'} back first` }];
}

function holders(service: VirtualService, look: ClusterLook): DrainFinding[] {
  return vipsOf(service).flatMap((vip): DrainFinding[] => {
    const names = answering(service.directors, look).filter(({ holds }) => holds.has(vip)).map(({ host }) => host);
    if (names.length === 1) return [];
    const { missing } = look.directors.among(service.directors);
    if (names.length === 0 && missing.length > 0) return [{ rule: 'holders', missing, message: `${service.name}: who holds ${vip} is unknown`, hint: 'bring its directors back first' }];
    return [{ rule: 'holders', message: `${service.name}: ${names.length === 0 ? 'nobody holds' : `${names.join(' and ')} both hold`} ${vip}`, hint: 'lvs-play verify and lvs-play lint --live say more' }];
  });
}

/** Directors that would balance otherwise after a failover than they do now. What a health check did to one of them alone is no matter of the drained server itself. */
function tables(service: VirtualService, look: ClusterLook, { hosts }: DrainWish): DrainFinding[] {
  const asked = answering(service.directors, look);
  return service.realServers
    .filter(({ host }) => !hosts.includes(host))
    .flatMap((server): DrainFinding[] => {
      const weights = asked.map((director) => ({ director: director.host, weight: destinationIn(director.table, { service, server })?.weight }));
      if (new Set(weights.map(({ weight }) => weight)).size <= 1) return [];
      const words = weights.map(({ director, weight }) => `${weight === undefined ? 'not in the table' : `weight ${String(weight)}`} on ${director}`);
      return [{ rule: 'tables-differ', message: `${service.name}: ${server.host} has ${words.join(', ')}`, hint: 'see why with lvs-play drift; a deploy makes them equal, and a health check may need a moment' }];
    });
}

const HASHED: Readonly<Record<string, 'sh-fallback' | 'mh-fallback'>> = { sh: 'sh-fallback', mh: 'mh-fallback' };

/** Weight 0 drops clients that are hashed there (ip_vs_sh.c, ip_vs_mh.c). */
function schedulers(service: VirtualService): DrainFinding[] {
  const flag = HASHED[service.scheduler];
  if (flag === undefined || service.schedulerFlags.includes(flag)) return [];
  return [{ rule: 'hash-scheduler', message: `${service.name}: clients that ${service.scheduler} hashes to a server of weight 0 get no answer`, hint: `add ${flag} to its scheduler_flags and deploy` }];
}

/** A client's port is used again while the director still remembers its old connection. Where a kernel tells neither, IPVS is not loaded, and there is nothing to remember. */
function portReuse(service: VirtualService, look: ClusterLook): DrainFinding[] {
  if (service.protocol !== 'tcp') return [];
  return answering(service.directors, look)
    .flatMap((director): DrainFinding[] => {
      const fault = director.connReuseMode === undefined ? undefined : portReuseFault([service], director);
      if (fault === undefined) return [];
      return [{ rule: 'port-reuse', message: `${service.name}: clients that use a source port again are sent to a drained server all the same, with conn_reuse_mode ${String(director.connReuseMode)} and expire_nodest_conn ${String(director.expireNodestConn ?? 0)} on ${director.host}`, hint: `deploy: directors get ${fault.cure}, unless the inventory says otherwise` }];
    });
}

/** What clients have left while the hosts are out, on the director that they reach. */
function capacity(service: VirtualService, look: ClusterLook, { hosts, removedShare }: DrainWish): DrainFinding[] {
  const [holder] = holdersOf(service, look);
  if (holder === undefined) return [];
  const others = service.realServers.filter(({ host }) => !hosts.includes(host));
  const alive = (server: (typeof others)[number]): number => destinationIn(holder.table, { service, server })?.weight ?? 0;
  const down = others.filter((server) => alive(server) === 0 && expected(holder, server.host, server.weight) > 0);
  const left = others.reduce((sum, server) => sum + alive(server), 0);
  const whole = service.realServers.reduce((sum, { weight }) => sum + weight, 0);
  const found: DrainFinding[] = down.map(({ host }) => ({ rule: 'degraded', message: `${service.name}: ${host} is out already: it is ${destinationIn(holder.table, { service, server: others.find((one) => one.host === host) as never }) === undefined ? 'not in the table' : 'at weight 0'} of ${holder.host}, and nobody drained it`, hint: `see to ${host} first` }));
  if (whole === 0) return found;
  if (left === 0) return [...found, { rule: 'last-server', message: `${service.name}: nobody would be left to serve it (${keyOfService(service)})`, hint: 'bring another real server back first' }];
  const gone = 1 - left / whole;
  if (gone > removedShare) found.push({ rule: 'removed-share', message: `${service.name}: ${percent(gone)} of its weight would be out, more than ${percent(removedShare)}`, hint: 'drain fewer at a time, or raise lvs_guards.removed_share' });
  if (left < service.quorum.count) found.push({ rule: 'below-quorum', message: `${service.name}: a weight of ${String(left)} would be left, and it needs ${String(service.quorum.count)}`, hint: 'keepalived would take the others out as well: lower its quorum, or drain fewer at a time' });
  return found;
}

/** The weight that the director's records leave. */
function expected(director: DirectorLook, host: string, weight: number): number {
  const record = director.drains.get(host);
  return record === undefined ? weight : weightUnder(record.weight, weight);
}

function drainedByOther(topology: Topology, look: ClusterLook, { hosts, by }: DrainWish): DrainFinding[] {
  return hosts.flatMap((host): DrainFinding[] => {
    const records = answering(directorsOf(topology, [host]), look).flatMap(({ drains }) => drains.get(host) ?? []);
    const others = records.find((record) => record.by !== by);
    return others === undefined ? [] : [{ rule: 'drained-by-other', message: `${host} is drained by ${others.by} since ${others.since}${others.reason === '' ? '' : `: ${others.reason}`}`, hint: `ask ${others.by}` }];
  });
}

function percent(share: number): string {
  return `${String(Math.round(share * 100))} %`;
}

/** Directors whose keepalived balances to any of these hosts, in the topology's order. Pure. */
export function keepalivedDirectors(topology: Topology, hosts: readonly string[]): string[] {
  const own = new Set(hosts.flatMap((host) => sharesOf(topology, host).flatMap(({ service }) => (service.manager === 'keepalived' ? service.directors : []))));
  return [...topology.directors.keys()].filter((director) => own.has(director));
}

/** Directors that can take nobody out without cutting connections: nobody can allow that, as it cannot be done. Pure. */
export function methodFindings(topology: Topology, versions: ReadonlyMap<string, KeepalivedVersion>): { readonly rule: 'no-safe-method'; readonly message: string; readonly hint: string; readonly firm: true }[] {
  return [...versions].flatMap(([director, version]) => {
    if (drainMethod(topology.drain, version) !== undefined) return [];
    const { why, cure } = noMethodWords(topology.drain, version);
    return [{ rule: 'no-safe-method', message: `${director} cannot be told to send nobody: ${why}`, hint: cure, firm: true } as const];
  });
}

/** By which method, where it is not the usual one; undefined: it is, everywhere. Pure. */
export function methodWords(topology: Topology, versions: ReadonlyMap<string, KeepalivedVersion>): string | undefined {
  const flagged = [...versions].filter(([, version]) => drainMethod(topology.drain, version) === 'flag').map(([director]) => director);
  if (flagged.length === 0) return undefined;
  return `${flagged.join(' and ')} ${flagged.length === 1 ? 'drains' : 'drain'} by a flag file, without a reload${topology.drain.method === 'flag' ? '' : ': weight 0 is broken in that keepalived'}`;
}
