import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIptablesSave } from '../../../src/import/firewall/iptables.ts';
import { readRuleset } from '../../../src/import/firewall/nft-rule.ts';
import { importAll, type Imported } from '../../../src/import/import.ts';
import { type LiveHost, liveScript, parseLive } from '../../../src/import/live.ts';
import { renderFirewallScript } from '../../../src/lvs/host/firewall/firewall.ts';
import { topologyOf as modelOf } from '../lvs/support.ts';
import { bugs, imported, texts, topologyOf } from './support.ts';

const NONCE = '0123456789abcdef';

/** Asks a host whose network is made by `setUp`: real iptables and nft, in a network namespace of its own. */
function asked(setUp: string): string {
  const script = `mount -t tmpfs none /run; ip link set lo up; ${setUp}\n${liveScript(NONCE)}`;
  const done = spawnSync('unshare', ['-rnm', 'sh', '-c', script], { encoding: 'utf8', env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } });
  if (done.status !== 0) throw new Error(`${done.stdout}${done.stderr}`);
  return done.stdout;
}

function host(name: string, address: string, setUp: string): LiveHost {
  return parseLive(name, address, asked(setUp), NONCE, name);
}

/** An answer that was not asked for: sections by name. */
function told(name: string, address: string, sections: Readonly<Record<string, string>>): LiveHost {
  return parseLive(name, address, `${Object.entries(sections).map(([heading, text]) => `\n${NONCE} ${heading}\n${text}`).join('')}\n${NONCE} end\n`, NONCE, name);
}

async function importLive(...live: LiveHost[]): Promise<Imported> {
  return importAll({ files: [], as: undefined, live, known: new Map(live.map(({ setup }) => [setup.name ?? '', setup.ownAddress ?? ''])), withSecrets: false });
}

const DIRECTOR = '1: eth0    inet 192.168.0.8/24 scope global eth0\n2: eth1    inet 172.16.254.200/24 scope global eth1\n';
const TABLE = '-A -t 172.16.254.200:80 -s rr\n-a -t 172.16.254.200:80 -r 192.168.0.18:8080 -m -w 1\n';
const MARKED = '-A -f 7 -s rr -p 60\n-a -f 7 -r 192.168.0.18:0 -m -w 1\n';
const SYSCTLS = '/proc/sys/net/ipv4/ip_forward:1\n';

function director(rules: Readonly<Record<string, string>>, table = TABLE): LiveHost {
  return told('lvs1', '192.168.0.8', { addresses: DIRECTOR, sysctls: SYSCTLS, table, ...rules });
}

function realServer(gateway: string): LiveHost {
  return told('rs1', '192.168.0.18', { addresses: '1: eth0    inet 192.168.0.18/24 scope global eth0\n', route: gateway === '' ? '' : `default via ${gateway} dev eth0\n` });
}

function save(table: string, ...rules: string[]): string {
  return `*${table}\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rules.map((rule) => `${rule}\n`).join('')}COMMIT\n`;
}

