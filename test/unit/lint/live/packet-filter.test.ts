import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { FIREWALL_PROGRAMS, readRulesets } from '../../../../src/import/firewall/read.ts';
import { fateOf, type FilteredPacket } from '../../../../src/lint/live/packet-filter.ts';

const ADVERT: FilteredPacket = { family: 4, protocol: ['112', 'vrrp', 'carp'], answered: false, source: '192.168.0.48', destination: '224.0.0.18', port: undefined, direction: 'in', interface: 'eth0' };
const UNICAST: FilteredPacket = { ...ADVERT, answered: true, destination: '192.168.0.58' };
const SYNC: FilteredPacket = { ...ADVERT, protocol: ['17', 'udp'], destination: '224.0.0.81', port: 8848 };

function fate(program: 'iptables-save' | 'nft', text: string, packet: FilteredPacket = ADVERT): string {
  return fateOf(packet, readRulesets(new Map(FIREWALL_PROGRAMS.map((one) => [one, one === program ? text : ''])), 'lvs2')).is;
}

function table(policy: 'ACCEPT' | 'DROP', ...rules: string[]): string {
  return ['*filter', `:INPUT ${policy} [0:0]`, ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ':MINE - [0:0]', ...rules, 'COMMIT', ''].join('\n');
}

function ruleset(policy: 'accept' | 'drop', rules: readonly string[], more = ''): string {
  return `table inet fw {\n\tchain input {\n\t\ttype filter hook input priority filter; policy ${policy};\n${rules.map((rule) => `\t\t${rule}\n`).join('')}\t}\n${more}}\n`;
}

describe('iptables', () => {
  it.each<[string, string, string[]]>([
    ['passes', 'ACCEPT', []],
    ['dropped', 'DROP', []],
    ['passes', 'DROP', ['-A INPUT -p vrrp -j ACCEPT']],
    ['passes', 'DROP', ['-A INPUT -p 112 -j ACCEPT']],
    ['passes', 'DROP', ['-A INPUT -s 192.168.0.0/24 -j ACCEPT']],
    ['dropped', 'DROP', ['-A INPUT -s 192.168.1.0/24 -j ACCEPT']],
    ['passes', 'DROP', ['-A INPUT -d 224.0.0.0/8 -j ACCEPT']],
    ['passes', 'DROP', ['-A INPUT -i eth0 -j ACCEPT']],
    ['passes', 'DROP', ['-A INPUT -i eth+ -j ACCEPT']],
    ['dropped', 'DROP', ['-A INPUT -i lo -j ACCEPT', '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT']],
    ['passes', 'DROP', ['-A INPUT ! -i lo -j ACCEPT']],
    // Nobody answers a multicast group: it never is established, and always new.
    ['dropped', 'DROP', ['-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT']],
    ['passes', 'DROP', ['-A INPUT -m conntrack --ctstate NEW -j ACCEPT']],
    ['passes', 'ACCEPT', ['-A INPUT -m conntrack --ctstate INVALID -j DROP']],
    ['passes', 'DROP', ['-A INPUT -m addrtype --dst-type MULTICAST -j ACCEPT']],
    ['dropped', 'DROP', ['-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT']],
    ['passes', 'DROP', ['-A INPUT -m pkttype --pkt-type multicast -j ACCEPT']],
    ['dropped', 'ACCEPT', ['-A INPUT -p vrrp -j REJECT --reject-with icmp-port-unreachable']],
    ['dropped', 'ACCEPT', ['-A INPUT -j LOG --log-prefix "x "', '-A INPUT -p vrrp -j DROP', '-A INPUT -p vrrp -j ACCEPT']],
    ['passes', 'DROP', ['-A INPUT -j MINE', '-A MINE -p vrrp -j ACCEPT']],
    ['dropped', 'DROP', ['-A INPUT -j MINE', '-A MINE -p vrrp -j RETURN', '-A MINE -j ACCEPT']],
    ['passes', 'DROP', ['-A INPUT -j MINE', '-A INPUT -j ACCEPT', '-A MINE -p vrrp -j RETURN', '-A MINE -j DROP']],
    ['dropped', 'DROP', ['-A INPUT -g MINE', '-A INPUT -j ACCEPT', '-A MINE -p tcp -j DROP']],
    // Chains that nothing calls, and other directions.
    ['passes', 'ACCEPT', ['-A MINE -j DROP', '-A FORWARD -j DROP', '-A OUTPUT -j DROP']],
    // What is not read is not guessed.
    ['unclear', 'DROP', ['-A INPUT -m set --match-set directors src -j ACCEPT']],
    ['unclear', 'DROP', ['-A INPUT -m limit --limit 3/min -j ACCEPT']],
    ['unclear', 'ACCEPT', ['-A INPUT -m geoip --src-cc XX -j DROP']],
    ['unclear', 'ACCEPT', ['-A INPUT -j NFQUEUE --queue-num 1']],
    ['dropped', 'DROP', ['-A INPUT -p tcp -m set --match-set directors src -j ACCEPT']],
  ])('%s: policy %s, %j', (expected, policy, rules) => {
    expect(fate('iptables-save', table(policy as 'ACCEPT', ...rules))).toBe(expected);
  });

  it('looks at PREROUTING too, and at what leaves', () => {
    expect(fate('iptables-save', '*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p vrrp -j DROP\nCOMMIT\n')).toBe('dropped');
    const out = { ...ADVERT, direction: 'out' as const, source: '192.168.0.58' };
    expect(fate('iptables-save', table('DROP'), out)).toBe('passes');
    expect(fate('iptables-save', table('ACCEPT', '-A OUTPUT -o eth0 -p vrrp -j DROP'), out)).toBe('dropped');
  });

  it('takes unicast adverts for established where something was sent before, which is not known', () => {
    expect(fate('iptables-save', table('DROP', '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'), UNICAST)).toBe('unclear');
    expect(fate('iptables-save', table('DROP', '-A INPUT -m conntrack --ctstate NEW,RELATED,ESTABLISHED -j ACCEPT'), UNICAST)).toBe('passes');
  });

  it('knows ports', () => {
    expect(fate('iptables-save', table('DROP', '-A INPUT -p udp -m udp --dport 8848 -j ACCEPT'), SYNC)).toBe('passes');
    expect(fate('iptables-save', table('DROP', '-A INPUT -p udp -m multiport --dports 53,8800:8900 -j ACCEPT'), SYNC)).toBe('passes');
    expect(fate('iptables-save', table('DROP', '-A INPUT -p udp -m udp --dport 53 -j ACCEPT'), SYNC)).toBe('dropped');
  });
});

