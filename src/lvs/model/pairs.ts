import type { Located } from '../../core/located.ts';
import { suggest } from '../../core/suggest.ts';
import { isUsableVip, likelySameNetwork, parseIp, parsePrefixed } from './ip.ts';
import { didYouMean, type Problems } from './problems.ts';
import type { RawPair } from './schema.ts';
import { addressesOf, type HaPair, type VirtualAddress } from './topology.ts';

/** A host of the inventory as the model sees it. `address`: `lvs_address`, else `ansible_host`, else the name; not necessarily an IP address. */
export interface HostAddress {
  readonly host: string;
  readonly address: string | undefined;
}

/**
 * Checks the HA pairs and gives those that can be understood, so that the services are checked against them in the same pass.
 * Rules: keepalived.conf(5), RFC 3768 and 5798, and what keepalived 2.2.7 was seen to do.
 */
export function buildPairs(
  raw: ReadonlyMap<string, RawPair>,
  hosts: ReadonlyMap<string, HostAddress>,
  lvs: Located,
  problems: Problems,
): ReadonlyMap<string, HaPair> {
  const pairs = new Map<string, HaPair>();
  for (const [name, pair] of raw) {
    checkNames(name, pair, problems);
    const members = checkMembers(name, pair, hosts, problems);
    const vips = checkVips(name, pair, hosts, problems);
    checkVrrp(name, pair, vips, problems);
    const ipv6 = vips[0] !== undefined && isIpv6(vips[0]);
    pairs.set(name, {
      name,
      position: lvs.locate(['ha_pairs', name], 'key'),
      interface: pair.interface,
      virtualRouterId: pair.virtual_router_id,
      version: ipv6 ? 3 : 2,
      advertInt: pair.advert_int ?? 1,
      // One instance adverts one family; addresses of the other go with it but outside of the adverts.
      vips: vips.filter((vip) => isIpv6(vip) === ipv6),
      excludedVips: vips.filter((vip) => isIpv6(vip) !== ipv6),
      members,
      authPass: pair.auth_pass,
      preempt: pair.preempt ?? true,
      preemptDelay: 0,
      unicast: false,
      vmac: undefined,
      garp: { delay: undefined, repeat: undefined, refresh: undefined, refreshRepeat: undefined, lowerPriorityRepeat: undefined },
      track: { interfaces: [], scripts: [], files: [], processes: [], bfd: [] },
      notify: { master: undefined, backup: undefined, fault: undefined, stop: undefined, any: undefined },
      routes: [],
      rules: [],
      connectionSync: undefined,
    });
  }
  checkBetweenPairs([...pairs.values()], hosts, problems);
  return pairs;
}

/** Names that stand in keepalived.conf as they are. */
function checkNames(name: string, pair: RawPair, problems: Problems): void {
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) {
    problems.add({ code: 'bad-name', message: `${name} cannot be the name of an HA pair`, path: ['ha_pairs', name], of: 'key', hint: 'use letters, digits, _ . and -: it is written to keepalived.conf' });
  }
  if (!/^[A-Za-z0-9_.-]{1,15}$/.test(pair.interface)) {
    problems.add({ code: 'bad-interface', message: `${pair.interface} is no interface name`, path: ['ha_pairs', name, 'interface'], hint: 'at most 15 letters, digits, _ . and -, as ip link shows it' });
  } else if (pair.interface === 'lo') {
    problems.add({ code: 'bad-interface', message: 'VRRP cannot run on the loopback interface', path: ['ha_pairs', name, 'interface'], hint: 'name the interface on which clients reach the VIP; keepalived refuses lo' });
  }
}

