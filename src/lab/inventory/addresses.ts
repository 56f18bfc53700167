import { isIPv4, isIPv6 } from 'node:net';
import { Address4, Address6 } from 'ip-address';
import type { InterfaceAddress } from '../spec.ts';

type Ip = Address4 | Address6;

/** `192.0.2.1/24` or `192.0.2.1` with the default prefix of its family (/24, /64); undefined when it is neither. */
export function parseAddress(text: string): (InterfaceAddress & { readonly explicit: boolean }) | undefined {
  const [address = '', prefix, ...rest] = text.trim().split('/');
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : undefined;
  if (family === undefined || rest.length > 0) return undefined;
  if (prefix === undefined) return { address, prefix: family === 4 ? 24 : 64, explicit: false };
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) return undefined;
  return { address, prefix: Number(prefix), explicit: true };
}

function ip({ address, prefix }: InterfaceAddress): Ip {
  const text = `${address}/${String(prefix)}`;
  return isIPv4(address) ? new Address4(text) : new Address6(text);
}

/** The network of an address in one spelling, e.g. `192.0.2.0/24`: equal texts are equal networks. */
export function networkOf(address: InterfaceAddress): string {
  const parsed = ip(address);
  return `${parsed.startAddress().correctForm()}/${String(address.prefix)}`;
}

/** One spelling for an address, so that `fd00:0::1` and `fd00::1` compare equal. */
export function canonical(address: string): string {
  return isIPv6(address) ? new Address6(address).correctForm() : address;
}

export function isInNetwork(address: string, network: string): boolean {
  const parsed = parseAddress(network);
  if (parsed === undefined || isIPv4(address) !== isIPv4(parsed.address)) return false;
  return networkOf({ address, prefix: parsed.prefix }) === networkOf(parsed);
}

/** The highest free host address of a network, none of `taken` (canonical spelling); undefined when it is full. */
export function highestFree(network: string, taken: ReadonlySet<string>): InterfaceAddress | undefined {
  const parsed = parseAddress(network);
  if (parsed === undefined) return undefined;
  const range = ip(parsed);
  const four = isIPv4(parsed.address);
  const first = range.startAddress().bigInt();
  // The last address of an IPv4 network is its broadcast address; where there is none, /31 and /32, all are hosts.
  const hasBroadcast = four && parsed.prefix < 31;
  const end = range.endAddress().bigInt() - (hasBroadcast ? 1n : 0n);
  // The top of an IPv6 network is kept for anycast (RFC 2526), so a low address that people can read is taken there.
  const last = !four && end - first > 0xfffen ? first + 0xfffen : end;
  for (let candidate = last; candidate >= first + (hasBroadcast ? 1n : 0n); candidate--) {
    const address = (four ? Address4.fromBigInt(candidate) : Address6.fromBigInt(candidate)).correctForm();
    if (!taken.has(address)) return { address, prefix: parsed.prefix };
  }
  return undefined;
}

/** Every IP address written anywhere in a value, canonical and without prefix or IPv4 port: VIPs, gateways, whatever a variable names. */
export function addressesIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value === 'string') {
    for (const [word] of value.matchAll(/[0-9A-Fa-f:.]*[.:][0-9A-Fa-f:.]*/g)) {
      const four = /^\d+\.\d+\.\d+\.\d+/.exec(word)?.[0] ?? '';
      if (isIPv4(four)) found.add(four);
      else if (isIPv6(word)) found.add(canonical(word));
    }
  } else if (Array.isArray(value)) {
    for (const item of value) addressesIn(item, found);
  } else if (typeof value === 'object' && value !== null) {
    // Host names may be addresses too, as keys.
    for (const [key, item] of Object.entries(value)) addressesIn(item, addressesIn(key, found));
  }
  return found;
}
