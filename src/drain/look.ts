import { HOST_STATE } from '../core/host-state.ts';
import { LvsPlayError } from '../core/errors.ts';
import { type FactRequest, request } from '../facts/contract.ts';
import { gatherScript, parseGather } from '../facts/gather.ts';
import { balanceFact, balanceOf } from '../facts/network/balance.ts';
import { drainsFact } from '../facts/records/drains.ts';
import { packageFact } from '../facts/system/package.ts';
import { sysctlFact } from '../facts/system/sysctl.ts';
import { type ClusterLook, type DirectorLook, directorsOf, sharesOf } from '../lvs/drain/look.ts';
import { keepalivedDirectors } from '../lvs/drain/preflight.ts';
import { type LocalSockets, localPlaces, parseSockets, socketsScript } from '../lvs/drain/sockets.ts';
import { parseAddresses } from '../lvs/host/addresses.ts';
import { type KeepalivedVersion, keepalivedVersion } from '../lvs/keepalived/version.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { ANSWER_MS, reached } from '../plan/reached.ts';
import { newNonce } from '../plan/session.ts';
import type { Target } from '../transport/target.ts';

/** Hosts as a drain asks them. */
export interface DrainEyes {
  readonly topology: Topology;
  readonly target: (host: string) => Promise<Target>;
}

const SYSCTLS = { connReuseMode: 'net.ipv4.vs.conn_reuse_mode', expireNodestConn: 'net.ipv4.vs.expire_nodest_conn', expireQuiescentTemplate: 'net.ipv4.vs.expire_quiescent_template' } as const;

/** Asks the directors of these real servers, and the real servers themselves, each in one request. One that cannot be reached is named as undefined. */
export async function lookAt({ topology, target }: DrainEyes, hosts: readonly string[]): Promise<ClusterLook> {
  const [directors, servers] = await Promise.all([
    Promise.all(directorsOf(topology, hosts).map(async (host) => [host, await reached(await target(host), (open) => lookAtDirector(host, open))] as const)),
    Promise.all(hosts.map(async (host) => [host, await reached(await target(host), (open) => lookAtServer(topology, host, open))] as const)),
  ]);
  return { at: Date.now(), directors: new Map(directors), servers: new Map(servers) };
}

/** Which keepalived the directors of these real servers have; one that cannot be reached, or whose package is not known, is left out. */
export async function keepalivedVersions({ topology, target }: DrainEyes, hosts: readonly string[]): Promise<ReadonlyMap<string, KeepalivedVersion>> {
  const asked = [request(packageFact, 'keepalived')] as unknown as FactRequest[];
  const told = await Promise.all(
    keepalivedDirectors(topology, hosts).map(async (host) => {
      const version = await reached(await target(host), async (open) => {
        const nonce = newNonce();
        const reply = await open.request({ script: gatherScript(asked, nonce), become: true, timeoutMs: ANSWER_MS });
        return reply.exitCode === 0 ? keepalivedVersion(parseGather(reply.stdout, asked, nonce).reader(asked).get(packageFact, 'keepalived').installed ?? '') : undefined;
      });
      return version === undefined ? [] : [[host, version] as const];
    }),
  );
  return new Map(told.flat());
}

async function lookAtDirector(host: string, target: Target): Promise<DirectorLook> {
  const asked = [request(balanceFact, 'templates'), request(drainsFact, HOST_STATE), ...Object.values(SYSCTLS).map((name) => request(sysctlFact, name))] as unknown as FactRequest[];
  const nonce = newNonce();
  // All interfaces: with a virtual MAC the virtual IP is on one that nobody named.
  const reply = await target.request({ script: `${gatherScript(asked, nonce)}\nip -o addr show`, become: true, timeoutMs: ANSWER_MS });
  if (reply.exitCode !== 0) throw unreadable(host, reply.stderr.toString('utf8'));
  const facts = parseGather(reply.stdout, asked, nonce).reader(asked);
  const balance = facts.get(balanceFact, 'templates');
  const sysctl = (name: keyof typeof SYSCTLS): number | undefined => {
    const value = facts.get(sysctlFact, SYSCTLS[name]);
    return value === null ? undefined : Number(value);
  };
  const text = reply.stdout.toString('utf8');
  return {
    host,
    table: balanceOf(balance),
    templates: balance.templates ?? [],
    holds: new Set(parseAddresses(text.slice(text.lastIndexOf(nonce))).map(({ address }) => address)),
    drains: new Map(Object.entries(facts.get(drainsFact, HOST_STATE))),
    connReuseMode: sysctl('connReuseMode'),
    expireNodestConn: sysctl('expireNodestConn'),
    expireQuiescentTemplate: sysctl('expireQuiescentTemplate'),
  };
}

async function lookAtServer(topology: Topology, host: string, target: Target): Promise<readonly LocalSockets[]> {
  const places = sharesOf(topology, host).flatMap(({ service, server }) => localPlaces(service, server));
  const ports = places.some(({ port }) => port === 0) ? [] : [...new Set(places.map(({ port }) => port))];
  const directors = directorsOf(topology, [host]).flatMap((name) => topology.directors.get(name)?.address ?? []);
  const reply = await target.request({ script: socketsScript(ports, directors), become: true, timeoutMs: ANSWER_MS });
  if (reply.exitCode !== 0) throw unreadable(host, reply.stderr.toString('utf8'));
  try {
    return parseSockets(reply.stdout.toString('utf8'));
  } catch (error) {
    throw unreadable(host, error instanceof Error ? error.message : '');
  }
}

function unreadable(host: string, why: string): LvsPlayError {
  return new LvsPlayError({ code: 'host-unreadable', kind: 'host', host, message: `${host} does not tell what a drain has to know${why.trim() === '' ? '' : `: ${why.trim().split('\n')[0] ?? ''}`}` });
}
