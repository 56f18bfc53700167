import { describe, expect, it } from 'vitest';
import type { Note } from '../../../src/import/types.ts';
import { bugs, imported, texts, topologyOf } from './support.ts';

/** The services of a text, as `PROTOCOL VIP:PORT MODE SERVER:PORT...`. */
async function services(text: string): Promise<string[]> {
  const { services: found } = await topologyOf(text);
  return [...found.values()].map(({ protocol, vip, port, mode, realServers }) => `${protocol} ${vip}:${String(port)} ${mode} ${realServers.map((one) => `${one.address}:${String(one.port)}`).join(' ')}`);
}

/** `line: text` of what was not understood. */
function unread(notes: readonly Note[]): string[] {
  return notes.filter(({ kind }) => kind === 'not-understood').map(({ position, text }) => `${String(position?.line)}: ${text}`);
}

const ADD = 'ipvsadm -A -t 10.0.0.50:80 -s rr\nipvsadm -a -t 10.0.0.50:80 -r 10.0.0.11 -g\n';

describe('tables in files', () => {
  it.each([
    ['/etc/sysconfig/ipvsadm', '-A -t 10.0.0.50:http -s wlc -p 300\n-a -t 10.0.0.50:http -r 10.0.0.11:http -g -w 1\n'],
    ['/etc/ipvsadm.rules', '# ipvsadm.rules\n\n-A -t 10.0.0.50:80 -s wlc\n-a -t 10.0.0.50:80 -r 10.0.0.11:80 -g -w 1\n'],
    ['long options', '--add-service --tcp-service 10.0.0.50:80 --scheduler wlc\n--add-server --tcp-service 10.0.0.50:80 --real-server 10.0.0.11 --gatewaying\n'],
    ['what ipvsadm-restore is given', '#!/bin/sh\nipvsadm-restore <<EOF\n-A -t 10.0.0.50:80 -s rr\n-a -t 10.0.0.50:80 -r 10.0.0.11:80 -g -w 1\nEOF\n'],
    ['what ipvsadm -R is given, with variables and tabs', '#!/bin/sh\nVIP=10.0.0.50\n\tipvsadm -R <<-EOF\n\t-A -t $VIP:80 -s rr\n\t-a -t $VIP:80 -r 10.0.0.11:80 -g -w 1\n\tEOF\n'],
    ['what is piped', '#!/bin/sh\necho "-A -t 10.0.0.50:80 -s rr\n-a -t 10.0.0.50:80 -r 10.0.0.11:80 -g" | sudo ipvsadm -R\n'],
    ['what cat pipes', '#!/bin/sh\ncat <<EOF | ipvsadm --restore\n-A -t 10.0.0.50:80 -s rr\n-a -t 10.0.0.50:80 -r 10.0.0.11:80 -g\nEOF\n'],
  ])('%s', async (_name, text) => {
    const done = await imported({ 'd1@10.0.0.1=d1': text });
    expect(await services(done.text)).toEqual(['tcp 10.0.0.50:80 dr 10.0.0.11:80']);
    expect(unread(done.notes)).toEqual([]);
  });

  it('a line of a here-document has its own place', async () => {
    const done = await imported({ 'd1@10.0.0.1=d1': `#!/bin/sh\n${ADD}ipvsadm-restore <<EOF\n-A -t 10.0.0.50:81 -s rr\n-a -t 10.0.0.50:82 -r 10.0.0.11:80 -g\nEOF\nipvsadm-restore </etc/ipvsadm.rules\n` });
    expect(unread(done.notes)).toEqual(['6: -a -t 10.0.0.50:82 -r 10.0.0.11:80 -g', '8: ipvsadm-restore </etc/ipvsadm.rules', '5: TCP 10.0.0.50:81']);
  });
});