function checkMembers(name: string, pair: RawPair, hosts: ReadonlyMap<string, HostAddress>, problems: Problems): HaPair['members'] {
  const path = ['ha_pairs', name, 'members'];
  const members: { host: string; priority: number; interface: string; address: string }[] = [];
  const priorities = new Map<number, string>();
  for (const [host, { priority }] of Object.entries(pair.members)) {
    const address = checkHost(host, hosts, [...path, host], `member of ${name}`, problems) ?? '';
    if (priority < 1 || priority > 254) {
      problems.add({ code: 'priority-range', message: `priority ${String(priority)} of ${host} is not within 1-254`, path: [...path, host, 'priority'], hint: 'choose 1-254: 0 resigns and 255 is for the owner of the address (RFC 3768, 5.3.4)' });
    }
    const same = priorities.get(priority);
    if (same !== undefined) {
      problems.add({ code: 'equal-priorities', message: `${host} and ${same} have the same priority ${String(priority)}`, path: [...path, host, 'priority'], hint: 'give every member its own, the highest to the one that should be MASTER' });
    }
    priorities.set(priority, host);
    members.push({ host, priority, interface: pair.interface, address });
  }
  if (members.length < 2) {
    problems.add({ code: 'too-few-members', message: `HA pair ${name} has fewer than two members`, path, of: 'key', hint: 'add a second director, or name the one director in the service (on: HOST) and drop the pair' });
  }
  return members.sort((a, b) => b.priority - a.priority);
}

/** That a name is a host of the inventory whose address is known as an IP address; the problem points at the key. */
export function checkHost(
  host: string,
  hosts: ReadonlyMap<string, HostAddress>,
  path: readonly string[],
  role: string,
  problems: Problems,
  of: 'key' | 'value' = 'key',
): string | undefined {
  const known = hosts.get(host);
  if (known === undefined) {
    const hint = `${didYouMean(suggest(host, hosts.keys()))}add it to the inventory's hosts, or correct the name`;
    problems.add({ code: 'unknown-host', message: `${role} ${host} is not a host of the inventory`, path, of, hint });
    return undefined;
  }
  const ip = parseIp(known.address ?? '');
  if (ip === undefined) {
    problems.add({
      code: 'host-address',
      message: `the address of ${role} ${host} is not known: ${known.address ?? 'nothing'} is no IP address`,
      path,
      of,
      hint: `set lvs_address of ${host} to the IP address it has in the cluster (ansible_host only serves when it is one)`,
    });
  }
  return ip?.address;
}

function checkVips(name: string, pair: RawPair, hosts: ReadonlyMap<string, HostAddress>, problems: Problems): VirtualAddress[] {
  const vips: VirtualAddress[] = [];
  const seen = new Set<string>();
  for (const [index, written] of pair.vips.entries()) {
    const path = ['ha_pairs', name, 'vips', index];
    const ip = parsePrefixed(written);
    if (ip === undefined || !isUsableVip(ip)) {
      problems.add({ code: 'bad-vip', message: `${written} is no address that clients could use`, path, hint: 'write a unicast address, e.g. 192.168.0.38 or 192.168.0.38/24' });
      continue;
    }
    const owner = [...hosts.values()].find((host) => parseIp(host.address ?? '')?.address === ip.address);
    if (owner !== undefined) {
      problems.add({ code: 'vip-is-host', message: `VIP ${ip.address} is the address of ${owner.host}`, path, hint: 'a VIP moves between directors: take an address that no host has' });
    }
    if (seen.has(ip.address)) {
      problems.add({ code: 'duplicate-vip', message: `VIP ${ip.address} stands twice in ${name}`, path, hint: 'remove one' });
      continue;
    }
    seen.add(ip.address);
    vips.push({ address: ip.address, prefix: ip.prefix, interface: undefined });
  }
  return vips;
}

