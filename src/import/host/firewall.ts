import type { Position } from '../../core/errors.ts';
import { parseIp } from '../../lvs/model/ip.ts';
import type { Protocol } from '../../lvs/model/topology.ts';
import type { Read } from './ipvsadm.ts';
import type { HostSetup } from './setup.ts';

/** `iptables` and `ip6tables`: flushes, masquerading, marks. */
export function readIptables(words: readonly string[], setup: HostSetup, position: Position): Read {
  const after = (...names: string[]): string | undefined => {
    const at = words.findIndex((word) => names.includes(word));
    return at < 0 ? undefined : words[at + 1];
  };
  const table = after('-t', '--table') ?? 'filter';
  const has = (...names: string[]): boolean => words.some((word) => names.includes(word));
  if (has('-F', '--flush', '-X', '--delete-chain')) return { id: 'iptables-flush', bug: `it also removes the rules of others in the table ${table}; lvs-play adds and removes only its own, which are marked as such` };
  if (has('-D', '--delete', '-Z', '-L', '-S', '-nL', '-vnL')) return { ignored: 'nothing is left of it' };
  const target = after('-j', '--jump');
  if (!has('-A', '--append', '-I', '--insert')) return { unread: 'only rules for masquerading and marks are read' };
  const source = after('-s', '--source', '--src');
  if (table === 'nat' && target === 'MASQUERADE' && source !== undefined && !has('!')) {
    setup.masquerades.push({ network: source, position });
    return { done: `masquerading of ${source}` };
  }
  const value = after('--set-mark', '--set-xmark')?.replace(/\/0xf{8}$/i, '');
  if (table === 'mangle' && target === 'MARK' && value !== undefined && !has('!')) return mark(Number(value), { address: after('-d', '--destination', '--dst'), protocol: after('-p', '--protocol'), ports: after('--dport', '--destination-port', '--dports', '--destination-ports') }, setup, position);
  return { unread: 'only rules for masquerading and marks are read; this one stays as it is on the host' };
}

/** `nft add rule ...` with masquerade or mark; anything else is not read. */
export function readNft(words: readonly string[], setup: HostSetup, position: Position): Read {
  const rule = words.join(' ');
  if (/^(flush|delete) /.test(rule)) return { id: 'nft-flush', bug: 'it may remove the rules of others; lvs-play keeps its own in a table of its own' };
  if (!/^(add|insert) rule /.test(rule)) return /^(add|create) (table|chain) /.test(rule) ? { ignored: 'tables and chains of our own are made where they are needed' } : { unread: 'only rules for masquerading and marks are read' };
  const [, network] = /ip saddr (\S+)(?: .*)? masquerade\b/.exec(rule) ?? [];
  if (network !== undefined && !rule.includes('!=')) {
    setup.masquerades.push({ network, position });
    return { done: `masquerading of ${network}` };
  }
  const [, address, protocol, ports, value] = /ip6? daddr (\S+) (tcp|udp|sctp) dport (\{[^}]*\}|\S+) (?:meta )?mark set (\w+)/.exec(rule) ?? [];
  if (value !== undefined && !rule.includes('!=')) return mark(Number(value), { address, protocol, ports: ports?.replaceAll(/[{}\s]/g, '') }, setup, position);
  return { unread: 'only rules for masquerading and marks are read; this one stays as it is on the host' };
}

function mark(value: number, { address, protocol, ports }: { address: string | undefined; protocol: string | undefined; ports: string | undefined }, setup: HostSetup, position: Position): Read {
  const ip = parseIp(address?.replace(/\/(32|128)$/, '') ?? '');
  const known = (['tcp', 'udp', 'sctp'] as readonly Protocol[]).find((one) => one === protocol);
  const numbers = ports === undefined ? [0] : ports.split(',').map(Number);
  if (!Number.isInteger(value) || value < 1) return { unread: 'the mark is no number' };
  if (ip === undefined || known === undefined || !numbers.every((port) => Number.isInteger(port) && port >= 0 && port <= 65535)) return { unread: 'a mark is read for one address, one protocol and ports one by one' };
  for (const port of numbers) setup.marks.push({ mark: value, protocol: known, address: ip.address, port, position });
  return { done: `mark ${String(value)} on ${known} ${ip.address} ${numbers.join(',')}` };
}
