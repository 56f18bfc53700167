import { Address4, Address6 } from 'ip-address';
import { parsePrefixed } from '../../lvs/model/ip.ts';
import type { Connection } from './state.ts';

/**
 * An extended regular expression for the lines of /proc/net/ip_vs_conn whose client is in a network. The kernel writes IPv4 as eight capital
 * hexadecimal digits, IPv6 in full and small (ip_vs_conn_seq_show), and TCP's half-open connections as SYN_RECV.
 * @param network `192.168.0.0/24`
 */
export function clientsOf(network: string): string {
  const parsed = parsePrefixed(network);
  if (parsed === undefined) throw new RangeError(`${network} is no network`);
  const { family, address, prefix } = parsed;
  const digits = family === 4 ? (new Address4(address).toHex().replaceAll(':', '').toUpperCase()) : new Address6(address).canonicalForm().replaceAll(':', '');
  const whole = Math.floor(prefix / 4);
  const loose = 4 - (prefix % 4);
  const edge = prefix % 4 === 0 ? '' : `[${nibbles(Number.parseInt(digits[whole] ?? '0', 16), loose, family)}]`;
  const start = digits.slice(0, whole);
  const spelled = family === 4 ? start : start.replaceAll(/(.{4})(?=.)/g, '$1:');
  return `^[A-Z]+ +${spelled}${family === 6 && whole > 0 && whole % 4 === 0 && whole < 32 ? ':' : ''}${edge}`;
}

/** The digits whose upper bits are those of `first`. */
function nibbles(first: number, loose: number, family: 4 | 6): string {
  const from = first & (0xf << loose);
  const all = Array.from({ length: 1 << loose }, (_, i) => (from + i).toString(16)).join('');
  return family === 4 ? all.toUpperCase() : all;
}

/** Lines of /proc/net/ip_vs_conn; others are left out. Pure. */
export function parseConnections(text: string): readonly Connection[] {
  return [...text.matchAll(/^(TCP|UDP|SCTP)\s+(\S+)\s+[0-9A-F]{4}\s+(\S+)\s+[0-9A-F]{4}\s+(\S+)\s+[0-9A-F]{4}\s+(\S+)\s+\d+/gm)].flatMap(([, protocol = '', client = '', vip = '', server = '', state = '']) => {
    const [from, to, by] = [addressOf(client), addressOf(vip), addressOf(server)];
    return from === undefined || to === undefined || by === undefined ? [] : [{ protocol, client: from, vip: to, server: by, state }];
  });
}

function addressOf(text: string): string | undefined {
  if (/^[0-9A-F]{8}$/.test(text)) return (text.match(/../g) ?? []).map((byte) => String(Number.parseInt(byte, 16))).join('.');
  return /^([0-9a-f]{4}:){7}[0-9a-f]{4}$/.test(text) ? new Address6(text).correctForm() : undefined;
}
