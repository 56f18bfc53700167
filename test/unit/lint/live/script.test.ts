import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientsOf, parseConnections } from '../../../../src/lint/live/connections.ts';
import { parseLiveState } from '../../../../src/lint/live/parse.ts';
import { type LiveQuestion, liveQuestion, liveScript } from '../../../../src/lint/live/question.ts';
import { isIn, networkOf } from '../../../../src/lvs/model/services/nat-networks.ts';
import { parseIp } from '../../../../src/lvs/model/ip.ts';
import { topologyOf } from '../../lvs/support.ts';
import { answerText, CLUSTERS, NONCE } from './support.ts';

const NOTHING: LiveQuestion = { modules: [], towards: [], vips: [], vrrpInterfaces: [], keepalived: false, firewall: false, natNetworks: [] };

/** Sends one advert of virtual router 77 from 10.9.0.1 each tenth of a second, until its parent ends. */
const ADVERTISE = `perl -e 'use Socket; socket(S, AF_INET, SOCK_RAW, 112) or die; my $p = pack("CCCCCCna4NN", 0x21, 77, 90, 1, 0, 1, 0, inet_aton("10.9.0.38"), 0, 0); for (1 .. 100) { send(S, $p, 0, sockaddr_in(0, inet_aton("224.0.0.18"))); select(undef, undef, undef, 0.1) }' & adverts=$!`;

describe.each([
  ['dash', ['dash']],
  ['busybox', ['busybox', 'sh']],
])('the script under %s', (_name, shell) => {
  const ask = (question: LiveQuestion, setUp: string) => {
    const output = execFileSync('unshare', ['-nm', 'sh', '-c', `mount -t sysfs none /sys; ${setUp}; "$@"; status=$?; [ -z "$adverts" ] || kill $adverts; exit $status`, 'sh', ...shell, '-c', liveScript(question, NONCE)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
    });
    return parseLiveState('lvs1', question, output, NONCE);
  };

  it('tells addresses, sizes, routes, neighbours, modules, rules of firewalls and adverts of a real host', () => {
    const setUp = [
      'ip link set lo up; ip link add va address 52:54:00:00:98:01 mtu 1400 type veth peer name vb; ip link set va up; ip link set vb up',
      'ip address add 10.9.0.1/24 dev va; ip route add 10.8.0.0/24 via 10.9.0.254 mtu 1300; ip route add default via 10.9.0.254',
      'ip neigh add 10.9.0.38 lladdr 52:54:00:00:98:02 dev va; ip neigh add 10.9.0.99 lladdr 52:54:00:00:98:03 dev va',
      'nft add table inet fw; nft "add chain inet fw input { type filter hook input priority 0; policy drop; }"; nft add rule inet fw input ip protocol vrrp accept',
      ADVERTISE,
    ].join('; ');
    const state = ask({ ...NOTHING, modules: ['no_such_module'], towards: ['10.9.0.7', '10.8.0.7', '2001:db8::1'], vips: ['10.9.0.38'], vrrpInterfaces: ['va', 'vb', 'gone'], keepalived: true, firewall: true }, setUp);
    expect(state.addresses).toContainEqual({ interface: 'va', address: '10.9.0.1', prefix: 24 });
    expect(state.links.get('va')).toEqual({ mtu: 1400, mac: '52:54:00:00:98:01' });
    expect(state.sysctls.get('net/ipv4/conf/va/rp_filter')).toMatch(/^[012]$/);
    expect(Object.fromEntries(state.routes)).toEqual({ '10.9.0.7': { device: 'va', via: undefined, mtu: undefined }, '10.8.0.7': { device: 'va', via: '10.9.0.254', mtu: 1300 } });
    expect(Object.fromEntries(state.defaults)).toEqual({ 4: { device: 'va', via: '10.9.0.254', mtu: undefined } });
    expect(state.neighbours).toEqual([{ address: '10.9.0.38', mac: '52:54:00:00:98:02' }]);
    expect(state.modules.get('no_such_module')).toBe('missing');
    expect(state.keepalived).toEqual({ value: { major: 2, minor: 2, patch: 7 } });
    expect(state.firewall).toMatchObject({ value: expect.arrayContaining([expect.objectContaining({ dropping: [expect.objectContaining({ hook: 'input', table: 'fw' })] })]) as unknown });
    const advert = { value: [{ source: '10.9.0.1', virtualRouterId: 77, version: 2, priority: 90 }] };
    expect([state.adverts.get('va'), state.adverts.get('vb')]).toEqual([advert, advert]);
    expect(state.adverts.get('gone')).toEqual({ untold: expect.stringMatching(/No such device/) as string });
  });

  it('asks nothing that has no use', () => {
    const state = ask(NOTHING, ':');
    expect({ keepalived: state.keepalived, firewall: state.firewall, adverts: state.adverts.size }).toEqual({ keepalived: undefined, firewall: undefined, adverts: 0 });
    expect(liveScript(NOTHING, NONCE)).not.toMatch(/tcpdump|nft|iptables|keepalived|ip neigh|ip_vs_conn/);
  });
});

