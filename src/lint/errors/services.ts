import { PAIR, pair, service, serviceNamed } from '../rules/examples.ts';
import { defineErrors } from './define.ts';

const WEB = `${PAIR}${service()}`;
const NO_CHECK = 'health_check: { type: none }';
const marked = (endpoints: string, ...keys: readonly string[]): string => service('address:', 'fwmark: 7', `endpoints: ${endpoints}`, ...keys);
const other = (...keys: readonly string[]): string => serviceNamed('other', ...keys);
const udp = (...keys: readonly string[]): string => `${PAIR}${service('protocol: udp', NO_CHECK, ...keys)}`;
const tunnel = (text: string): string => `${PAIR}${service('mode: tun', `tunnel: ${text}`)}`;
/** On one director, without VRRP. */
const alone = (...keys: readonly string[]): string => service('on: lvs1', 'interface: eth0', ...keys);
const SCRIPT = alone('manager: script', NO_CHECK);

/** What tells a service from others. */
const matchErrors = defineErrors([
  {
    id: 'bad-address',
    summary: 'a service has no usable address and port',
    why: 'IPVS tells services by IP address and port; names and addresses that no client can use are neither.',
    source: 'ipvsadm(8), -t',
    bad: `${PAIR}${service('address: §www.example:80')}`,
    good: WEB,
  },
  {
    id: 'address-not-in-pair',
    summary: 'the address of a service is not among the VIPs of its pair',
    why: 'Only those move: nobody would answer for it.',
    source: 'keepalived.conf(5), virtual_ipaddress',
    bad: `${PAIR}${service('address: §192.168.0.39:80')}`,
    good: `${pair('vips: [192.168.0.38, 192.168.0.39]')}${service('address: 192.168.0.39:80')}`,
  },
  {
    id: 'address-of-pair',
    summary: 'a service on one director has an address that moves with a pair',
    why: 'After a failover the address is on a director that does not know the service.',
    source: 'keepalived.conf(5), virtual_ipaddress',
    bad: `${PAIR}${service('on: §lvs1')}`,
    good: WEB,
  },
  {
    id: 'address-and-mark',
    summary: 'a service has both an address and a firewall mark',
    why: 'IPVS looks at the mark alone; the address would have no effect.',
    source: 'ipvsadm(8), -f',
    bad: `${PAIR}${service('§address: 192.168.0.38:80', 'fwmark: 7', 'endpoints: [192.168.0.38:80]')}`,
    good: `${PAIR}${marked('[192.168.0.38:80]')}`,
  },
  {
    id: 'endpoints-without-mark',
    summary: 'endpoints without a firewall mark',
    why: 'They say which packets get the mark. Without one a service has one address.',
    source: 'ipvsadm(8), -f',
    bad: `${PAIR}${service('§endpoints: [192.168.0.38:443]')}`,
    good: `${PAIR}${marked('[192.168.0.38:80, 192.168.0.38:443]')}`,
  },
  {
    id: 'endpoint-twice',
    summary: 'an endpoint stands twice, or in two marks',
    why: 'A packet has one mark: the second rule would overwrite the first.',
    source: 'iptables-extensions(8), MARK',
    bad: `${PAIR}${marked('[192.168.0.38:80, §192.168.0.38:80]')}`,
    good: `${PAIR}${marked('[192.168.0.38:80, 192.168.0.38:443]')}`,
  },
  {
    id: 'mark-family',
    summary: 'the endpoints of one mark are of both address families',
    why: 'IPVS keeps the marks of IPv4 and of IPv6 apart, as two services.',
    source: 'ipvsadm(8), -6',
    bad: `${pair('vips: [192.168.0.38, "2001:db8::38"]')}${marked('[192.168.0.38:80, §"[2001:db8::38]:80"]')}`,
    good: `${PAIR}${marked('[192.168.0.38:80]')}`,
  },
  {
    id: 'port-zero',
    summary: 'port 0 without persistence',
    why: 'IPVS takes "all ports" only for a persistent service.',
    source: 'ipvsadm(8), -p',
    bad: `${PAIR}${service('address: §192.168.0.38:0', NO_CHECK)}`,
    good: `${PAIR}${service('address: 192.168.0.38:0', NO_CHECK, 'persistence: 600')}`,
  },
  {
    id: 'duplicate-service',
    summary: 'two services of a director are the same for IPVS',
    why: 'IPVS tells services apart by protocol, address and port, or by their mark. The second would be refused, or take the place of the first.',
    source: 'ipvsadm(8), -A',
    bad: `${WEB}${other('address: §192.168.0.38:80')}`,
    good: `${WEB}${other('address: 192.168.0.38:81')}`,
  },
  {
    id: 'service-under-mark',
    summary: 'every packet to a service gets the mark of another one',
    why: 'The kernel looks for a mark first, so this service would never get a packet.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_ctl.c (ip_vs_service_find)',
    bad: `${PAIR}${marked('[192.168.0.38:80]')}${other('address: §192.168.0.38:80')}`,
    good: `${PAIR}${marked('[192.168.0.38:80]')}${other('address: 192.168.0.38:81')}`,
  },
  {
    id: 'vip-on-two-interfaces',
    summary: 'two services put the same VIP on different interfaces',
    why: 'An address on two interfaces is answered for by both.',
    source: 'Linux, Documentation/networking/ip-sysctl.rst, arp_ignore',
    bad: `${alone()}${other('on: lvs1', 'interface: §eth1', 'address: 192.168.0.38:81')}`,
    good: `${alone()}${other('on: lvs1', 'interface: eth0', 'address: 192.168.0.38:81')}`,
  },
  {
    id: 'interface-with-pair',
    summary: 'a service on a pair names an interface',
    why: 'The pair carries the VIP, on its own interface. The service\'s would have no effect.',
    source: 'docs/inventory.md, interface',
    bad: `${PAIR}${service('§interface: eth0')}`,
    good: WEB,
  },
  {
    id: 'unknown-director',
    summary: 'a service or network is on something that is neither a pair nor a host',
    why: 'Nobody would carry it.',
    source: 'docs/inventory.md, on',
    bad: `${PAIR}${service('on: §egde')}`,
    good: WEB,
  },
]);

