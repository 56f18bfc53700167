import { shellQuote } from '../../core/text/quote.ts';
import { endpointsOf } from '../model/lookups.ts';
import { formatEndpoint, parseIp } from '../model/ip.ts';
import type { RealServer, VirtualService } from '../model/topology.ts';

/** What a real server's own kernel says of TCP on one local address. Only it sees both halves of a connection in DR and TUN. */
export interface LocalSockets {
  /** Shortest form; `0.0.0.0` and `::` of a listener on all addresses. */
  readonly address: string;
  readonly port: number;
  readonly listening: boolean;
  /** Connections that still have something to say: see `COUNTED`. */
  readonly open: number;
  /** The first of their peers, `192.0.2.7:40112`; all of them up to `SAMPLE`. */
  readonly peers: readonly string[];
}

/** Peers that are named for one address. */
export const SAMPLE = 32;

/**
 * States of /proc/net/tcp that count (include/net/tcp_states.h): all in which data may still flow. Not FIN_WAIT2 (05): all that was sent has been acknowledged.
 * Not TIME_WAIT (06) and CLOSE (07): nothing follows. Not NEW_SYN_RECV (0C): there is no connection yet.
 */
const COUNTED = '01 02 03 04 08 09 0B';

/**
 * One `awk` over the kernel's TCP sockets, however many there are: it counts where they are.
 * @param ports local ports; empty: all
 * @param besides addresses whose connections do not count: directors, whose health checks come and go
 */
export function socketsScript(ports: readonly number[], besides: readonly string[]): string {
  const wanted = ports.map((port) => port.toString(16).toUpperCase().padStart(4, '0')).join(' ');
  const others = besides.flatMap(kernelForms).join(' ');
  return [
    // Words of an address are in the machine's own order of bytes, and it is read here as that of nearly all.
    `case $(uname -m) in s390*|ppc|ppc64|mips|mips64|sparc*) echo 'addresses of /proc/net/tcp are not known to be readable on this machine' >&2; exit 1;; esac`,
    'for file in /proc/net/tcp /proc/net/tcp6; do if [ -r "$file" ]; then cat "$file"; fi; done |',
    `awk -v ports=${shellQuote(wanted)} -v besides=${shellQuote(others)} -v counted=${shellQuote(COUNTED)} '`,
    'function among(list, word) { return index(" " list " ", " " word " ") > 0 }',
    '$1 ~ /^[0-9]+:$/ {',
    '  port = $2; sub(/^.*:/, "", port); peer = $3; sub(/:.*$/, "", peer)',
    '  if (ports != "" && !among(ports, port)) next',
    '  if ($4 == "0A") { print "listen", $2; next }',
    '  if (!among(counted, $4) || among(besides, peer)) next',
    `  if (open[$2]++ < ${String(SAMPLE)}) print "peer", $2, $3`,
    '}',
    `END { for (local in open) print "open", local, open[local]; print "end" }'`,
  ].join('\n');
}

/** Pure. @throws Error when the answer is incomplete */
export function parseSockets(output: string): LocalSockets[] {
  const lines = output.split('\n').filter((line) => line !== '');
  if (lines.at(-1) !== 'end') throw new Error('the list of sockets is incomplete');
  const found = new Map<string, { address: string; port: number; listening: boolean; open: number; peers: string[] }>();
  for (const line of lines.slice(0, -1)) {
    const [what = '', local = '', more = ''] = line.split(' ');
    const place = readPlace(local, line);
    const key = formatEndpoint(place.address, place.port);
    const entry = found.get(key) ?? { ...place, listening: false, open: 0, peers: [] };
    found.set(key, entry);
    if (what === 'listen') entry.listening = true;
    // IPv4 clients of an IPv6 socket stand in the other file: both count.
    else if (what === 'open') entry.open += Number(more);
    else if (what === 'peer') {
      const peer = readPlace(more, line);
      entry.peers.push(formatEndpoint(peer.address, peer.port));
    } else throw new Error(`unreadable line about sockets: ${line}`);
  }
  return [...found.values()];
}

/** A place that clients of a service reach on a real server. */
export interface LocalPlace {
  readonly address: string;
  /** 0: any. */
  readonly port: number;
}

/**
 * Where the packets of a service arrive on a real server: in DR and TUN still under the virtual IP, in NAT under its own address, and with a mark at the port that the client asked for. TCP only.
 * None with NAT of all ports: clients cannot be told from those who are there for something else. Pure.
 */
export function localPlaces(service: VirtualService, server: RealServer): LocalPlace[] {
  const endpoints = endpointsOf(service).filter(({ protocol }) => protocol === 'tcp');
  if (service.mode !== 'nat') return endpoints.map(({ address, port }) => ({ address, port }));
  const ports = server.port === 0 ? [...new Set(endpoints.map(({ port }) => port))] : endpoints.length === 0 ? [] : [server.port];
  return ports.includes(0) ? [] : ports.map((port) => ({ address: server.address, port }));
}

/** Connections of clients at these places. Pure. */
export function openAt(sockets: readonly LocalSockets[], places: readonly LocalPlace[]): { readonly open: number; readonly peers: readonly string[] } {
  const there = sockets.filter((socket) => places.some((place) => place.address === socket.address && (place.port === 0 || place.port === socket.port)));
  return { open: there.reduce((sum, socket) => sum + socket.open, 0), peers: there.flatMap((socket) => socket.peers) };
}

/** Whether anybody listens at a place: on its address, or on all. Any listener will do for a service of all ports. Pure. */
export function listensAt(sockets: readonly LocalSockets[], place: LocalPlace): boolean {
  const all = place.address.includes(':') ? ['::'] : ['0.0.0.0', '::'];
  return sockets.some((socket) => socket.listening && (place.port === 0 || place.port === socket.port) && [place.address, ...all].includes(socket.address));
}

/** An address as /proc/net/tcp and tcp6 write it (%08X of each word in network order, on a machine with the least byte first). */
function kernelForms(address: string): string[] {
  const ip = parseIp(address);
  if (ip === undefined) return [];
  if (ip.family === 4) {
    const word = ip.address.split('.').map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0')).reverse().join('');
    return [word, `0000000000000000FFFF0000${word}`];
  }
  const groups = ipv6Groups(ip.address).map((group) => group.toString(16).toUpperCase().padStart(4, '0')).join('');
  return [(groups.match(/.{8}/g) ?? []).map(reversed).join('')];
}

function readPlace(text: string, line: string): LocalPlace {
  const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text);
  if (match === null) throw new Error(`unreadable line about sockets: ${line}`);
  const [, address = '', port = ''] = match;
  return { address: readAddress(address), port: Number.parseInt(port, 16) };
}

function readAddress(words: string): string {
  const bytes = (words.match(/.{8}/g) ?? []).map(reversed).join('');
  const mapped = bytes.length === 8 ? bytes : bytes.startsWith('00000000000000000000FFFF') ? bytes.slice(24) : undefined;
  if (mapped !== undefined) return (mapped.match(/../g) ?? []).map((byte) => String(Number.parseInt(byte, 16))).join('.');
  const text = (bytes.match(/.{4}/g) ?? []).join(':');
  return parseIp(text)?.address ?? text;
}

/** The bytes of a word the other way round. */
function reversed(word: string): string {
  return (word.match(/../g) ?? []).reverse().join('');
}

/** The eight groups of an IPv6 address in its shortest form, as numbers. Pure. */
export function ipv6Groups(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const numbers = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  if (tail === undefined) return numbers(head);
  const [before, after] = [numbers(head), numbers(tail)];
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
