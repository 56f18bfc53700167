import type { Position } from '../../core/errors.ts';
import { parseIp, parsePrefixed } from '../../lvs/model/ip.ts';
import { prefixOfNetmask } from '../../lvs/model/netmask.ts';
import type { Read } from '../types.ts';
import type { HostSetup } from './setup.ts';

/** `ifconfig eth0:0 ADDRESS netmask MASK up`. */
export function readIfconfig(words: readonly string[], setup: HostSetup, position: Position, order: number): Read {
  const [name = '', ...rest] = words;
  if (rest.length === 0) return { ignored: 'it only shows' };
  if (rest.includes('down')) return { ignored: 'an address or interface that is taken away is not there afterwards' };
  const address = rest.map((word) => parsePrefixed(word)).find((ip) => ip !== undefined);
  if (address === undefined) return rest.every((word) => word === 'up') ? { ignored: `${name} is up` } : { unread: 'no address is named' };
  const mask = rest[rest.indexOf('netmask') + 1];
  const masked = rest.includes('netmask') ? prefixOfNetmask(mask ?? '') : rest.some((word) => word.includes('/')) ? address.prefix : classPrefix(address.address);
  if (masked === undefined) return { unread: `${mask ?? ''} is no netmask` };
  return put(setup, { interface: name, address: address.address, prefix: masked }, position, order);
}

/** Without a netmask ifconfig takes that of the address's old class (ifconfig(8)). */
function classPrefix(address: string): number {
  if (address.includes(':')) return 128;
  const first = Number(address.split('.')[0]);
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

function put(setup: HostSetup, entry: { interface: string; address: string; prefix: number }, position: Position, order: number): Read {
  const [name = ''] = entry.interface.split(':');
  setup.addresses.push({ ...entry, interface: name, position, order });
  return { done: `address ${entry.address}/${String(entry.prefix)} on ${name}` };
}

/** `ip address`, `ip link`, `ip route`, with ip's own abbreviations. */
export function readIp(words: readonly string[], setup: HostSetup, position: Position, order: number): Read {
  const [object = '', action = '', ...rest] = words.filter((word) => !/^-/.test(word));
  if (object !== '' && 'address'.startsWith(object)) {
    if (/^(del|delete|flush)$/.test(action)) return { ignored: 'an address that is taken away is not there afterwards' };
    if (action === '' || (!'add'.startsWith(action) && !/^(replace|change)$/.test(action))) return { ignored: 'it only shows' };
    const address = rest.map((word) => parsePrefixed(word)).find((ip) => ip !== undefined);
    const name = rest[rest.indexOf('dev') + 1];
    if (address === undefined || !rest.includes('dev') || name === undefined) return { unread: 'address or interface is missing' };
    return put(setup, { interface: name, address: address.address, prefix: address.prefix }, position, order);
  }
  if (object !== '' && 'link'.startsWith(object)) {
    const tail = [action, ...rest];
    if (tail.includes('up') || tail.includes('arp')) return tail.includes('arp') && tail.includes('off') ? { unread: 'an interface without ARP is nothing that lvs-play sets; arp_ignore and arp_announce do it' } : { ignored: 'interfaces are up' };
    return { unread: 'links are nothing that lvs-play makes, but for tunl0' };
  }
  if (object !== '' && 'route'.startsWith(object)) return route(action, rest, setup, position);
  return { unread: `ip ${object} is not read` };
}

function route(action: string, rest: readonly string[], setup: HostSetup, position: Position): Read {
  if (/^(del|delete|flush|show|list|get|)$/.test(action)) return { ignored: 'nothing is left of it' };
  const [target = ''] = rest;
  const via = rest[rest.indexOf('via') + 1];
  if (rest.includes('via') && via !== undefined && parseIp(via) !== undefined && /^(default|0\.0\.0\.0\/0|::\/0)$/.test(target)) {
    setup.gateways.push({ via, position });
    return { done: `default route via ${via}` };
  }
  const address = parsePrefixed(target);
  const dev = rest[rest.indexOf('dev') + 1];
  if (address !== undefined && !rest.includes('via') && address.prefix === (address.family === 4 ? 32 : 128)) return hostRoute(address.address, dev ?? '', setup);
  return { unread: 'routes other than the default one are not in the model' };
}

/** `route add -host VIP dev lo`, `route add default gw ADDRESS`. */
export function readRoute(words: readonly string[], setup: HostSetup, position: Position): Read {
  const rest = words.filter((word) => !['-n', '-v', '-e', '-4', '-6', '-A', 'inet', 'inet6'].includes(word));
  if (rest[0] === undefined) return { ignored: 'it only shows' };
  if (rest[0] === 'del') return { ignored: 'nothing is left of it' };
  const after = (name: string): string | undefined => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : undefined);
  const gateway = after('gw');
  if (gateway !== undefined && (rest.includes('default') || after('-net') === '0.0.0.0') && parseIp(gateway) !== undefined) {
    setup.gateways.push({ via: gateway, position });
    return { done: `default route via ${gateway}` };
  }
  const host = after('-host');
  if (host !== undefined && gateway === undefined && parseIp(host) !== undefined) return hostRoute(host, after('dev') ?? '', setup);
  return { unread: 'routes other than the default one are not in the model' };
}

function hostRoute(address: string, dev: string, setup: HostSetup): Read {
  const own = setup.addresses.find((one) => one.address === address);
  if (own === undefined) return { unread: `a route to one host (${address}) is not in the model` };
  return { ignored: `left out: ${address} is an address of this host, which the kernel's local table reaches already${dev.startsWith('lo') ? '' : '; the route is without effect'}` };
}
