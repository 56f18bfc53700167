import { Address4, Address6 } from 'ip-address';

/** An IP literal in its shortest correct form. */
export interface Ip {
  readonly family: 4 | 6;
  readonly address: string;
}

/** An IP literal, or undefined for anything else: names, prefixes, zones (`fe80::1%eth0`) and forms like `010.0.0.1` included. */
export function parseIp(text: string): Ip | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text) && !/(^|\.)0\d/.test(text) && Address4.isValid(text)) {
    return { family: 4, address: new Address4(text).correctForm() };
  }
  if (/^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(text) && Address6.isValid(text)) {
    return { family: 6, address: new Address6(text).correctForm() };
  }
  return undefined;
}

/** `192.168.0.38` or `192.168.0.38/24`; without a length it is the host's own (32 or 128). */
export function parsePrefixed(text: string): (Ip & { readonly prefix: number }) | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const ip = parseIp(address);
  if (ip === undefined || rest.length > 0) return undefined;
  const longest = ip.family === 4 ? 32 : 128;
  if (length === undefined) return { ...ip, prefix: longest };
  if (!/^\d{1,3}$/.test(length)) return undefined;
  const prefix = Number(length);
  return prefix >= 1 && prefix <= longest ? { ...ip, prefix } : undefined;
}

/** An address without its prefix length. */
export function bare(address: string): string {
  return address.split('/')[0] ?? address;
}

/** With a host's own prefix length: `192.168.0.38/32`, `2001:db8::38/128`. @param address without one */
export function hostPrefix(address: string): string {
  return `${address}/${address.includes(':') ? '128' : '32'}`;
}

/** `192.168.0.38:80` or `[2001:db8::1]:80`. */
export function parseEndpoint(text: string): (Ip & { readonly port: number }) | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  const ip = parseIp(bracketed ?? plain ?? '');
  const port = Number(digits);
  if (ip === undefined || port > 65535 || (ip.family === 6) !== (bracketed !== undefined)) return undefined;
  return { ...ip, port };
}

/** How a reader expects an endpoint: brackets around IPv6. */
export function formatEndpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}

/**
 * Whether two addresses are in one /24 (IPv4) or /64 (IPv6). An assumption, as the inventory does not tell netmasks:
 * these are the lengths that nearly all networks of servers have.
 */
export function likelySameNetwork(a: string, b: string): boolean {
  const [first, second] = [parseIp(a), parseIp(b)];
  if (first === undefined || second?.family !== first.family) return false;
  if (first.family === 4) return new Address4(second.address).isInSubnet(new Address4(`${first.address}/24`));
  return new Address6(second.address).isInSubnet(new Address6(`${first.address}/64`));
}

/** Whether a cluster can offer the address to clients: neither unspecified, loopback, multicast nor link-local IPv6. */
export function isUsableVip(ip: Ip): boolean {
  if (ip.family === 4) return !/^(0|127|22[4-9]|23\d|24\d|25[0-5])\./.test(ip.address);
  return !(ip.address === '::' || ip.address === '::1' || /^(ff|fe[89ab])/.test(ip.address));
}
