import { HOST_STATE } from '../core/host-state.ts';
import { type FactRequest, request } from '../facts/contract.ts';
import { gatherScript, parseGather } from '../facts/gather.ts';
import { balanceFact, balanceOf } from '../facts/network/balance.ts';
import { type Drains, drainsFact } from '../facts/records/drains.ts';
import { failoversFact } from '../facts/records/failovers.ts';
import { installedPackageFact } from '../facts/system/installed-package.ts';
import { unitFact } from '../facts/system/unit.ts';
import { type DrainMethod, drainMethodOf } from '../lvs/drain/method.ts';
import type { FailoverRecords } from '../lvs/failover/record.ts';
import { parseAddresses } from '../lvs/host/addresses.ts';
import { type IpvsCounters, parseCounters, syncDaemons } from '../lvs/ipvs/counters.ts';
import { usesKeepalived } from '../lvs/host/director-script.ts';
import { keepalivedVersion } from '../lvs/keepalived/version.ts';
import type { IpvsTable } from '../lvs/ipvs/types.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { ANSWER_MS, observe, type Question, type Reach } from '../observe/ask.ts';
import type { Observation } from '../observe/observation.ts';
import { newNonce } from '../plan/session.ts';

/** What one director says of itself at one moment. */
export interface DirectorStatus {
  readonly host: string;
  /** The kernel's, with its counts of connections. */
  readonly table: IpvsTable;
  /** A second, as the kernel estimates them (net/netfilter/ipvs/ip_vs_est.c); by service and real server as parseCounters has them. */
  readonly rates: ReadonlyMap<string, ReadonlyMap<string, IpvsCounters>>;
  /** Addresses that it holds, without prefix. */
  readonly holds: ReadonlySet<string>;
  readonly drains: Drains;
  readonly failovers: FailoverRecords;
  /** Null: it has no use for keepalived. */
  readonly keepalived: 'runs' | 'stopped' | null;
  readonly method: DrainMethod;
  /** Connection synchronisation that its kernel does. */
  readonly sync: readonly ('master' | 'backup')[];
}

/** Asks directors, each in one request. */
export function lookAtDirectors(topology: Topology, hosts: readonly string[], target: Reach): Promise<Observation<DirectorStatus>> {
  return observe(hosts, target, (host) => directorQuestion(topology, host), { again: true, timeoutMs: ANSWER_MS });
}

function directorQuestion(topology: Topology, host: string): Question<DirectorStatus> {
  const unit = request(unitFact, 'keepalived.service');
  const daemon = request(installedPackageFact, 'keepalived');
  const managed = usesKeepalived(topology, host);
  const asked = [request(balanceFact, 'table'), request(drainsFact, HOST_STATE), request(failoversFact, HOST_STATE), ...(managed ? [unit, daemon] : [])] as unknown as FactRequest[];
  const nonce = newNonce();
  const script = [
    gatherScript(asked, nonce),
    'ip -o addr show || exit 1',
    `echo '${nonce} rates'`,
    // ipvsadm would load IPVS where it is not.
    'if [ -r /proc/net/ip_vs ] && command -v ipvsadm >/dev/null 2>&1; then',
    'ipvsadm -Ln --rate --exact',
    `echo '${nonce} daemons'`,
    'ipvsadm -L --daemon',
    'fi',
    ':',
  ].join('\n');
  return {
    script,
    read: (output) => {
      const facts = parseGather(Buffer.from(output), asked, nonce).reader(asked);
      const [rest = '', daemons = ''] = output.split(`${nonce} daemons\n`);
      const [before = '', rates = ''] = rest.split(`${nonce} rates\n`);
      return {
        host,
        table: balanceOf(facts.get(balanceFact, 'table')),
        rates: parseCounters(rates),
        holds: new Set(parseAddresses(before.slice(before.lastIndexOf(nonce))).map(({ address }) => address)),
        drains: facts.get(drainsFact, HOST_STATE),
        failovers: facts.get(failoversFact, HOST_STATE),
        keepalived: managed ? (facts.get(unitFact, unit.key).active ? 'runs' : 'stopped') : null,
        method: drainMethodOf(topology.drain, managed ? keepalivedVersion(facts.get(installedPackageFact, daemon.key) ?? '') : undefined),
        sync: syncDaemons(daemons),
      };
    },
  };
}
