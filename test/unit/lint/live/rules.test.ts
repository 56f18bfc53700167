import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../../src/lint/catalogue.ts';
import { LIVE_RULES } from '../../../../src/lint/live/rules.ts';
import { withWaivers } from '../../../../src/lint/run.ts';
import { parseYaml } from '../../../../src/yaml/load.ts';
import { CLUSTERS, foundIn, told, withExample } from './support.ts';

describe.each(Object.entries(CLUSTERS))('a sound %s cluster', (_name, cluster) => {
  it('has no finding', () => {
    expect(told(foundIn(cluster))).toEqual([]);
  });
});

describe.each(LIVE_RULES.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  const firing = (example: string) => foundIn(withExample(CLUSTERS[rule.cluster], example)).filter((found) => found.rule === id);

  it('fires on its bad example, with a place', () => {
    const found = firing(rule.bad);
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) {
      expect(one).toMatchObject({ severity: rule.severity, position: { file: 'lvs.yml' } });
      expect(one.message).not.toMatch(/\n|undefined|NaN|\.$/);
      expect(one.hint).toMatch(/\w/);
    }
  });

  it('does not fire on its good example', () => {
    expect(firing(rule.good)).toEqual([]);
  });
});

describe('what cannot be told is an info of its rule, never taken for good', () => {
  it.each([
    ['lvs2 adverts: tcpdump is not installed', 'foreign-vrrp: lvs2 could not listen for strange adverts on eth0: tcpdump is not installed'],
    ['lvs1 keepalived: absent', 'keepalived-lacks: which keepalived lvs1 has cannot be told: keepalived is not installed'],
    ['lvs1 filters: nf_tables', 'firewall-drops-vrrp: whether the firewall of lvs1 drops VRRP from lvs2 cannot be told: nftables is in use and nft is not installed'],
    ['lvs1 nft: table inet fw {\nlvs1 nft: chain input {\nlvs1 nft: type filter hook input priority 0; policy drop;\nlvs1 nft: limit rate 3/minute accept\nlvs1 nft: }\nlvs1 nft: }', 'firewall-drops-vrrp: whether the firewall of lvs1 drops VRRP from lvs2 was not judged: it depends on conditions that are not read here, of policy drop of input in the table inet fw'],
  ])('%s', (example, expected) => {
    const found = foundIn(withExample(CLUSTERS.dr, example));
    expect(told(found)).toContain(expected);
    expect(found.map(({ severity }) => severity)).toEqual(found.map(() => 'info'));
  });

  it('where IPVS is not loaded, of reused ports', () => {
    const [lvs1 = {}, ...others] = [CLUSTERS.dr.hosts['lvs1']];
    expect(others).toEqual([]);
    const bare = { ...lvs1, values: (lvs1['values'] ?? '').replaceAll(/.*\/vs\/.*\n?/g, '') };
    expect(told(foundIn({ ...CLUSTERS.dr, hosts: { ...CLUSTERS.dr.hosts, lvs1: bare } }))).toEqual(['drain-loses-requests: how lvs1 treats reused ports cannot be told: IPVS is not loaded there']);
  });
});

describe('particular cases', () => {
  it.each<[string, keyof typeof CLUSTERS, string, string[]]>([
    ['a virtual router answers with its own MAC', 'dr', 'lvs2 neighbours: 192.168.0.38 dev eth0 lladdr 00:00:5e:00:01:4d STALE', []],
    ['a real server answered for the VIP', 'dr', 'lvs2 neighbours: 192.168.0.38 dev eth0 lladdr 52:54:00:00:00:12 STALE', ['vip-answered-elsewhere: lvs2 has 192.168.0.38 from rs1, which is no director of it']],
    ['a director advertises from another address of its own', 'dr', 'lvs1 adverts: on eth0\nlvs1 adverts: listening on eth0\nlvs1 adverts: IP 192.168.0.38 > 224.0.0.18: VRRPv2, Advertisement, vrid 77, prio 90, authtype none, intvl 1s, length 20', []],
    ['the same virtual router of IPv6 is another one', 'dr', 'lvs1 adverts: on eth0\nlvs1 adverts: listening on eth0\nlvs1 adverts: IP6 fe80::99 > ff02::12: VRRPv3, Advertisement, (hlim 255), vrid 77, prio 90, intvl 100cs, length 24', []],
    ['a smaller MTU behind a gateway is none of one layer 2', 'dr', 'rs1 values: /sys/class/net/eth0/mtu:1400\nlvs1 routes: to 192.168.0.18\nlvs1 routes: 192.168.0.18 via 192.168.0.254 dev eth0\nlvs2 routes: to 192.168.0.18\nlvs2 routes: 192.168.0.18 via 192.168.0.254 dev eth0', []],
    ['the path to a tunnel is learnt to be narrow', 'tun', 'lvs1 routes: to 192.168.0.18\nlvs1 routes: 192.168.0.18 via 192.168.0.254 dev eth0 src 192.168.0.48 uid 0 \\    cache expires 500sec mtu 1400', ['tunnel-exceeds-mtu: full packets from lvs1 to rs1 have 1500 bytes in the tunnel, and the path takes 1400', 'tunnel-exceeds-mtu: how large packets from lvs1 to rs2 may be']],
    ['a strict filter where requests come by another card than clients', 'dr', 'rs1 default4: default via 10.0.0.254 dev eth1\nrs1 values: /proc/sys/net/ipv4/conf/eth0/rp_filter:1', ['strict-rp-filter: rs1 drops requests of clients whose way back is eth1, which come by eth0']],
    ['arp_ignore 3 still answers for addresses of lo', 'dr', 'rs1 values: /proc/sys/net/ipv4/conf/eth0/arp_ignore:3', ['vip-answered-by-server: rs1 answers ARP for its VIPs on eth0: arp_ignore is 3']],
    ['the default route is the VIP', 'dr', 'rs2 default4: default via 192.168.0.38 dev eth0', ['gateway-is-director: the default route of rs2 is via 192.168.0.38, its director']],
    ['a NAT real server has no default route', 'nat', 'rs2 default4: ', ['gateway-past-director: the default route of rs2 is missing, or has no gateway, not via 192.168.0.8']],
    ['a connection that came about is no fault', 'nat', 'lvs1 connections: TCP C0A80063 9C40 AC10FEC8 0050 C0A80012 1F90 ESTABLISHED    890', []],
  ])('%s', (_what, cluster, example, expected) => {
    const found = told(foundIn(withExample(CLUSTERS[cluster], example)));
    expect(found).toHaveLength(expected.length);
    for (const [index, text] of expected.entries()) expect(found[index]).toContain(text);
  });

  it('a waiver of a live rule is not unused where no host was asked, and lets pass where one was', () => {
    const lvs = `${CLUSTERS.dr.lvs}lint: { waive: [{ rule: mtu-differs, at: virtual_services.web.real_servers.rs1, reason: "a tunnel in between" }] }\n`;
    const located = parseYaml(lvs, 'lvs.yml');
    const found = foundIn(withExample({ ...CLUSTERS.dr, lvs }, 'rs1 values: /sys/class/net/eth0/mtu:1400'));
    expect(withWaivers(found, located, LIVE_RULES)).toMatchObject([{ rule: 'mtu-differs', waived: 'a tunnel in between' }]);
    expect(withWaivers([], located, [], LIVE_RULES)).toEqual([]);
    expect(withWaivers([], located, LIVE_RULES)).toMatchObject([{ rule: 'waiver' }]);
  });
});

it('no two rules of any kind share a name', () => {
  const ids = CATALOGUE.flatMap(({ rules }) => rules.map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
});