/** How a service chooses and what it keeps. */
const schedulingErrors = defineErrors([
  {
    id: 'unknown-scheduler',
    summary: 'IPVS has no such scheduler',
    why: 'The kernel refuses the service.',
    source: 'Linux, net/netfilter/ipvs/Kconfig',
    bad: `${PAIR}${service('scheduler: §wll')}`,
    good: WEB,
  },
  {
    id: 'flag-scheduler',
    summary: 'a flag belongs to another scheduler',
    why: 'sh and mh each have two flags of their own, the others none. IPVS keeps flags as numbers, so that the wrong one would mean something else.',
    source: 'ipvsadm(8), -b',
    bad: `${PAIR}${service('scheduler: mh', 'scheduler_flags: [§sh-fallback]')}`,
    good: `${PAIR}${service('scheduler: mh', 'scheduler_flags: [mh-fallback]')}`,
  },
  {
    id: 'one-packet-protocol',
    summary: 'one_packet for something else than UDP',
    why: 'Each packet of a connection would go to another real server.',
    source: 'ipvsadm(8), -o',
    bad: `${PAIR}${service('one_packet: §true')}`,
    good: udp('one_packet: true'),
  },
  {
    id: 'sip-protocol',
    summary: 'the persistence engine sip for something else than UDP',
    why: 'The kernel reads the Call-ID of UDP packets only.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_pe_sip.c',
    bad: `${PAIR}${service('persistence: { timeout: 60, engine: §sip }')}`,
    good: udp('persistence: { timeout: 60, engine: sip }'),
  },
  {
    id: 'persistence-netmask',
    summary: 'the netmask or prefix of persistence does not fit the service',
    why: 'It says which clients stay together: a netmask with its ones in front for IPv4, a prefix length for either family, and one of the two.',
    source: 'ipvsadm(8), -M',
    bad: `${PAIR}${service('persistence: { timeout: 60, prefix: §64 }')}`,
    good: `${PAIR}${service('persistence: { timeout: 60, prefix: 24 }')}`,
  },
  {
    id: 'quorum-too-high',
    summary: 'a quorum above the sum of all weights',
    why: 'It would never be reached, not even with every server alive.',
    source: 'keepalived.conf(5), quorum',
    bad: `${PAIR}${service('quorum: §3')}`,
    good: `${PAIR}${service('quorum: 2')}`,
  },
  {
    id: 'quorum-hysteresis',
    summary: 'a hysteresis that is not below the quorum',
    why: 'The quorum is lost below quorum minus hysteresis, which must be at least 1.',
    source: 'keepalived.conf(5), hysteresis',
    bad: `${PAIR}${service('quorum: { count: 1, hysteresis: §1 }')}`,
    good: `${PAIR}${service('quorum: { count: 2, hysteresis: 0 }')}`,
  },
  {
    id: 'ftp-persistence',
    summary: 'FTP by DR or TUN without persistence',
    why: 'The data connection is another one and would reach another real server.',
    source: 'LVS-HOWTO, LVS: Services, FTP',
    bad: `${PAIR}${service('address: 192.168.0.38:21', 'helper: §ftp')}`,
    good: `${PAIR}${service('address: 192.168.0.38:21', 'helper: ftp', 'persistence: 600')}`,
  },
  {
    id: 'helper-port',
    summary: 'the FTP helper for a service without port 21',
    why: 'The kernel\'s module looks at control connections of port 21.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_ftp.c, ports',
    bad: `${PAIR}${service('mode: nat', 'helper: §ftp')}`,
    good: `${PAIR}${service('address: 192.168.0.38:21', 'mode: nat', 'helper: ftp')}`,
  },
  {
    id: 'helper-protocol',
    summary: 'the FTP helper for something else than TCP',
    why: 'FTP is TCP.',
    source: 'RFC 959, 2.3',
    bad: udp('mode: nat', 'helper: §ftp'),
    good: `${PAIR}${service('address: 192.168.0.38:21', 'mode: nat', 'helper: ftp')}`,
  },
  {
    id: 'tunnel-mode',
    summary: 'a tunnel with mode dr or nat',
    why: 'Only mode tun puts packets into one.',
    source: 'ipvsadm(8), --tun-type',
    bad: `${PAIR}${service('§tunnel: gue')}`,
    good: tunnel('gue'),
  },
  {
    id: 'tunnel-port',
    summary: 'a port for a tunnel that has none',
    why: 'GUE alone runs over UDP.',
    source: 'ipvsadm(8), --tun-port',
    bad: tunnel('{ type: gre, §port: 6080 }'),
    good: tunnel('{ type: gue, port: 6080 }'),
  },
  {
    id: 'tunnel-checksum',
    summary: 'a checksum that this tunnel does not have',
    why: 'ipip has none, GRE has its own, and remote checksum offload belongs to GUE.',
    source: 'ipvsadm(8), --tun-csum and --tun-remcsum',
    bad: tunnel('{ type: ipip, §checksum: csum }'),
    good: tunnel('{ type: gre, checksum: csum }'),
  },
  {
    id: 'script-needs-keepalived',
    summary: 'a service that a script fills asks for something that only keepalived does',
    why: 'The script sets the table once, at boot. It checks nothing, moves nothing and knows no quorum.',
    source: 'docs/inventory.md, manager',
    bad: alone('manager: script', '§health_check: { type: tcp }'),
    good: SCRIPT,
  },
]);

/** A service as a whole. */
export const serviceErrors = [...matchErrors, ...schedulingErrors];