/** Rule sets of nftables, and what becomes of an advert. */
const NFT: readonly [string, 'accept' | 'drop', string[], string?][] = [
  ['passes', 'accept', []],
  ['dropped', 'drop', []],
  ['passes', 'drop', ['ip protocol vrrp accept']],
  ['passes', 'drop', ['meta l4proto 112 accept']],
  ['passes', 'drop', ['ip protocol { icmp, vrrp } accept']],
  ['passes', 'drop', ['ip saddr 192.168.0.48 accept']],
  ['dropped', 'drop', ['ip saddr 192.168.0.49 accept']],
  ['dropped', 'drop', ['ct state established,related accept', 'iifname "lo" accept', 'tcp dport 22 accept', 'icmp type echo-request accept']],
  ['passes', 'accept', ['ct state invalid drop', 'ip protocol tcp reject']],
  ['passes', 'drop', ['iifname != "lo" accept']],
  ['passes', 'drop', ['iifname { "lo", "eth0" } accept']],
  ['passes', 'drop', ['meta pkttype multicast accept']],
  ['passes', 'drop', ['ip daddr 224.0.0.0/4 counter packets 0 bytes 0 accept']],
  ['dropped', 'accept', ['ip protocol vrrp counter packets 3 bytes 9 drop']],
  ['dropped', 'accept', ['log prefix "x" drop']],
  ['passes', 'drop', ['jump mine'], '\tchain mine {\n\t\tip protocol vrrp accept\n\t}\n'],
  ['dropped', 'accept', ['goto mine', 'accept'], '\tchain mine {\n\t\tip protocol vrrp drop\n\t}\n'],
  ['unclear', 'drop', ['ct state vmap { established : accept, new : jump mine }'], '\tchain mine {\n\t\taccept\n\t}\n'],
  ['unclear', 'drop', ['ip saddr @directors accept'], '\tset directors {\n\t\ttype ipv4_addr\n\t\telements = { 192.168.0.48 }\n\t}\n'],
  ['unclear', 'drop', ['limit rate 3/minute accept']],
];

describe('nftables', () => {
  it.each(NFT)('%s: policy %s, %j', (expected, policy, rules, more) => {
    expect(fate('nft', ruleset(policy, rules, more))).toBe(expected);
  });

  it('wants every base chain to let it pass', () => {
    expect(fate('nft', `${ruleset('accept', ['ip protocol vrrp accept'])}${ruleset('drop', []).replace('inet fw', 'ip late')}`)).toBe('dropped');
    expect(fate('nft', ruleset('drop', []).replace('inet fw', 'ip6 fw'))).toBe('passes');
  });

  it('is what a real kernel does with an advert', () => {
    const advert = 'use Socket; socket(S, AF_INET, SOCK_RAW, 112) or die; my $p = pack("CCCCCCna4NN", 0x21, 77, 90, 1, 0, 1, 0, inet_aton("192.168.0.38"), 0, 0); send(S, $p, 0, sockaddr_in(0, inet_aton("224.0.0.18"))) or die';
    // Joins the group, asks for an advert, and says whether one came.
    const listen = `use Socket; socket(S, AF_INET, SOCK_RAW, 112) or die; setsockopt(S, 0, 35, inet_aton("224.0.0.18") . inet_aton("192.168.0.58")) or die; my $in = "";
      while (defined(my $file = shift)) { system("nft", "flush", "ruleset") and die; system("nft", "-f", $file) and die; system("nsenter", "-t", $ENV{PEER}, "-n", "perl", "-e", $ENV{ADVERT}) and die; vec($in, fileno(S), 1) = 1; my $came = select($in, undef, undef, 0.2) > 0; recv(S, my $packet, 100, 0) if $came; print $came ? "passes\\n" : "dropped\\n" }`;
    const clear = NFT.filter(([expected]) => expected !== 'unclear');
    const setUp = [
      'unshare -n sleep 60 & peer=$!',
      'while [ "$(readlink /proc/$peer/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done',
      'ip link add eth0 type veth peer name eth0 netns $peer; ip link set eth0 up; ip address add 192.168.0.58/24 dev eth0',
      'nsenter -t $peer -n sh -c "ip link set eth0 up; ip address add 192.168.0.48/24 dev eth0; ip route add 224.0.0.0/4 dev eth0"',
      'mount -t tmpfs none /tmp; cd /tmp',
      ...clear.map(([, policy, rules, more], index) => `cat >${String(index)} <<'END'\n${ruleset(policy, rules, more)}END`),
      `PEER=$peer perl -e "$LISTEN" ${clear.map((_one, index) => String(index)).join(' ')}`,
      'status=$?; kill $peer; exit $status',
    ].join('\n');
    const output = execFileSync('unshare', ['-nm', 'sh', '-c', setUp], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, ADVERT: advert, LISTEN: listen } });
    expect(output.trim().split('\n')).toEqual(clear.map(([expected]) => expected));
  });
});
