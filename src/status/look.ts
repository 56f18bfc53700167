import { HOST_STATE } from '../core/host-state.ts';
import { LvsPlayError } from '../core/errors.ts';
import { type FactRequest, request } from '../facts/contract.ts';
import { gatherScript, parseGather } from '../facts/gather.ts';
import { balanceFact, balanceOf } from '../facts/network/balance.ts';
import { type Drains, drainsFact } from '../facts/system/drains.ts';
import { unitFact } from '../facts/system/unit.ts';
import { parseAddresses } from '../lvs/host/addresses.ts';
import { usesKeepalived } from '../lvs/host/director-script.ts';
import type { IpvsTable } from '../lvs/ipvs/types.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { newNonce } from '../plan/session.ts';
import type { Target } from '../transport/target.ts';

/** What one director says of itself at one moment. */
export interface DirectorStatus {
  readonly host: string;
  /** The kernel's, with its counts of connections. */
  readonly table: IpvsTable;
  /** By service `TCP 192.168.0.38:80`, and real server `192.168.0.18:80`. */
  readonly rates: ReadonlyMap<string, ReadonlyMap<string, Rate>>;
  /** Addresses that it holds, without prefix. */
  readonly holds: ReadonlySet<string>;
  readonly drains: Drains;
  /** Null: it has no use for keepalived. */
  readonly keepalived: 'runs' | 'stopped' | null;
  /** Connection synchronisation that its kernel does. */
  readonly sync: readonly ('master' | 'backup')[];
}

/** As the kernel estimates them over the last seconds (net/netfilter/ipvs/ip_vs_est.c), each a second. */
export interface Rate {
  readonly connections: number;
  readonly bytesIn: number;
  /** 0 in DR and TUN: replies pass the director by. */
  readonly bytesOut: number;
}

/** A director that says nothing for so long counts as unreachable: the others are shown. */
const ANSWER_MS = 15_000;

/** One request. @returns undefined: it cannot be reached. @throws LvsPlayError when it answers what cannot be used */
export async function lookAtDirector(topology: Topology, host: string, target: Target): Promise<DirectorStatus | undefined> {
  const unit = request(unitFact, 'keepalived.service');
  const managed = usesKeepalived(topology, host);
  const asked = [request(balanceFact, 'table'), request(drainsFact, HOST_STATE), ...(managed ? [unit] : [])] as unknown as FactRequest[];
  const nonce = newNonce();
  const script = [
    gatherScript(asked, nonce),
    'ip -o addr show',
    `echo '${nonce} rates'`,
    // ipvsadm would load IPVS where it is not.
    'if [ -r /proc/net/ip_vs ] && command -v ipvsadm >/dev/null 2>&1; then',
    'ipvsadm -Ln --rate --exact',
    `echo '${nonce} daemons'`,
    'ipvsadm -L --daemon',
    'fi',
    ':',
  ].join('\n');
  try {
    const reply = await target.request({ script, become: true, timeoutMs: ANSWER_MS });
    const facts = parseGather(reply.stdout, asked, nonce).reader(asked);
    const [rest = '', daemons = ''] = reply.stdout.toString('utf8').split(`${nonce} daemons\n`);
    const [before = '', rates = ''] = rest.split(`${nonce} rates\n`);
    return {
      host,
      table: balanceOf(facts.get(balanceFact, 'table')),
      rates: parseRates(rates),
      holds: new Set(parseAddresses(before.slice(before.lastIndexOf(nonce))).map(({ address }) => address)),
      drains: facts.get(drainsFact, HOST_STATE),
      keepalived: managed ? (facts.get(unitFact, unit.key).active ? 'runs' : 'stopped') : null,
      sync: (['master', 'backup'] as const).filter((role) => daemons.includes(`${role} sync daemon`)),
    };
  } catch (error) {
    if (error instanceof LvsPlayError) {
      if (error.code.startsWith('host-key') || (error.kind !== 'unreachable' && error.code !== 'command-timeout')) throw error;
      await target.reset();
      return undefined;
    }
    throw new LvsPlayError({ code: 'host-unreadable', kind: 'host', host, message: `${host} does not tell its state: ${error instanceof Error ? error.message : String(error)}`, cause: error });
  }
}

/** `ipvsadm -Ln --rate --exact`: CPS, InPPS, OutPPS, InBPS, OutBPS. Pure. */
export function parseRates(text: string): Map<string, Map<string, Rate>> {
  const services = new Map<string, Map<string, Rate>>();
  let current = new Map<string, Rate>();
  for (const line of text.split('\n')) {
    const service = /^(TCP|UDP|SCTP|FWM)\s+(\S+(?: IPv6)?)\s+\d/.exec(line);
    if (service !== null) {
      current = new Map();
      services.set(`${service[1] ?? ''} ${service[2] ?? ''}`, current);
    }
    const server = /^\s+->\s+(\S+)\s+(\d+)\s+\d+\s+\d+\s+(\d+)\s+(\d+)/.exec(line);
    if (server !== null) current.set(server[1] ?? '', { connections: Number(server[2]), bytesIn: Number(server[3]), bytesOut: Number(server[4]) });
  }
  return services;
}
