import { HOST_STATE } from '../core/host-state.ts';
import { drainsFact } from '../facts/records/drains.ts';
import { failoversFact } from '../facts/records/failovers.ts';
import { installedPackageFact } from '../facts/system/installed-package.ts';
import { parseCounters, syncDaemons } from '../lvs/ipvs/counters.ts';
import { parseAddresses } from '../lvs/host/addresses.ts';
import { keepalivedVersion } from '../lvs/keepalived/version.ts';
import { observe, type Reach } from '../observe/ask.ts';
import type { Observation } from '../observe/observation.ts';
import type { DirectorState } from './types.ts';

/**
 * Asks a director for everything verification needs of it, in one request: three processes, a fourth where ipvsadm is; the
 * rest is read by the shell itself.
 */
export const DIRECTOR_SCRIPT = [
  'ip -o addr show || exit 1',
  "echo '--- link'",
  'ip -o link show || exit 1',
  "echo '--- vs'",
  // The shell's own `read` takes a byte at a time, and the kernel answers the second with end of file.
  'grep -Hs "" /proc/sys/net/ipv4/vs/conn_reuse_mode /proc/sys/net/ipv4/vs/expire_nodest_conn',
  "echo '--- ipvs'",
  'if [ -r /proc/net/ip_vs ]; then while IFS= read -r line; do printf "%s\\n" "$line"; done </proc/net/ip_vs; fi',
  "echo '--- stats'",
  'if command -v ipvsadm >/dev/null 2>&1; then ipvsadm -Ln --stats --exact; fi',
  "echo '--- daemons'",
  'if [ -r /proc/net/ip_vs ] && command -v ipvsadm >/dev/null 2>&1; then ipvsadm -L --daemon; fi',
  "echo '--- drains'",
  drainsFact.script([HOST_STATE]),
  "echo '--- failovers'",
  failoversFact.script([HOST_STATE]),
  "echo '--- keepalived'",
  // Where nobody knows it, all else is told all the same.
  `(${installedPackageFact.script(['keepalived'])}\n) 2>/dev/null`,
  'exit 0',
].join('\n');

/** Pure. */
export function parseDirectorState(host: string, output: string): DirectorState {
  const [addresses = '', links = '', vs = '', ipvs = '', stats = '', daemons = '', drains = '', failovers = '', keepalived = ''] = output.split(/^--- \w+\n/m);
  const kernel = new Map([...vs.matchAll(/^\S+\/(\w+):(\d+)$/gm)].map(([, name = '', value = '']) => [name, Number(value)]));
  return {
    host,
    addresses: new Map(parseAddresses(addresses).map(({ interface: name, address }) => [address, name])),
    macs: new Map([...links.matchAll(/^\d+:\s+([^\s:@]+)[^\n]*link\/ether ([0-9a-f]{2}(?::[0-9a-f]{2}){5})/gm)].map(([, iface = '', mac = '']) => [iface, mac])),
    ipvs: ipvs.trim() === '' ? undefined : ipvs,
    connections: new Map([...parseCounters(stats)].map(([service, servers]) => [service, new Map([...servers].map(([server, { connections }]) => [server, connections]))])),
    connReuseMode: kernel.get('conn_reuse_mode'),
    expireNodestConn: kernel.get('expire_nodest_conn'),
    sync: syncDaemons(daemons),
    keepalived: keepalivedVersion(installedPackageFact.parse(Buffer.from(keepalived), ['keepalived']).get('keepalived') ?? ''),
    drains: drainsFact.parse(Buffer.from(drains), [HOST_STATE]).get(HOST_STATE) ?? {},
    failovers: failoversFact.parse(Buffer.from(failovers), [HOST_STATE]).get(HOST_STATE) ?? {},
  };
}

/** Asks directors side by side. @param again one that could not be reached is tried anew */
export function askDirectors(target: Reach, hosts: readonly string[], again = false): Promise<Observation<DirectorState>> {
  return observe(hosts, target, (host) => ({ script: DIRECTOR_SCRIPT, read: (output) => parseDirectorState(host, output) }), { again });
}
