import { HOST_STATE } from '../core/host-state.ts';
import { type FactRequest, request } from '../facts/contract.ts';
import { gatherScript, parseGather } from '../facts/gather.ts';
import { balanceFact, balanceOf } from '../facts/network/balance.ts';
import { drainsFact } from '../facts/records/drains.ts';
import { installedPackageFact } from '../facts/system/installed-package.ts';
import { sysctlFact } from '../facts/system/sysctl.ts';
import { directorsOf, sharesOf } from '../lvs/drain/shares.ts';
import { type LocalSockets, localPlaces, parseSockets, socketsScript } from '../lvs/drain/sockets.ts';
import { parseAddresses } from '../lvs/host/addresses.ts';
import { type KeepalivedVersion, keepalivedVersion } from '../lvs/keepalived/version.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { ANSWER_MS, observe, type Question, type Reach } from '../observe/ask.ts';
import type { Observation } from '../observe/observation.ts';
import { newNonce } from '../plan/session.ts';
import type { ClusterLook, DirectorLook } from './cluster.ts';
import { keepalivedDirectors } from './preflight.ts';

/** Hosts as a drain asks them. */
export interface DrainEyes {
  readonly topology: Topology;
  readonly target: Reach;
}

const SYSCTLS = { connReuseMode: 'net.ipv4.vs.conn_reuse_mode', expireNodestConn: 'net.ipv4.vs.expire_nodest_conn', expireQuiescentTemplate: 'net.ipv4.vs.expire_quiescent_template' } as const;

/** They look again and again. */
const AGAIN = { again: true, timeoutMs: ANSWER_MS } as const;

/** Asks the directors of these real servers, and the real servers themselves, each in one request. */
export async function lookAt({ topology, target }: DrainEyes, hosts: readonly string[]): Promise<ClusterLook> {
  const [directors, servers] = await Promise.all([
    observe(directorsOf(topology, hosts), target, (host) => directorQuestion(host), AGAIN),
    observe(hosts, target, (host) => serverQuestion(topology, host), AGAIN),
  ]);
  return { at: Date.now(), directors, servers };
}

/** Which keepalived the directors of these real servers have; undefined: as no package. */
export function keepalivedVersions({ topology, target }: DrainEyes, hosts: readonly string[]): Promise<Observation<KeepalivedVersion | undefined>> {
  return observe(keepalivedDirectors(topology, hosts), target, () => versionQuestion(), AGAIN);
}

function versionQuestion(): Question<KeepalivedVersion | undefined> {
  const asked = [request(installedPackageFact, 'keepalived')] as unknown as FactRequest[];
  const nonce = newNonce();
  return {
    script: gatherScript(asked, nonce),
    read: (output) => keepalivedVersion(parseGather(Buffer.from(output), asked, nonce).reader(asked).get(installedPackageFact, 'keepalived') ?? ''),
  };
}

function directorQuestion(host: string): Question<DirectorLook> {
  const asked = [request(balanceFact, 'templates'), request(drainsFact, HOST_STATE), ...Object.values(SYSCTLS).map((name) => request(sysctlFact, name))] as unknown as FactRequest[];
  const nonce = newNonce();
  return {
    // All interfaces: with a virtual MAC the virtual IP is on one that nobody named.
    script: `${gatherScript(asked, nonce)}\nip -o addr show`,
    read: (output) => {
      const facts = parseGather(Buffer.from(output), asked, nonce).reader(asked);
      const balance = facts.get(balanceFact, 'templates');
      const sysctl = (name: keyof typeof SYSCTLS): number | undefined => {
        const value = facts.get(sysctlFact, SYSCTLS[name]);
        return value === null ? undefined : Number(value);
      };
      return {
        host,
        table: balanceOf(balance),
        templates: balance.templates ?? [],
        holds: new Set(parseAddresses(output.slice(output.lastIndexOf(nonce))).map(({ address }) => address)),
        drains: new Map(Object.entries(facts.get(drainsFact, HOST_STATE))),
        connReuseMode: sysctl('connReuseMode'),
        expireNodestConn: sysctl('expireNodestConn'),
        expireQuiescentTemplate: sysctl('expireQuiescentTemplate'),
      };
    },
  };
}

function serverQuestion(topology: Topology, host: string): Question<readonly LocalSockets[]> {
  const places = sharesOf(topology, host).flatMap(({ service, server }) => localPlaces(service, server));
  const ports = places.some(({ port }) => port === 0) ? [] : [...new Set(places.map(({ port }) => port))];
  const directors = directorsOf(topology, [host]).flatMap((name) => topology.directors.get(name)?.address ?? []);
  return { script: socketsScript(ports, directors), read: parseSockets };
}