describe('masquerading', () => {
  it.each<[string, Readonly<Record<string, string>>, 'understood' | 'changed']>([
    ["lvs-play's own chain", { 'iptables-save': save('nat', ':LVS_PLAY_NAT - [0:0]', '-A POSTROUTING -m comment --comment lvs-play -j LVS_PLAY_NAT', '-A LVS_PLAY_NAT -s 192.168.0.0/24 -j MASQUERADE') }, 'understood'],
    ['of a network', { 'iptables-save': save('nat', '-A POSTROUTING -s 192.168.0.0/24 -j MASQUERADE') }, 'changed'],
    ['of a network, by one interface', { 'iptables-save': save('nat', '-A POSTROUTING -s 192.168.0.0/24 ! -d 192.168.0.0/24 -o eth1 -j MASQUERADE --random') }, 'changed'],
    ['of whatever leaves by an interface', { 'iptables-save': save('nat', '-A POSTROUTING -o eth1 -j MASQUERADE') }, 'changed'],
    ['with a fixed address', { 'iptables-save': save('nat', '-A POSTROUTING -s 192.168.0.0/24 -o eth1 -j SNAT --to-source 172.16.254.200') }, 'changed'],
    ['in a chain of somebody', { 'iptables-save': save('nat', ':MINE - [0:0]', '-A POSTROUTING -j MINE', '-A MINE -s 192.168.0.0/24 -j MASQUERADE') }, 'changed'],
    ['with nft', { nft: 'table ip nat {\n\tchain post {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n\t\toifname "eth1" ip saddr 192.168.0.0/24 counter packets 0 bytes 0 masquerade comment "inside"\n\t}\n}\n' }, 'changed'],
    ['with nft, of whatever leaves', { nft: 'table inet fw { chain post { type nat hook postrouting priority 100; oif "eth1" masquerade; }; }' }, 'changed'],
    ['with nft and a fixed address', { nft: 'table ip nat {\nchain post {\ntype nat hook postrouting priority 100\nip saddr 192.168.0.0/24 snat to 172.16.254.200\n}\n}' }, 'changed'],
  ])('%s', async (_name, rules, kind) => {
    const done = await importLive(director(rules), realServer('192.168.0.8'));
    expect((await topologyOf(done.text)).natNetworks.get('inside')).toMatchObject({ network: '192.168.0.0/24', gateway: '192.168.0.8', masquerade: true, directors: ['lvs1'] });
    expect(done.notes.filter(({ position, kind: is, text }) => is === kind && position?.file.startsWith('lvs1: ') === true && /masquerade|SNAT|snat/i.test(text))).toHaveLength(1);
    expect(texts(done.notes, 'not-understood')).toEqual([]);
    expect(bugs(done.notes)).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['under a condition', { 'iptables-save': save('nat', '-A POSTROUTING -s 192.168.0.0/24 -p tcp -j MASQUERADE') }, '-A POSTROUTING -s 192.168.0.0/24 -p tcp -j MASQUERADE'],
    ['of a network but for others', { 'iptables-save': save('nat', '-A POSTROUTING -s 192.168.0.0/24 ! -d 10.0.0.0/8 -j MASQUERADE') }, '-A POSTROUTING -s 192.168.0.0/24 ! -d 10.0.0.0/8 -j MASQUERADE'],
    ['with nft under a condition', { nft: 'table ip nat {\nchain post {\ntype nat hook postrouting priority 100\nip saddr 192.168.0.0/24 ct state new masquerade\n}\n}' }, 'ip saddr 192.168.0.0/24 ct state new masquerade'],
  ])('%s is listed, and the network has none', async (_name, rules, expected) => {
    const done = await importLive(director(rules), realServer('192.168.0.8'));
    expect((await topologyOf(done.text)).natNetworks.get('inside')).toMatchObject({ gateway: '192.168.0.8', masquerade: false });
    expect(texts(done.notes, 'not-understood')).toEqual([expected]);
  });

  it('without any rule, the default route of the real servers tells the network', async () => {
    const done = await importLive(director({}), realServer('192.168.0.8'));
    expect((await topologyOf(done.text)).natNetworks.get('inside')).toMatchObject({ network: '192.168.0.0/24', gateway: '192.168.0.8', masquerade: false });
    expect((await topologyOf((await importLive(director({}), realServer(''))).text)).natNetworks.size).toBe(0);
  });

  it('a default route that passes the director is a mistake', async () => {
    const done = await importLive(director({}), realServer('192.168.0.254'));
    expect(bugs(done.notes)).toEqual(['gateway-elsewhere rs1:0']);
    expect((await topologyOf(done.text)).natNetworks.size).toBe(0);
  });

  it('what nobody calls is without effect, and said so', async () => {
    const done = await importLive(director({ 'iptables-save': save('nat', ':LVS_PLAY_NAT - [0:0]', '-A LVS_PLAY_NAT -s 192.168.0.0/24 -j MASQUERADE') }), realServer('192.168.0.8'));
    expect((await topologyOf(done.text)).natNetworks.get('inside')).toMatchObject({ masquerade: false });
    expect(texts(done.notes, 'changed')).toContain('-A LVS_PLAY_NAT -s 192.168.0.0/24 -j MASQUERADE');
  });
});

