import type { Located } from '../../core/located.ts';
import type { Commands } from './commands.ts';
import { checkHost, type HostAddress } from './hosts.ts';
import { likelySameNetwork, parseIp } from './ip.ts';
import type { Problems } from './problems.ts';
import type { RawPair, ShapedLvs } from './schema/shape.ts';
import { addressesOf, type ConnectionSync, type HaPair, type VirtualAddress } from './topology.ts';
import { buildTrackUse } from './trackers.ts';
import { buildAddresses } from './virtual-addresses.ts';

interface PairContext {
  readonly shaped: ShapedLvs;
  readonly hosts: ReadonlyMap<string, HostAddress>;
  readonly commands: Commands;
  readonly lvs: Located;
  readonly problems: Problems;
}

/**
 * Checks the HA pairs and gives those that can be understood, so that the services are checked against them in the same pass.
 * Rules: keepalived.conf(5), RFC 3768 and 5798, and what keepalived 2.2.7 was seen to do.
 */
export function buildPairs(context: PairContext): ReadonlyMap<string, HaPair> {
  const pairs = new Map([...context.shaped.pairs].map(([name, raw]) => [name, buildPair(name, raw, context)]));
  checkBetweenPairs([...pairs.values()], context.hosts, context.problems);
  return pairs;
}

function buildPair(name: string, raw: RawPair, { shaped, hosts, commands, lvs, problems }: PairContext): HaPair {
  const path = ['ha_pairs', name];
  checkNames(name, raw, problems);
  const members = checkMembers(name, raw, hosts, problems);
  const vips = buildAddresses(name, 'vips', raw.vips, hosts, problems);
  const excluded = buildAddresses(name, 'excluded_vips', raw.excluded_vips ?? [], hosts, problems);
  const twice = excluded.findIndex(({ address }) => vips.some((vip) => vip.address === address));
  if (twice >= 0) problems.add({ code: 'duplicate-vip', message: `VIP ${excluded[twice]?.address ?? ''} stands twice in ${name}`, path: [...path, 'excluded_vips', twice], hint: 'remove one' });
  const ipv6 = vips[0] !== undefined && isIpv6(vips[0]);
  const version = raw.version ?? (ipv6 ? 3 : 2);
  checkVrrp(name, raw, ipv6, version, problems);
  checkMoving(name, raw, problems);
  return {
    name,
    position: lvs.locate(path, 'key'),
    interface: raw.interface,
    virtualRouterId: raw.virtual_router_id,
    version,
    advertInt: raw.advert_int ?? 1,
    // One instance adverts one family; addresses of the other go with it but outside of the adverts.
    vips: vips.filter((vip) => isIpv6(vip) === ipv6),
    excludedVips: [...vips.filter((vip) => isIpv6(vip) !== ipv6), ...excluded],
    members,
    authPass: raw.auth_pass,
    preempt: raw.preempt ?? true,
    preemptDelay: raw.preempt_delay ?? 0,
    unicast: raw.unicast ?? false,
    vmac: vmacOf(raw),
    garp: {
      delay: raw.garp?.delay,
      repeat: raw.garp?.repeat,
      refresh: raw.garp?.refresh,
      refreshRepeat: raw.garp?.refresh_repeat,
      lowerPriorityRepeat: raw.garp?.lower_priority_repeat,
    },
    track: buildTrackUse(raw.track, [...path, 'track'], shaped, problems),
    notify: commands.notify(raw.notify, [...path, 'notify']),
    routes: raw.routes ?? [],
    rules: raw.rules ?? [],
    connectionSync: connectionSync(name, raw, problems),
  };
}

function vmacOf({ vmac }: RawPair): HaPair['vmac'] {
  if (vmac === undefined || vmac === false) return undefined;
  return vmac === true ? { interface: undefined, advertsFromBase: false } : { interface: vmac.interface, advertsFromBase: vmac.adverts_from_base ?? false };
}

