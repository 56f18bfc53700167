import { parseIp } from './ip.ts';

/** 24 for `255.255.255.0`; undefined for what is no netmask of IPv4. */
export function prefixOfNetmask(netmask: string): number | undefined {
  const ip = parseIp(netmask);
  if (ip?.family !== 4) return undefined;
  return prefixOfMask(ip.address.split('.').reduce((mask, byte) => mask * 256 + Number(byte), 0));
}

/** `255.255.255.0` for 24. */
export function netmaskOf(prefix: number): string {
  return [0, 8, 16, 24].map((skipped) => String(256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - skipped))))).join('.');
}

/** 24 for 0xffffff00; undefined when the ones are not all in front. */
export function prefixOfMask(mask: number): number | undefined {
  const bits = mask.toString(2).padStart(32, '0');
  if (!/^1*0*$/.test(bits)) return undefined;
  return bits.includes('0') ? bits.indexOf('0') : 32;
}
