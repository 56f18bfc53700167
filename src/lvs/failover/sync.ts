import { shellQuote } from '../../core/text/quote.ts';
import { ipv6Groups } from '../drain/sockets.ts';
import { parseIp } from '../model/ip.ts';

/** How far connection synchronisation has come: what another director would go on with if it took over now. */
export interface SyncState {
  /** Who holds the virtual IPs, and who would take over. */
  readonly holder: string;
  readonly target: string;
  /** Established connections that the holder has, and how many of them the target knows. */
  readonly established: number;
  readonly known: number;
}

/**
 * POSIX sh, as root: the established TCP connections of these virtual IPs, `TCP C0A80001:9C40 C0A80026:0050` a line, and a last line `end`; of a kernel without
 * IPVS only that. One process.
 */
export function connectionsScript(vips: readonly string[]): string {
  const wanted = vips.map(kernelAddress).join(' ');
  // $3 is 0000 in a persistence template, which is no connection.
  const program = '$1 == "TCP" && $8 == "ESTABLISHED" && $3 != "0000" && index(" " vips " ", " " $4 " ") > 0 { print $1, $2 ":" $3, $4 ":" $5 } END { print "end" }';
  return `if [ -r /proc/net/ip_vs_conn ]; then awk -v vips=${shellQuote(wanted)} ${shellQuote(program)} /proc/net/ip_vs_conn; else echo end; fi`;
}

/** What `connectionsScript` gave, a name for each connection. Pure. @throws Error when the answer is incomplete */
export function parseConnections(output: string): ReadonlySet<string> {
  const lines = output.split('\n').filter((line) => line !== '');
  if (lines.at(-1) !== 'end') throw new Error('the list of connections is incomplete');
  return new Set(lines.slice(0, -1));
}

/** Pure. @param connections of directors, as `parseConnections` has them */
export function syncState(holder: string, target: string, connections: ReadonlyMap<string, ReadonlySet<string>>): SyncState {
  const [own, others] = [connections.get(holder) ?? new Set<string>(), connections.get(target) ?? new Set<string>()];
  return { holder, target, established: own.size, known: [...own].filter((connection) => others.has(connection)).length };
}

/** Connections of both looks: those that came or went in between are not among them. Pure. */
export function lasting(first: ReadonlySet<string> = new Set(), second: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  return new Set([...second].filter((connection) => first.has(connection)));
}

/** Nothing that is established would be cut. Pure. */
export function isInSync({ established, known }: SyncState): boolean {
  return known === established;
}

/** `lvs2 knows 19 of 20 established connections`. Pure. */
export function syncWords({ target, established, known }: SyncState): string {
  if (established === 0) return `${target}: no connection is established that it would have to know`;
  return `${target} knows ${String(known)} of ${String(established)} established ${established === 1 ? 'connection' : 'connections'}`;
}

/** An address as /proc/net/ip_vs_conn writes it (ip_vs_conn_seq_show in net/netfilter/ipvs/ip_vs_conn.c). Pure. */
function kernelAddress(address: string): string {
  const ip = parseIp(address);
  if (ip === undefined) return address;
  if (ip.family === 4) return ip.address.split('.').map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0')).join('');
  return ipv6Groups(ip.address).map((group) => group.toString(16).padStart(4, '0')).join(':');
}