function connectionSync(name: string, { connection_sync: raw, interface: iface, virtual_router_id: id }: RawPair, problems: Problems): ConnectionSync | undefined {
  if (raw === undefined || raw === false) return undefined;
  const given = raw === true ? {} : raw;
  const group = given.group === undefined ? undefined : parseIp(given.group);
  if (given.group !== undefined && (group === undefined || !/^(2(2[4-9]|3\d)\.|ff)/.test(group.address))) {
    problems.add({ code: 'sync-group-address', message: `${given.group} is no multicast address`, path: ['ha_pairs', name, 'connection_sync', 'group'], hint: 'write one of 224.0.0.0/4 or ff00::/8; the default is 224.0.0.81' });
  }
  return { interface: given.interface ?? iface, syncId: given.sync_id ?? id, port: given.port, group: group?.address, ttl: given.ttl, maxlen: given.maxlen };
}

/** What belongs to taking over, and to routes that move. */
function checkMoving(name: string, raw: RawPair, problems: Problems): void {
  if (raw.preempt === false && raw.preempt_delay !== undefined) {
    problems.add({ code: 'preempt-delay-without', message: `preempt_delay of ${name} has no effect with preempt: false`, path: ['ha_pairs', name, 'preempt_delay'], hint: 'remove one of the two' });
  }
  for (const [index, rule] of (raw.rules ?? []).entries()) {
    if (/ (preference|priority|order) \d/.test(rule)) continue;
    problems.add({ code: 'rule-preference', message: `rule ${JSON.stringify(rule)} of ${name} has no preference`, path: ['ha_pairs', name, 'rules', index], hint: 'add preference NUMBER: else keepalived chooses one and calls it an error (keepalived.conf(5), static_rules)' });
  }
  for (const key of ['routes', 'rules'] as const) {
    for (const [index, line] of (raw[key] ?? []).entries()) {
      if (/^[A-Za-z0-9._:/@ -]+$/.test(line)) continue;
      problems.add({ code: 'bad-route', message: `${JSON.stringify(line)} has characters that keepalived.conf would read otherwise`, path: ['ha_pairs', name, key, index], hint: 'write words as for ip route and ip rule: letters, digits, blanks and . _ : / @ -' });
    }
  }
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
  for (const [host, raw] of Object.entries(pair.members)) {
    const { priority } = raw;
    const address = memberAddress(name, host, raw.address, hosts, problems);
    if (priority < 1 || priority > 254) {
      problems.add({ code: 'priority-range', message: `priority ${String(priority)} of ${host} is not within 1-254`, path: [...path, host, 'priority'], hint: 'choose 1-254: 0 resigns and 255 is for the owner of the address (RFC 3768, 5.3.4)' });
    }
    const same = priorities.get(priority);
    if (same !== undefined) {
      problems.add({ code: 'equal-priorities', message: `${host} and ${same} have the same priority ${String(priority)}`, path: [...path, host, 'priority'], hint: 'give every member its own, the highest to the one that should be MASTER' });
    }
    priorities.set(priority, host);
    members.push({ host, priority, interface: raw.interface ?? pair.interface, address });
  }
  if (members.length < 2) {
    problems.add({ code: 'too-few-members', message: `HA pair ${name} has fewer than two members`, path, of: 'key', hint: 'add a second director, or name the one director in the service (on: HOST) and drop the pair' });
  }
  return members.sort((a, b) => b.priority - a.priority);
}

/** Source of a member's adverts: what is written there, else the host's address. */
function memberAddress(pair: string, host: string, written: string | undefined, hosts: ReadonlyMap<string, HostAddress>, problems: Problems): string {
  const path = ['ha_pairs', pair, 'members', host];
  const own = checkHost(host, hosts, path, `member of ${pair}`, problems) ?? '';
  if (written === undefined) return own;
  const ip = parseIp(written);
  if (ip === undefined) problems.add({ code: 'host-address', message: `${written} of member ${host} is no IP address`, path: [...path, 'address'], hint: 'write an IP address without a prefix length, e.g. 192.168.0.48' });
  return ip?.address ?? own;
}

