import type { Located } from '../../../core/located.ts';
import type { Commands } from '../commands.ts';
import { checkBetweenPairs } from './between-pairs.ts';
import { checkHost, type HostAddress } from '../hosts.ts';
import { parseIp } from '../ip.ts';
import type { Problems } from '../problems.ts';
import { INTERFACE_NAME } from '../schema/common.ts';
import type { RawPair, ShapedLvs } from '../schema/shape.ts';
import type { ConnectionSync, HaPair, VirtualAddress } from '../topology.ts';
import { buildTrackUse, checkName } from './trackers.ts';
import { buildAddresses, placeOfAddress } from './virtual-addresses.ts';

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
  checkBetweenPairs([...pairs.values()], context.shaped.pairs, context.hosts, context.problems);
  return pairs;
}

function buildPair(name: string, raw: RawPair, { shaped, hosts, commands, lvs, problems }: PairContext): HaPair {
  const path = ['ha_pairs', name];
  checkNames(name, raw, problems);
  const vips = buildAddresses(name, 'vips', raw.vips, hosts, problems);
  const excluded = buildAddresses(name, 'excluded_vips', raw.excluded_vips ?? [], hosts, problems);
  const twice = excluded.find(({ address }) => vips.some((vip) => vip.address === address));
  if (twice !== undefined) problems.add({ code: 'duplicate-vip', message: `VIP ${twice.address} stands twice in ${name}`, path: placeOfAddress(name, { ...raw, vips: [] }, twice.address), hint: 'remove one' });
  const ipv6 = vips[0] !== undefined && isIpv6(vips[0]);
  const version = raw.version ?? (ipv6 ? 3 : 2);
  checkVrrp(name, raw, ipv6, version, problems);
  const members = checkMembers(name, raw, ipv6, hosts, problems);
  checkMoving(name, raw, problems);
  checkVmac(name, raw, members, problems);
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

/** The interface of a virtual MAC is made by keepalived, beside the real one. */
function checkVmac(name: string, raw: RawPair, members: HaPair['members'], problems: Problems): void {
  const vmac = vmacOf(raw);
  if (vmac === undefined) return;
  if (vmac.interface !== undefined && members.some((member) => member.interface === vmac.interface)) {
    problems.add({ code: 'vmac-interface', message: `the vmac of ${name} has the name of its real interface ${vmac.interface}`, path: ['ha_pairs', name, 'vmac', 'interface'], hint: 'choose another name, e.g. vrrp.51: keepalived makes this interface' });
  }
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
      const path = ['ha_pairs', name, key, index];
      if (!/^[A-Za-z0-9._:/@ -]+$/.test(line)) {
        problems.add({ code: 'bad-route', message: `${JSON.stringify(line)} has characters that keepalived.conf would read otherwise`, path, hint: 'write words as for ip route and ip rule: letters, digits, blanks and . _ : / @ -' });
      } else if (!FIRST_WORD[key].test(line)) {
        problems.add({ code: 'bad-route', message: `${JSON.stringify(line)} does not begin like a line of ip ${key.slice(0, -1)}`, path, hint: key === 'routes' ? 'begin with the destination: 192.168.9.0/24 via 10.0.0.254, default via 10.0.0.254' : 'begin with what it selects: from 192.168.9.0/24 table 100 preference 100' });
      }
    }
  }
}

/** How virtual_routes and virtual_rules begin (keepalived.conf(5)): a line of its own could be an include, or with @ a condition. */
const FIRST_WORD = {
  routes: /^((default|src|to|via|unicast|local|broadcast|multicast|throw|unreachable|prohibit|blackhole) |[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*(\/\d+)?( |$))/,
  rules: /^(not|from|to|iif|oif|dev|fwmark|tos|dsfield|ipproto|sport|dport|uidrange|preference|priority|order) /,
} as const;

/** Names that stand in keepalived.conf as they are. */
function checkNames(name: string, pair: RawPair, problems: Problems): void {
  checkName(name, ['ha_pairs', name], problems);
  if (!new RegExp(INTERFACE_NAME).test(pair.interface)) {
    problems.add({ code: 'bad-interface', message: `${pair.interface} is no interface name`, path: ['ha_pairs', name, 'interface'], hint: 'at most 15 letters, digits, _ . and -, as ip link shows it' });
  } else if (pair.interface === 'lo') {
    problems.add({ code: 'bad-interface', message: 'VRRP cannot run on the loopback interface', path: ['ha_pairs', name, 'interface'], hint: 'name the interface on which clients reach the VIP; keepalived refuses lo' });
  }
}

function checkMembers(name: string, pair: RawPair, ipv6: boolean, hosts: ReadonlyMap<string, HostAddress>, problems: Problems): HaPair['members'] {
  const path = ['ha_pairs', name, 'members'];
  const members: { host: string; priority: number; interface: string; address: string }[] = [];
  const priorities = new Map<number, string>();
  for (const [host, raw] of Object.entries(pair.members)) {
    const { priority } = raw;
    const address = memberAddress(name, host, raw.address, hosts, problems);
    const needed = pair.unicast === true || raw.address !== undefined;
    if (needed && address !== '' && address.includes(':') !== ipv6) {
      problems.add({
        code: 'member-family',
        message: `${address} of ${host} and the VIPs of ${name} are not of one address family`,
        path: raw.address === undefined ? [...path, host] : [...path, host, 'address'],
        of: raw.address === undefined ? 'key' : 'value',
        hint: `write address: with the ${ipv6 ? 'IPv6' : 'IPv4'} address of ${host}: adverts go between addresses of the first VIP's family (keepalived.conf(5), unicast_src_ip)`,
      });
    }
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

function isIpv6(vip: VirtualAddress): boolean {
  return vip.address.includes(':');
}