describe('what a host is asked', () => {
  it('follows from its part', () => {
    const dr = topologyOf(CLUSTERS.dr.lvs);
    expect(liveQuestion(dr, 'lvs1')).toEqual({ modules: ['ip_vs', 'ip_vs_wlc'], towards: ['192.168.0.18', '192.168.0.28'], vips: ['192.168.0.38'], vrrpInterfaces: ['eth0'], keepalived: true, firewall: true, natNetworks: [] });
    expect(liveQuestion(dr, 'rs1')).toEqual({ ...NOTHING, vips: ['192.168.0.38'] });
    expect(liveQuestion(topologyOf(CLUSTERS.tun.lvs), 'rs1')).toMatchObject({ modules: ['ipip'], firewall: true });
    expect(liveQuestion(topologyOf(CLUSTERS.nat.lvs), 'lvs1')).toMatchObject({ natNetworks: ['192.168.0.0/24'], vrrpInterfaces: [], firewall: false });
  });

  it('is nothing that writes', () => {
    for (const { lvs, hosts } of Object.values(CLUSTERS)) {
      for (const host of Object.keys(hosts)) expect(liveScript(liveQuestion(topologyOf(lvs), host), NONCE).replaceAll(/\d?>(&1|\/dev\/null)|2>&1/g, '')).not.toMatch(/>|\b(sysctl|modprobe|add|del|replace|set|flush)\b/);
    }
  });
});

describe('an answer', () => {
  const question = liveQuestion(topologyOf(CLUSTERS.dr.lvs), 'lvs1');
  const read = (sections: Readonly<Record<string, string>>) => parseLiveState('lvs1', question, answerText(sections), NONCE);

  it('that is cut off is refused', () => {
    expect(() => parseLiveState('lvs1', question, answerText({ addresses: '' }).replace(`\n${NONCE} end\n`, ''), NONCE)).toThrow(/incomplete/);
  });

  it.each([
    ['keepalived is not there', { keepalived: 'absent' }, 'keepalived', /not installed/],
    ['keepalived tells nothing', { keepalived: 'Segmentation fault' }, 'keepalived', /does not tell/],
    ['nft is missing', { filters: 'nf_tables' }, 'firewall', /nft is not installed/],
    ['iptables-save is missing', { filters: 'ip_tables', nft: '' }, 'firewall', /iptables-save is not installed/],
    ['nft fails', { filters: 'nf_tables', nft: '', 'nft failed': '' }, 'firewall', /nft fails/],
  ] as const)('says so where %s', (_what, sections, key, why) => {
    expect(read(sections)[key]).toEqual({ untold: expect.stringMatching(why) as string });
  });

  it('says so where tcpdump is missing or nobody listened', () => {
    expect(read({ adverts: 'tcpdump is not installed' }).adverts.get('eth0')).toEqual({ untold: 'tcpdump is not installed' });
    expect(read({}).adverts.get('eth0')).toEqual({ untold: 'it did not listen' });
  });

  it('tells modules that are loaded, built in, to be loaded and missing', () => {
    const modules = 'loaded ip_vs_rr\n/lib/modules/6.1/modules.builtin:kernel/net/netfilter/ipvs/ip_vs.ko\n/lib/modules/6.1/modules.dep:kernel/net/netfilter/ipvs/ip_vs_wlc.ko.xz';
    const asked = { ...question, modules: ['ip_vs', 'ip_vs_rr', 'ip_vs_wlc', 'ip_vs_mh'] };
    expect([...parseLiveState('lvs1', asked, answerText({ modules }), NONCE).modules.values()]).toEqual(['loaded', 'loaded', 'available', 'missing']);
  });

  it('leaves tables of bridges and ARP aside', () => {
    const nft = 'table arp fw {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\ntable inet fw {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n}\n';
    expect(read({ filters: 'nf_tables', nft }).firewall).toMatchObject({ value: [{}, {}, {}, {}, { dropping: [] }] });
  });
});

describe('clients in a network', () => {
  const hex = (address: string): string => address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0').toUpperCase()).join('');
  const v4 = fc.ipV4().filter((text) => parseIp(text) !== undefined);

  it('are exactly those whose lines match', () => {
    fc.assert(
      fc.property(v4, v4, fc.integer({ min: 1, max: 32 }), fc.boolean(), (base, other, prefix, near) => {
        const network = networkOf({ family: 4, address: base, prefix });
        const client = near ? base : other;
        const line = `TCP ${hex(client)} 9C40 AC10FEC8 0050 C0A80012 1F90 SYN_RECV         58`;
        expect(new RegExp(clientsOf(network)).test(line)).toBe(isIn(client, network));
        expect(parseConnections(`${line}\n`)).toEqual([{ protocol: 'TCP', client, vip: '172.16.254.200', server: '192.168.0.18', state: 'SYN_RECV' }]);
      }),
    );
  });

  it('are found by IPv6 too, as the kernel writes it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.integer({ min: 1, max: 128 }), fc.integer({ min: 0, max: 127 }), (number, prefix, flipped) => {
        const text = (value: bigint): string => (value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []).join(':');
        const canonical = (value: bigint): string => parseIp(text(value))?.address ?? '';
        const network = networkOf({ family: 6, address: canonical(number), prefix });
        const client = number ^ (1n << BigInt(flipped));
        const line = `TCP ${text(client)} 9C40 2001:0db8:0000:0000:0000:0000:0000:0038 0050 2001:0db8:0000:0000:0000:0000:0000:0018 1F90 SYN_RECV         58`;
        expect(new RegExp(clientsOf(network)).test(line)).toBe(isIn(canonical(client), network));
        expect(parseConnections(line)[0]?.client).toBe(canonical(client));
      }),
    );
  });
});