function checkVrrp(name: string, pair: RawPair, ipv6: boolean, version: 2 | 3, problems: Problems): void {
  const path = ['ha_pairs', name];
  const id = pair.virtual_router_id;
  if (id < 1 || id > 255) {
    problems.add({ code: 'vrid-range', message: `virtual_router_id ${String(id)} is not within 1-255`, path: [...path, 'virtual_router_id'], hint: 'choose 1-255, unique on the network (RFC 3768, 5.3.3)' });
  }
  if (ipv6 && version === 2) {
    problems.add({ code: 'vrrp-version', message: `${name} has IPv6 VIPs, which VRRP version 2 cannot carry`, path: [...path, 'version'], hint: 'remove version, or write 3 (RFC 5798)' });
  }
  const advert = pair.advert_int ?? 1;
  const advertFine = version === 3 ? advert >= 0.01 && advert <= 40.95 && Number.isInteger(Math.round(advert * 1e6) / 1e4) : Number.isInteger(advert) && advert >= 1 && advert <= 255;
  if (!advertFine) {
    const range = version === 3 ? '0.01-40.95 seconds in hundredths (VRRPv3)' : '1-255 whole seconds (VRRPv2)';
    problems.add({ code: 'advert-int-range', message: `advert_int ${String(advert)} is not within ${range}`, path: [...path, 'advert_int'], hint: `choose ${range}; the default is 1` });
  }
  checkAuth(name, pair, ipv6, version, problems);
}

function checkAuth(name: string, { auth_pass: pass }: RawPair, ipv6: boolean, version: 2 | 3, problems: Problems): void {
  if (pass === undefined) return;
  const auth = { path: ['ha_pairs', name, 'auth_pass'] };
  if (ipv6) {
    problems.add({ ...auth, code: 'auth-pass-ipv6', message: `auth_pass of ${name} has no effect: IPv6 uses VRRPv3, which has no authentication`, hint: 'remove auth_pass (RFC 5798, 9)' });
  } else if (version === 3) {
    problems.add({ ...auth, code: 'auth-pass-version', message: `auth_pass of ${name} has no effect: VRRPv3 has no authentication`, hint: 'remove auth_pass, or use version: 2 (RFC 5798, 9)' });
  } else if (pass.length > 8) {
    problems.add({ ...auth, code: 'auth-pass-length', message: `auth_pass of ${name} has more than 8 characters`, hint: 'shorten it to 8: VRRP carries no more, and keepalived would cut it' });
  } else if (!/^[A-Za-z0-9._:+=/,@%^-]+$/.test(pass)) {
    problems.add({ ...auth, code: 'auth-pass-characters', message: `auth_pass of ${name} is empty or has characters that keepalived.conf would read otherwise`, hint: 'use 1-8 of letters, digits and . _ : + = / , @ % ^ -; a # or ! would begin a comment' });
  }
}

function checkBetweenPairs(pairs: readonly HaPair[], hosts: ReadonlyMap<string, HostAddress>, problems: Problems): void {
  for (const [index, second] of pairs.entries()) {
    for (const first of pairs.slice(0, index)) {
      const shared = first.members.find(({ host }) => second.members.some((other) => other.host === host));
      if (first.connectionSync !== undefined && second.connectionSync !== undefined && shared !== undefined) {
        problems.add({ code: 'two-connection-syncs', message: `HA pairs ${first.name} and ${second.name} both want the connection sync daemon of ${shared.host}`, path: ['ha_pairs', second.name, 'connection_sync'], of: 'key', hint: 'keep it in one: a director has one daemon, which takes the connections of all its services (keepalived.conf(5), lvs_sync_daemon)' });
      }
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
