import { describe, expect, it } from 'vitest';
import { type HostState, hostStateScript, parseHostState } from '../../../src/explain/host-state.ts';
import { formatExplanation } from '../../../src/explain/format.ts';
import { judgeExplanation, needsOf } from '../../../src/explain/judge.ts';
import type { Explanation } from '../../../src/explain/types.ts';
import { explained, words } from './support.ts';
import { seen } from '../observe/support.ts';

interface Said {
  addresses?: string;
  sysctl?: string;
  modules?: string;
  routes?: string;
  default4?: string;
  ipvs?: string;
  sockets?: string;
  firewall?: string;
}

/** What hosts print, section by section, as on Linux 6.1. */
function said(parts: Said): string {
  return `${parts.addresses ?? ''}\n--- sysctl\n${parts.sysctl ?? ''}\n--- modules\n${parts.modules ?? ''}\n--- routes\n${parts.routes ?? ''}\n--- default4\n${parts.default4 ?? ''}\n--- default6\n\n--- ipvs\n${parts.ipvs ?? ''}\n--- sockets\n${parts.sockets ?? ''}\n--- firewall\n${parts.firewall ?? ''}`;
}

const TABLE = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A000064:0050 rr 
  -> 0A00000C:0050      Route   1      0          0         
  -> 0A00000B:0050      Route   1      0          0         