describe('marks', () => {
  it.each<[string, Readonly<Record<string, string>>, string[]]>([
    ['of iptables', { 'iptables-save': save('mangle', '-A PREROUTING -d 172.16.254.200/32 -p tcp -m multiport --dports 81,82 -j MARK --set-xmark 0x7/0xffffffff') }, ['tcp 81', 'tcp 82']],
    ['of a range, by one interface', { 'iptables-save': save('mangle', '-A PREROUTING -d 172.16.254.200/32 -i eth1 -p udp -m udp --dport 81:82 -j MARK --set-xmark 0x7/0xffffffff') }, ['udp 81', 'udp 82']],
    ['of every protocol', { 'iptables-save': save('mangle', '-A PREROUTING -d 172.16.254.200/32 -j MARK --set-xmark 0x7/0xffffffff') }, ['sctp 0', 'tcp 0', 'udp 0']],
    ['of nft', { nft: 'table ip x {\nchain y {\ntype filter hook prerouting priority mangle; policy accept;\nip daddr 172.16.254.200 tcp dport { 81, 82 } meta mark set 0x00000007\n}\n}' }, ['tcp 81', 'tcp 82']],
    ["of lvs-play's table", { nft: 'table ip lvs_play {\nchain marks {\ntype filter hook prerouting priority mangle; policy accept;\nip daddr 172.16.254.200 meta l4proto udp meta mark set 0x00000007\n}\n}' }, ['udp 0']],
  ])('%s', async (_name, rules, expected) => {
    const done = await importLive(director(rules, MARKED), realServer(''));
    const match = (await topologyOf(done.text)).services.get('mark-7')?.match;
    expect(match?.kind === 'fwmark' ? match.endpoints.map(({ address, protocol, port }) => `${address} ${protocol} ${String(port)}`).sort() : []).toEqual(expected.map((one) => `172.16.254.200 ${one}`));
    expect(texts(done.notes, 'not-understood')).toEqual([]);
  });

  it.each([
    ['on an output chain', '-A OUTPUT -d 172.16.254.200/32 -p tcp -m tcp --dport 81 -j MARK --set-xmark 0x7/0xffffffff'],
    ['of some clients', '-A PREROUTING -s 10.0.0.0/8 -d 172.16.254.200/32 -p tcp -m tcp --dport 81 -j MARK --set-xmark 0x7/0xffffffff'],
    ['of a part of the mark', '-A PREROUTING -d 172.16.254.200/32 -p tcp -m tcp --dport 81 -j MARK --set-xmark 0x7/0xff'],
    ['of many ports', '-A PREROUTING -d 172.16.254.200/32 -p tcp -m tcp --dport 1024:65535 -j MARK --set-xmark 0x7/0xffffffff'],
  ])('%s is listed', async (_name, rule) => {
    const done = await importLive(director({ 'iptables-save': save('mangle', rule) }, `${TABLE}${MARKED}`), realServer('192.168.0.8'));
    expect(texts(done.notes, 'not-understood')).toEqual(['FWM 7', rule]);
  });
});