describe('loops, arrays, functions and conditions around ipvsadm', () => {
  it.each([
    ['arrays of bash', 'RIPS=(10.0.0.11\n  10.0.0.12)\nipvsadm -A -t 10.0.0.50:80 -s rr\nfor r in "${RIPS[@]}"; do ipvsadm -a -t 10.0.0.50:80 -r $r -g; done'],
    ['one element', 'RIPS=(10.0.0.11 10.0.0.12)\nipvsadm -A -t 10.0.0.50:80 -s rr\nipvsadm -a -t 10.0.0.50:80 -r ${RIPS[0]} -g; ipvsadm -a -t 10.0.0.50:80 -r ${RIPS[1]} -g'],
    ['the arguments of a function', 'add() {\n  local vip=$1 port=$2; shift 2\n  ipvsadm -A -t $vip:$port -s rr\n  for r in "$@"; do ipvsadm -a -t $vip:$port -r $r -g; done\n}\nadd 10.0.0.50 80 10.0.0.11 10.0.0.12'],
    ['a loop without words', 'add() { for r; do ipvsadm -a -t 10.0.0.50:80 -r $r -g; done; }\nipvsadm -A -t 10.0.0.50:80 -s rr\nadd 10.0.0.11 10.0.0.12'],
    ['lines of a here-document', 'ipvsadm -A -t 10.0.0.50:80 -s rr\nwhile read ip w; do\n  ipvsadm -a -t 10.0.0.50:80 -r $ip -w $w -g\ndone <<EOF\n10.0.0.11 1\n10.0.0.12 1\nEOF'],
    ['sums', 'n=10; ipvsadm -A -t 10.0.0.50:80 -s rr\nfor i in 1 2; do n=$((n + 1)); ipvsadm -a -t 10.0.0.50:80 -r 10.0.0.$n -g; done'],
    ['expr', 'n=10; ipvsadm -A -t 10.0.0.50:80 -s rr\nfor i in 1 2; do n=`expr $n + 1`; ipvsadm -a -t 10.0.0.50:80 -r 10.0.0.$n -g; done'],
    ['if start', 'if [ "$1" = "start" ]; then\n  ipvsadm -A -t 10.0.0.50:80 -s rr\n  for r in 11 12; do ipvsadm -a -t 10.0.0.50:80 -r 10.0.0.$r -g; done\nelif [ "$1" = stop ]; then\n  ipvsadm -D -t 10.0.0.50:80\nfi'],
    ['not stop', '[[ $1 != st?p ]] && ipvsadm -A -t 10.0.0.50:80 -s rr\ntest $# -lt 1 || { ipvsadm -a -t 10.0.0.50:80 -r 10.0.0.11 -g; ipvsadm -a -t 10.0.0.50:80 -r 10.0.0.12 -g; }'],
    ['return', 'start() {\n  ipvsadm -A -t 10.0.0.50:80 -s rr\n  for r in 11 12; do ipvsadm -a -t 10.0.0.50:80 -r 10.0.0.$r -g; done\n  return 0\n  ipvsadm -C\n}\ncase "$1" in start|restart) start ;; stop) ipvsadm -C ;; esac'],
    ['messages of Red Hat', '. /etc/rc.d/init.d/functions\naction "Adding:" ipvsadm -A -t 10.0.0.50:80 -s rr\naction "Adding:" ipvsadm -a -t 10.0.0.50:80 -r 10.0.0.11 -g\nipvsadm -a -t 10.0.0.50:80 -r 10.0.0.12 -g && touch /var/lock/subsys/lvs'],
  ])('%s', async (_name, lines) => {
    const done = await imported({ 'd1@10.0.0.1=d1': `#!/bin/bash\n${lines}\n` });
    expect(await services(done.text)).toEqual(['tcp 10.0.0.50:80 dr 10.0.0.11:80 10.0.0.12:80']);
    expect(unread(done.notes)).toEqual([]);
    expect(bugs(done.notes)).toEqual([]);
  });

  it.each([
    ['a file that may be there', 'if [ -f /etc/x ]; then ipvsadm -C; else ipvsadm -Z; fi', ['2: ipvsadm -C: runs only under a condition (if [ -f /etc/x ])', '2: ipvsadm -Z: runs only under a condition (if [ -f /etc/x ])']],
    ['a variable that a condition sets', '[ -f /etc/x ] && N=11\nipvsadm -a -t 10.0.0.50:80 -r 10.0.0.$N -g', ['3: ipvsadm -a -t 10.0.0.50:80 -r 10.0.0.$N -g: 10.0.0.$N is not known without running the script']],
    ['a function with what is not known', 'f() { ipvsadm -a -t 10.0.0.50:80 -r $1 -g; }\nf $(cat ip)', ['2: ipvsadm -a -t 10.0.0.50:80 -r $1 -g: runs only under a condition (f $(cat ip))']],
    ['a case of what is not known', 'case $(hostname) in a) ipvsadm -C ;; esac', ['2: case $(hostname) in: which branch is taken is not known', '2: ipvsadm -C: runs only under a condition (case $(hostname) in)']],
    ['a loop over a file', 'while read ip; do ipvsadm -a -t 10.0.0.50:80 -r $ip -g; done </etc/ips', ['2: ipvsadm -a -t 10.0.0.50:80 -r $ip -g: runs only under a condition (while read ip)']],
    ['a here-document with what is not known', 'ipvsadm -R <<EOF\n-a -t 10.0.0.50:80 -r $(cat ip) -g\nEOF', ['2: ipvsadm -R <<EOF']],
  ])('%s is told, not followed', async (_name, lines, expected) => {
    const done = await imported({ 'd1@10.0.0.1=d1': `#!/bin/sh\n${lines}\n${ADD}` });
    expect(unread(done.notes)).toEqual(expected);
  });
});