`;
const LISTENS = '/proc/net/tcp:   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2067 1 0000000000000000 100 0 0 10 0';
const ROUTES = 'to 10.0.0.11\n10.0.0.11 dev eth0 src 10.0.0.1 uid 0 \\    cache \nto 10.0.0.12\n10.0.0.12 dev eth0 src 10.0.0.1 uid 0 \\    cache ';

const DIRECTOR: Said = { addresses: '2: eth0    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0\\  valid_lft forever\n2: eth0    inet 10.0.0.100/32 scope global eth0', modules: 'ip_vs\nip_vs_rr', routes: ROUTES, ipvs: TABLE };
const BACKUP: Said = { ...DIRECTOR, addresses: '2: eth0    inet 10.0.0.2/24 brd 10.0.0.255 scope global eth0' };
const server = (address: string): Said => ({
  addresses: `1: lo    inet 127.0.0.1/8 scope host lo\n1: lo    inet 10.0.0.100/32 scope global lo\n2: eth0    inet ${address}/24 scope global eth0`,
  sysctl: '/proc/sys/net/ipv4/conf/all/arp_ignore:1\n/proc/sys/net/ipv4/conf/all/arp_announce:2\n/proc/sys/net/ipv4/conf/eth0/arp_ignore:0',
  default4: 'default via 10.0.0.254 dev eth0',
  sockets: LISTENS,
});
const GOOD: Readonly<Record<string, Said>> = { lvs1: DIRECTOR, lvs2: BACKUP, rs1: server('10.0.0.11'), rs2: server('10.0.0.12') };

function judged(explanation: Explanation, hosts: Readonly<Record<string, Said>>): Explanation {
  return judgeExplanation(explanation, seen<HostState>({ lvs1: undefined, lvs2: undefined, rs1: undefined, rs2: undefined, ...Object.fromEntries(Object.entries(hosts).map(([host, parts]) => [host, parseHostState(host, said(parts))])) }));
}

function broken(explanation: Explanation): string[] {
  return needsOf(explanation).filter((need) => need.live?.verdict === 'broken').map((need) => `${words(need)}: ${need.live?.found ?? ''}`);
}

describe('what does not hold on live hosts', () => {
  it('nothing, when all is as it shall be', () => {
    const live = judged(explained({}), GOOD);
    expect(broken(live)).toEqual([]);
    expect(needsOf(live).filter((need) => need.live?.verdict === 'unknown')).toEqual([]);
    expect(formatExplanation(live)).toMatch(/ok {4}address {3}10\.0\.0\.100 on exactly one of lvs1, lvs2: lvs1 has it/);
  });

  const cases: readonly [string, Record<string, Said>, RegExp][] = [
    ['both directors hold the VIP', { lvs2: { ...DIRECTOR } }, /^lvs1,lvs2 address .*: lvs1, lvs2 have it$/],
    ['no director holds the VIP', { lvs1: { ...BACKUP } }, /: none has it$/],
    ['ARP rules on lo alone', { rs1: { ...server('10.0.0.11'), sysctl: '/proc/sys/net/ipv4/conf/lo/arp_ignore:1\n/proc/sys/net/ipv4/conf/lo/arp_announce:2' } }, /^rs1 sysctl arp_ignore.*: arp_ignore 0, arp_announce 0 for eth0$/],
    ['no VIP on lo', { rs2: { ...server('10.0.0.12'), addresses: '2: eth0    inet 10.0.0.12/24 scope global eth0' } }, /^rs2 address 10\.0\.0\.100\/32 on lo: it is on no interface$/],
    ['the gateway is a director', { rs1: { ...server('10.0.0.11'), default4: 'default via 10.0.0.2 dev eth0' } }, /^rs1 route .*: via 10\.0\.0\.2, the director$/],
    ['the service is stopped', { rs1: { ...server('10.0.0.11'), sockets: '' } }, /^rs1 port .*: nothing listens on that port$/],
    ['a real server was taken out', { lvs1: { ...DIRECTOR, ipvs: TABLE.replace(/ {2}-> 0A00000B.*\n/, '') } }, /^lvs1 table 10\.0\.0\.11:80 .*: it is not among the real servers$/],
    ['another mode', { lvs1: { ...DIRECTOR, ipvs: TABLE.replaceAll('Route', 'Masq ') } }, /^lvs1 table 10\.0\.0\.11:80 .*: NAT, weight 1$/],
    ['IPVS is not loaded', { lvs2: { ...BACKUP, ipvs: '', modules: '' } }, /^lvs2 module kernel module ip_vs: not loaded$/],
    ['a router is in between', { lvs1: { ...DIRECTOR, routes: ROUTES.replace('10.0.0.11 dev', '10.0.0.11 via 10.0.0.254 dev') } }, /^lvs1 route 10\.0\.0\.11 without .*: 10\.0\.0\.11 via 10\.0\.0\.254 dev eth0$/],
  ];
  it.each(cases)('%s', (_name, changed, expected) => {
    expect(broken(judged(explained({}), { ...GOOD, ...changed }))[0]).toMatch(expected);
  });

  it('NAT: forwarding, redirects and the way back', () => {
    const nat = explained({ on: 'lvs1', address: '10.0.0.1:80', mode: 'nat', real_servers: { rs1: {} } });
    const table = TABLE.replace('0A000064', '0A000001').replaceAll('Route', 'Masq ');
    const director: Said = { ...DIRECTOR, ipvs: table, sysctl: '/proc/sys/net/ipv4/ip_forward:1\n/proc/sys/net/ipv4/conf/all/send_redirects:0\n/proc/sys/net/ipv4/conf/eth0/send_redirects:0' };
    const rs1: Said = { ...server('10.0.0.11'), default4: 'default via 10.0.0.1 dev eth0' };
    expect(broken(judged(nat, { lvs1: director, rs1 }))).toEqual([]);
    const wrong = judged(nat, { lvs1: { ...director, sysctl: '/proc/sys/net/ipv4/ip_forward:0\n/proc/sys/net/ipv4/conf/eth0/send_redirects:1' }, rs1: { ...rs1, default4: 'default via 10.0.0.254 dev eth0' } });
    expect(broken(wrong)).toEqual([
      'rs1 route the default route via an inside address of lvs1: via 10.0.0.254',
      'lvs1 sysctl net.ipv4.ip_forward = 1: it is 0',
      'lvs1 sysctl send_redirects = 0 on all and on the interface towards 10.0.0.11: all is 0, eth0 is 1',
    ]);
  });

  it('TUN: a strict rp_filter drops the inner packet', () => {
    const live = (rp: string) => judged(explained({ mode: 'tun' }), { ...GOOD, rs1: { ...server('10.0.0.11'), sysctl: rp } });
    const found = (explanation: Explanation) => needsOf(explanation).find((need) => need.probe.type === 'loose-rp-filter' && need.hosts[0] === 'rs1')?.live;
    expect(found(live('/proc/sys/net/ipv4/conf/all/rp_filter:1'))).toEqual({ verdict: 'broken', found: 'all is 1, tunl0 is 0' });
    expect(found(live('/proc/sys/net/ipv4/conf/all/rp_filter:1\n/proc/sys/net/ipv4/conf/tunl0/rp_filter:2'))?.verdict).toBe('holds');
  });

  it.each([
    ['nftables', 'ip daddr 10.0.0.100 tcp dport 80 meta mark set 0x00000007', 'holds'],
    ['iptables', '-A PREROUTING -d 10.0.0.100/32 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x7/0xffffffff', 'holds'],
    ['another mark', '-A PREROUTING -d 10.0.0.100/32 -j MARK --set-xmark 0x70/0xffffffff', 'broken'],
  ])('firewall mark set by %s', (_name, firewall, verdict) => {
    const live = judged(explained({ address: undefined as never, fwmark: 7, endpoints: ['10.0.0.100:80'] }), { ...GOOD, lvs1: { ...DIRECTOR, firewall } });
    expect(needsOf(live).find((need) => need.kind === 'firewall')?.live?.verdict).toBe(verdict);
  });

  it('a host that was not asked leaves its needs unjudged', () => {
    const { rs1: _gone, ...rest } = GOOD;
    expect(needsOf(judged(explained({}), rest)).filter((need) => need.hosts[0] === 'rs1').every((need) => need.live?.verdict === 'unknown')).toBe(true);
  });

  it('IPv6 sockets are read in the byte order of the host', () => {
    const { sockets } = parseHostState('x', said({ sockets: '/proc/net/tcp6:   0: 000000FD000000000000000011000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000' }));
    expect(sockets).toEqual([{ protocol: 'tcp', address: 'fd00:0000:0000:0000:0000:0000:0000:0011', port: 8080 }]);
  });
});

it('the script asks for nothing that has no use, and quotes what it is given', () => {
  const needs = needsOf(explained({}));
  expect(hostStateScript('rs1', needs)).not.toContain('nft');
  expect(hostStateScript('lvs1', needs)).toContain('ip -o route get 10.0.0.11');
  expect(hostStateScript('rs1', needs)).not.toContain('route get');
});