describe("others' rules", () => {
  const rule = (text: string): LiveHost => director({ 'iptables-save': save('filter', text) });
  it.each([
    ['a VIP', '-A INPUT -d 172.16.254.200/32 -p tcp -m tcp --dport 81 -j DROP'],
    ["the real servers' network", '-A FORWARD -s 192.168.0.0/16 -j ACCEPT'],
    ["a service's port", '-A INPUT -p tcp -m multiport --dports 22,80 -j DROP'],
    ['a range with it', '-A INPUT -p tcp -m tcp --dport 1:1024 -j ACCEPT'],
    ['everything', '-A FORWARD -j REJECT --reject-with icmp-port-unreachable'],
    ['no address, and change packets', '-A POSTROUTING -m ipvs --vdir ORIGINAL -j SNAT --to-source 10.8.0.1'],
    ['an address in a target', '-A PREROUTING -p tcp -m tcp --dport 8443 -j DNAT --to-destination 192.168.0.18:443'],
  ])('that name %s are listed', async (_name, text) => {
    expect(texts((await importLive(rule(text), realServer('192.168.0.8'))).notes, 'not-understood')).toEqual([text]);
  });

  it.each([
    ['another address', '-A INPUT -s 10.9.9.0/24 -j DROP'],
    ['another port', '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'],
    ['connections that are there', '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'],
    ['VRRP, without a pair', '-A INPUT -p vrrp -j DROP'],
    ['another network that is masqueraded', '-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'],
    ['another mark', '-A PREROUTING -d 10.9.9.9/32 -p tcp -j MARK --set-xmark 0x63/0xffffffff'],
  ])('that name %s are counted', async (_name, text) => {
    const done = await importLive(rule(text), realServer('192.168.0.8'));
    expect(texts(done.notes, 'not-understood')).toEqual([]);
    expect(texts(done.notes, 'changed')).toContain('1 other firewall rule of lvs1');
  });

  it('chains that drop what no rule took, and sets that hold an address of the cluster', async () => {
    const nft = 'table inet fw {\n\tset ours {\n\t\ttype ipv4_addr\n\t\telements = { 10.9.9.9, 192.168.0.18 }\n\t}\n\tset theirs {\n\t\ttype ipv4_addr\n\t\telements = { 10.9.9.9 }\n\t}\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t\tip saddr @ours accept\n\t\tip saddr @theirs accept\n\t}\n}\n';
    const done = await importLive(director({ 'iptables-save': '*filter\n:INPUT DROP [0:0]\nCOMMIT\n', nft }), realServer('192.168.0.8'));
    expect(texts(done.notes, 'not-understood').sort()).toEqual(['ip saddr @ours accept', 'policy DROP of INPUT in the table filter', 'policy drop of forward in the table inet fw']);
  });

  it('are all listed while the inventory is none that would be taken', async () => {
    const done = await importLive(director({ 'iptables-save': save('filter', '-A INPUT -s 10.9.9.0/24 -j DROP') }, TABLE.replace('-s rr', '-s rr -b sh-port')));
    expect(done.sound).toBe(false);
    expect(texts(done.notes, 'not-understood')).toEqual(['-A INPUT -s 10.9.9.0/24 -j DROP']);
  });
});

it('any text of nft and iptables-save is read to its end', () => {
  const pieces = fc.array(fc.constantFrom('table ', 'ip ', 'x ', 'chain ', 'set ', '{', '}', '\n', ';', '"', '#', '\\\n', 'ip saddr ', '10.0.0.0/8 ', '!= ', 'masquerade ', 'tcp dport ', '80 ', 'mark set ', '7 ', 'counter ', 'jump ', 'define ', '= ', '$x ', '*nat\n', '-A ', '-s ', '-j ', 'MASQUERADE ', '! '), { maxLength: 60 });
  fc.assert(
    fc.property(pieces, (parts) => {
      const text = parts.join('');
      readRuleset(text, { file: 'x', line: 1 }, { skipped: new Set(), live: true });
      parseIptablesSave(text, 4, { file: 'x', line: 1 });
    }),
    { numRuns: 500 },
  );
});