describe('addresses', () => {
  it.each([
    ['ifconfig lo:0', 'ifconfig lo:0 10.0.0.50 netmask 255.255.255.255 broadcast 10.0.0.50 up', 'lo'],
    ['ifconfig eth0:1', '/sbin/ifconfig eth0:1 10.0.0.50 broadcast 10.0.0.50 netmask 255.255.255.255 up', 'eth0'],
    ['a label', 'ip addr add 10.0.0.50/32 brd 10.0.0.50 dev lo label lo:0', 'lo'],
    ['short words', 'ip a a 10.0.0.50/32 dev eth1', 'eth1'],
    ['there or add it', 'ip addr show dev lo | grep -q 10.0.0.50 || ip addr add 10.0.0.50/32 dev lo', 'lo'],
    ['or true', 'ip -4 address add 10.0.0.50/32 dev lo 2>/dev/null || true', 'lo'],
  ])('%s', async (_name, line, name) => {
    const done = await imported({ 'd1@10.0.0.1=d1': `#!/bin/sh\n${ADD}`, 'rs1@10.0.0.11=rs1': `#!/bin/sh\nsysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2\n${line}\nroute add -host 10.0.0.50 dev ${name}:0\n` });
    expect(unread(done.notes)).toEqual([]);
    expect(bugs(done.notes)).toEqual(name === 'lo' ? [] : ['vip-on-network-interface rs1:3']);
    expect(done.notes.some(({ text, kind }) => kind === 'understood' && text === line.replace(/^.* \|\| ip/, 'ip').replace(/ 2>.*$/, ' 2>/dev/null'))).toBe(true);
  });
});

describe('what silences a real server', () => {
  const silent = async (lines: string): Promise<Note[]> => [...(await imported({ 'd1@10.0.0.1=d1': `#!/bin/sh\n${ADD}`, 'rs1@10.0.0.11=rs1': `#!/bin/sh\n${lines}\nip addr add 10.0.0.50/32 dev lo\n` })).notes];
  it.each([
    ['echo', 'echo "1" >/proc/sys/net/ipv4/conf/all/arp_ignore\necho 2 > /proc/sys/net/ipv4/conf/all/arp_announce'],
    ['printf', 'printf 1 >/proc/sys/net/ipv4/conf/all/arp_ignore\nprintf "2\\n" >/proc/sys/net/ipv4/conf/all/arp_announce'],
    ['tee', 'echo 1 | sudo tee /proc/sys/net/ipv4/conf/all/arp_ignore >/dev/null\necho 2 | tee /proc/sys/net/ipv4/conf/all/arp_announce'],
    ['sysctl -w', 'sysctl -qw net.ipv4.conf.all.arp_ignore=1\nsysctl -w net.ipv4.conf.all.arp_announce=2'],
    ['a file of sysctl', 'cat >/etc/sysctl.d/lvs.conf <<EOF\n# LVS\nnet.ipv4.conf.all.arp_ignore = 1\nnet.ipv4.conf.all.arp_announce = 2\nEOF\nsysctl -p /etc/sysctl.d/lvs.conf'],
    ['lines added to it', 'echo "net.ipv4.conf.all.arp_ignore = 1" >> /etc/sysctl.conf\necho "net.ipv4.conf.all.arp_announce = 2" >> /etc/sysctl.conf\nsysctl -p'],
    ['standard input of sysctl', 'sysctl -p - <<EOF\nnet.ipv4.conf.all.arp_ignore=1\nnet.ipv4.conf.all.arp_announce=2\nEOF'],
    ['arptables', 'arptables -A IN -d 10.0.0.50 -j DROP\narptables -A OUT -s 10.0.0.50 -j mangle --mangle-ip-s 10.0.0.11\narptables-save > /etc/sysconfig/arptables'],
    ['arptables of nftables', 'arptables -A INPUT -d 10.0.0.50/32 -j DROP\narptables -A OUTPUT -s 10.0.0.50/32 -j DROP'],
  ])('%s', async (_name, lines) => {
    const notes = await silent(lines);
    expect(bugs(notes)).toEqual([]);
    expect(unread(notes)).toEqual([]);
  });

  it('arptables for another address, and its flush', async () => {
    expect(bugs(await silent('arptables -F\narptables -A IN -d 10.0.0.51 -j DROP'))).toEqual(['arp-missing rs1:4', 'arptables-flush rs1:2']);
    expect(unread(await silent('sysctl -w net.ipv4.conf.all.arp_ignore=1\narptables -A FORWARD -d 10.0.0.50 -j DROP'))).toEqual(['3: arptables -A FORWARD -d 10.0.0.50 -j DROP']);
  });
});

