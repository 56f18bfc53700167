import { DIRECTOR_SCRIPT, parseDirector } from '../apply/pair/director.ts';
import { HOST_STATE } from '../core/host-state.ts';
import { failoversFact } from '../facts/records/failovers.ts';
import { syncDaemons } from '../lvs/ipvs/counters.ts';
import { addressesOf, type HaPair, type Topology } from '../lvs/model/topology.ts';
import { ANSWER_MS, observe, type Question, type Reach } from '../observe/ask.ts';
import { newNonce } from '../plan/session.ts';
import type { MemberLook, PairsLook } from './hands.ts';

/** Directors as a failover asks them. */
export interface FailoverEyes {
  readonly topology: Topology;
  readonly target: Reach;
}

export function pairsOf(topology: Topology, names: readonly string[]): readonly HaPair[] {
  return names.flatMap((name) => topology.pairs.get(name) ?? []);
}

/** Members of any of these pairs, in the order of their priorities. */
export function membersOf(topology: Topology, names: readonly string[]): readonly string[] {
  return [...new Set(pairsOf(topology, names).flatMap(({ members }) => members.map(({ host }) => host)))];
}

/** Every address that moves with these pairs, without prefix. */
export function movingAddresses(topology: Topology, names: readonly string[]): readonly string[] {
  return [...new Set(pairsOf(topology, names).flatMap((pair) => addressesOf(pair).map(({ address }) => address)))];
}

export function lookAtPairs({ topology, target }: FailoverEyes, pairs: readonly string[], without: readonly string[] = []): Promise<PairsLook> {
  const hosts = membersOf(topology, pairs).filter((host) => !without.includes(host));
  return observe(hosts, target, (host) => memberQuestion(host), { again: true, timeoutMs: ANSWER_MS });
}

function memberQuestion(host: string): Question<MemberLook> {
  const nonce = newNonce();
  const mark = (name: string): string => `echo '${nonce} ${name}'`;
  const script = [
    DIRECTOR_SCRIPT,
    mark('failovers'),
    failoversFact.script([HOST_STATE]),
    mark('links'),
    'ip -o link show || exit 1',
    mark('daemons'),
    // ipvsadm would load IPVS where it is not.
    'if [ -r /proc/net/ip_vs ] && command -v ipvsadm >/dev/null 2>&1; then ipvsadm -L --daemon; fi',
    ':',
  ].join('\n');
  return {
    script,
    read: (output) => {
      const [state = '', failovers = '', links = '', daemons = ''] = output.split(new RegExp(`^${nonce} \\w+\\n`, 'm'));
      return {
        ...parseDirector(host, state),
        failovers: failoversFact.parse(Buffer.from(failovers), [HOST_STATE]).get(HOST_STATE) ?? {},
        sync: syncDaemons(daemons),
        macs: [...links.matchAll(/link\/ether ([0-9a-f]{2}(?::[0-9a-f]{2}){5})/g)].map(([, mac = '']) => mac),
      };
    },
  };
}