describe('what real tools say', () => {
  const OWN = `virtual_services:
  marks:
    on: lvs3
    fwmark: 7
    endpoints: ['192.168.0.38:81', { address: '192.168.0.38:5060', protocol: udp }]
    interface: eth0
    mode: nat
    scheduler: rr
    real_servers: { rs1: { address: 10.1.0.18 } }
nat_networks: { inside: { on: lvs3, network: 10.1.0.0/24, gateway: 10.1.0.3 }, other: { on: lvs3, network: 10.2.0.0/24, gateway: 10.2.0.3, masquerade: false } }
`;
  it.each([
    ['nft', ''],
    ['iptables', 'mount --bind /dev/null "$(command -v nft)"; '],
  ])("lvs-play's own rules by %s are marks and masquerading again, and none is left over", (_tool, hide) => {
    const { setup } = host('lvs3', '10.1.0.3', `${hide}cat >/run/own <<'END_OF_SCRIPT'\n${renderFirewallScript(modelOf(OWN), 'lvs3') ?? ''}\nEND_OF_SCRIPT\nsh /run/own start`);
    expect(setup.masquerades.map(({ network, ours }) => [network, ours])).toEqual([['10.1.0.0/24', true]]);
    expect(setup.marks.map(({ mark, protocol, address, port, ours }) => [mark, protocol, address, port, ours])).toEqual([[7, 'tcp', '192.168.0.38', 81, true], [7, 'udp', '192.168.0.38', 5060, true]]);
    expect(setup.firewall.rules).toEqual([]);
    expect(setup.notes.every(({ kind }) => kind === 'understood')).toBe(true);
  });

  it('rules of iptables-nft are told once, though nft lists them too', () => {
    const { setup } = host('lvs1', '192.168.0.48', 'iptables -t nat -A POSTROUTING -s 10.1.0.0/24 -o eth1 -j MASQUERADE; iptables -t mangle -A PREROUTING -d 10.0.0.1 -p tcp --dport 80 -j MARK --set-mark 7; ip6tables -A INPUT -s fd00::1 -j DROP; nft add table ip mine; nft "add chain ip mine c { type filter hook input priority 0 ; }"; nft add rule ip mine c ip saddr 10.0.0.2 tcp dport 80 counter drop');
    expect(setup.masquerades).toMatchObject([{ network: '10.1.0.0/24', output: 'eth1', ours: false }]);
    expect(setup.marks).toMatchObject([{ mark: 7, protocol: 'tcp', address: '10.0.0.1', port: 80, ours: false }]);
    expect(setup.firewall.rules.map(({ rule }) => rule.position.file)).toEqual(['lvs1: iptables-save', 'lvs1: iptables-save', 'lvs1: ip6tables-save', 'lvs1: nft list ruleset']);
    expect(setup.firewall.rules.at(-1)?.rule).toMatchObject({ match: { sources: ['10.0.0.2'], protocols: ['tcp'], ports: ['80'], other: [] }, action: { kind: 'drop' } });
  });
});

it('in scripts chains, deletions and conditions of iptables are told apart', async () => {
  const done = await imported({
    'd1@192.168.0.8=d1.sh': `#!/bin/sh
iptables -t nat -N MINE
iptables -t nat -A POSTROUTING -o eth1 -j MINE
iptables -t nat -A MINE -s 192.168.0.0/24 -j MASQUERADE
iptables -A FORWARD -s 192.168.0.0/24 -j ACCEPT
iptables -t mangle -A PREROUTING -p tcp --dport 80 -j MARK --set-mark 7
ipvsadm -A -t 172.16.254.200:80 -s rr
ipvsadm -a -t 172.16.254.200:80 -r 192.168.0.18:8080 -m
`,
  });
  expect(texts(done.notes, 'not-understood')).toEqual(['iptables -A FORWARD -s 192.168.0.0/24 -j ACCEPT', 'iptables -t mangle -A PREROUTING -p tcp --dport 80 -j MARK --set-mark 7']);
  expect((await topologyOf(done.text)).natNetworks.get('inside')).toMatchObject({ network: '192.168.0.0/24', gateway: '192.168.0.8' });
});