describe('firewalls in scripts and files', () => {
  const NAT = 'ipvsadm -A -t 172.16.0.50:80 -s rr\nipvsadm -a -t 172.16.0.50:80 -r 10.0.0.11:8080 -m\nipvsadm -A -f 7 -s rr\nipvsadm -a -f 7 -r 10.0.0.11 -m\necho 1 >/proc/sys/net/ipv4/ip_forward\n';
  const SAVED = '*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.0.0.0/24 -o eth1 -j MASQUERADE\nCOMMIT\n*mangle\n:PREROUTING ACCEPT [0:0]\n[3:180] -A PREROUTING -d 172.16.0.50/32 -p tcp -m tcp --dport 443 -j MARK --set-xmark 0x7/0xffffffff\nCOMMIT\n';
  const NFT = 'table ip lvs {\n  chain post { type nat hook postrouting priority 100; policy accept; ip saddr $inside oifname "eth1" masquerade; }\n  chain pre {\n    type filter hook prerouting priority -150;\n    ip daddr 172.16.0.50 tcp dport https_ meta mark set 7 # marked\n  }\n}\n'.replace('https_', '443');
  it.each([
    ['iptables', { 'd1@10.0.0.1=d1.sh': `#!/bin/sh\n${NAT}iptables -t nat -C POSTROUTING -s 10.0.0.0/24 -o eth1 -j MASQUERADE 2>/dev/null || iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -o eth1 -j MASQUERADE\niptables -t mangle -I PREROUTING 1 -s 0.0.0.0/0 -d 172.16.0.50 -p tcp --dport 443 -j MARK --set-mark 7\niptables-save >/etc/iptables/rules.v4\n` }],
    ['iptables-restore', { 'd1@10.0.0.1=d1.sh': `#!/bin/sh\n${NAT}iptables-restore <<EOF\n${SAVED}EOF\n` }],
    ['nft -f', { 'd1@10.0.0.1=d1.sh': `#!/bin/sh\n${NAT}nft -f - <<'EOF'\ndefine inside = 10.0.0.0/24\n${NFT}EOF\n` }],
    ['nft add rule', { 'd1@10.0.0.1=d1.sh': `#!/bin/sh\n${NAT}nft add table ip lvs\nnft add chain ip lvs post '{ type nat hook postrouting priority 100; }'\nnft add rule ip lvs post ip saddr 10.0.0.0/24 oifname eth1 masquerade\nnft 'add rule ip lvs pre ip daddr 172.16.0.50 tcp dport { 443 } counter mark set 0x7'\n` }],
    ['a file of iptables-save', { 'd1@10.0.0.1=d1.sh': `#!/bin/sh\n${NAT}`, 'd1=rules.v4': `# Generated\n${SAVED}` }],
    ['nftables.conf', { 'd1@10.0.0.1=d1.sh': `#!/bin/sh\n${NAT}`, 'd1=nftables.conf': `#!/usr/sbin/nft -f\n\nflush ruleset\ndefine inside = 10.0.0.0/24\n\n${NFT}` }],
  ] as [string, Record<string, string>][])('%s', async (_name, files) => {
    const done = await imported(files);
    const { natNetworks, services: found } = await topologyOf(done.text);
    expect(natNetworks.get('inside')).toMatchObject({ network: '10.0.0.0/24', gateway: '10.0.0.1', masquerade: true });
    expect(found.get('mark-7')?.match).toMatchObject({ mark: 7, endpoints: [{ address: '172.16.0.50', protocol: 'tcp', port: 443 }] });
    expect(unread(done.notes)).toEqual([]);
    expect(bugs(done.notes)).toEqual([]);
  });

  it('a mark that no service has is listed', async () => {
    const done = await imported({ 'd1@10.0.0.1=d1.sh': `#!/bin/sh\niptables -t mangle -A PREROUTING -d 10.0.0.50 -p tcp --dport 443 -j MARK --set-mark 9\n${ADD}` });
    expect(unread(done.notes)).toEqual(['2: mark 9']);
  });

  it('others\' rules of a file are listed when they meet the cluster', async () => {
    const done = await imported({ 'd1@10.0.0.1=d1.sh': `#!/bin/sh\n${NAT.replace(/ipvsadm -[Aa] -f.*\n/g, '')}`, 'd1=rules.v4': '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -d 172.16.0.50/32 -p tcp -m tcp --dport 80 -j ACCEPT\n-A INPUT -s 203.0.113.0/24 -j DROP\nCOMMIT\n' });
    expect(unread(done.notes)).toEqual(['3: -A INPUT -d 172.16.0.50/32 -p tcp -m tcp --dport 80 -j ACCEPT']);
    expect(texts(done.notes, 'changed')).toContain('1 other firewall rule of d1');
  });
});