function checkVrrp(name: string, pair: RawPair, vips: readonly VirtualAddress[], problems: Problems): void {
  const path = ['ha_pairs', name];
  const id = pair.virtual_router_id;
  if (id < 1 || id > 255) {
    problems.add({ code: 'vrid-range', message: `virtual_router_id ${String(id)} is not within 1-255`, path: [...path, 'virtual_router_id'], hint: 'choose 1-255, unique on the network (RFC 3768, 5.3.3)' });
  }
  const ipv6 = vips[0]?.address.includes(':') === true;
  const advert = pair.advert_int ?? 1;
  const advertFine = ipv6 ? advert >= 0.01 && advert <= 40.95 && Number.isInteger(Math.round(advert * 1e6) / 1e4) : Number.isInteger(advert) && advert >= 1 && advert <= 255;
  if (!advertFine) {
    const range = ipv6 ? '0.01-40.95 seconds in hundredths (VRRPv3)' : '1-255 whole seconds (VRRPv2)';
    problems.add({ code: 'advert-int-range', message: `advert_int ${String(advert)} is not within ${range}`, path: [...path, 'advert_int'], hint: `choose ${range}; the default is 1` });
  }
  const pass = pair.auth_pass;
  if (pass === undefined) return;
  const auth = { path: [...path, 'auth_pass'] };
  if (ipv6) {
    problems.add({ ...auth, code: 'auth-pass-ipv6', message: `auth_pass of ${name} has no effect: IPv6 uses VRRPv3, which has no authentication`, hint: 'remove auth_pass (RFC 5798, 9)' });
  } else if (pass.length > 8) {
    problems.add({ ...auth, code: 'auth-pass-length', message: `auth_pass of ${name} has more than 8 characters`, hint: 'shorten it to 8: VRRP carries no more, and keepalived would cut it' });
  } else if (!/^[A-Za-z0-9._:+=/,@%^-]+$/.test(pass)) {
    problems.add({ ...auth, code: 'auth-pass-characters', message: `auth_pass of ${name} is empty or has characters that keepalived.conf would read otherwise`, hint: 'use 1-8 of letters, digits and . _ : + = / , @ % ^ -; a # or ! would begin a comment' });
  }
}

function checkBetweenPairs(pairs: readonly HaPair[], hosts: ReadonlyMap<string, HostAddress>, problems: Problems): void {
  for (const [index, second] of pairs.entries()) {
    for (const first of pairs.slice(0, index)) {
      if (first.virtualRouterId === second.virtualRouterId && sameFamily(first, second) && sameLayer2(first, second, hosts)) {
        problems.add({
          code: 'duplicate-vrid',
          message: `HA pairs ${first.name} and ${second.name} have the same virtual_router_id ${String(second.virtualRouterId)} on one network`,
          path: ['ha_pairs', second.name, 'virtual_router_id'],
          hint: 'give each pair its own, 1-255: each would take the adverts of the other for its own (assumed one network: a shared member with the same interface, or members in one /24 or /64)',
        });
      }
      const twice = addressesOf(second).findIndex((vip) => addressesOf(first).some((other) => other.address === vip.address));
      if (twice >= 0) {
        const vip = addressesOf(second)[twice]?.address ?? '';
        problems.add({ code: 'duplicate-vip', message: `VIP ${vip} belongs to the HA pairs ${first.name} and ${second.name}`, path: ['ha_pairs', second.name, 'vips', twice], hint: 'one address, one pair' });
      }
    }
  }
}

function isIpv6(vip: VirtualAddress): boolean {
  return vip.address.includes(':');
}

/** An address without its prefix length. */
export function bare(vip: string): string {
  return vip.split('/')[0] ?? vip;
}

/** VRRP for IPv4 and for IPv6 are told apart by the kernel: they may share a VRID (RFC 5798, 5.2.3). */
function sameFamily(a: HaPair, b: HaPair): boolean {
  return a.vips[0]?.address.includes(':') === b.vips[0]?.address.includes(':');
}

/**
 * Whether two pairs hear each other's adverts, as far as an inventory can tell. Pairs that share a host do when they use the
 * same interface of it; others are assumed to when any two of their members' addresses are in the same /24 (or /64).
 */
function sameLayer2(a: HaPair, b: HaPair, hosts: ReadonlyMap<string, HostAddress>): boolean {
  if (a.members.some(({ host }) => b.members.some((other) => other.host === host))) return a.interface === b.interface;
  const addresses = (pair: HaPair): string[] => pair.members.map(({ host }) => hosts.get(host)?.address ?? '');
  return addresses(a).some((one) => addresses(b).some((other) => likelySameNetwork(one, other)));
}
