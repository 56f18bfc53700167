import type { DataPath } from '../../../core/located.ts';
import type { HostAddress } from '../hosts.ts';
import { isUsableVip, parseIp, parsePrefixed } from '../ip.ts';
import type { Problems } from '../problems.ts';
import type { RawPair } from '../schema/shape.ts';
import type { VirtualAddress } from '../topology.ts';

/** The addresses of one key of a pair; those that can be read. */
export function buildAddresses(pair: string, key: 'vips' | 'excluded_vips', raw: RawPair['vips'], hosts: ReadonlyMap<string, HostAddress>, problems: Problems): VirtualAddress[] {
  const found: VirtualAddress[] = [];
  for (const [index, written] of raw.entries()) {
    const path = ['ha_pairs', pair, key, index];
    const text = typeof written === 'string' ? written : written.address;
    const ip = parsePrefixed(text);
    if (ip === undefined || !isUsableVip(ip)) {
      problems.add({ code: 'bad-vip', message: `${text} is no address that clients could use`, path, hint: 'write a unicast address, e.g. 192.168.0.38 or 192.168.0.38/24' });
      continue;
    }
    const owner = [...hosts.values()].find((host) => parseIp(host.address ?? '')?.address === ip.address);
    if (owner !== undefined) {
      problems.add({ code: 'vip-is-host', message: `VIP ${ip.address} is the address of ${owner.host}`, path, hint: 'a VIP moves between directors: take an address that no host has' });
    }
    if (found.some(({ address }) => address === ip.address)) {
      problems.add({ code: 'duplicate-vip', message: `VIP ${ip.address} stands twice in ${pair}`, path, hint: 'remove one' });
      continue;
    }
    found.push({ address: ip.address, prefix: ip.prefix, interface: typeof written === 'string' ? undefined : written.interface });
  }
  return found;
}

/** Where an address of a pair was written: vips, which may be of both families, or excluded_vips. */
export function placeOfAddress(pair: string, raw: RawPair | undefined, address: string): DataPath {
  for (const key of ['vips', 'excluded_vips'] as const) {
    const index = (raw?.[key] ?? []).findIndex((written) => parsePrefixed(typeof written === 'string' ? written : written.address)?.address === address);
    if (index >= 0) return ['ha_pairs', pair, key, index];
  }
  return ['ha_pairs', pair];
}
