import { describe, expect, it } from 'vitest';
import { bugs, imported, texts, topologyOf } from './support.ts';

describe('what scripts mean', () => {
  it('long options, thresholds, persistence, tunnels and marks', async () => {
    const done = await imported({
      'd1@10.0.0.1=d1.sh': `#!/bin/sh
modprobe ip_vs
ipvsadm --add-service --udp-service 10.0.0.50:53 --scheduler sh --sched-flags sh-port,sh-fallback --ops
ipvsadm --add-server --udp-service 10.0.0.50:53 --real-server 10.0.0.11 --ipip --weight=3 --u-threshold 100 --l-threshold 50 --tun-type gue --tun-port 6080
ipvsadm -A -f 7 -s wlc -p 600 -M 255.255.255.0
ipvsadm -a -f 7 -r 10.0.0.11 -g
iptables -t mangle -A PREROUTING -d 10.0.0.51/32 -p tcp -m multiport --dports 80,443 -j MARK --set-mark 7
ipvsadm --set 900 120 300
sysctl -w net.ipv4.vs.expire_nodest_conn=1
ip addr add 10.0.0.50/32 dev eth0
`,
    });
    expect(texts(done.notes, 'not-understood')).toEqual([]);
    const topology = await topologyOf(done.text);
    expect(topology.services.get('dns')).toMatchObject({ protocol: 'udp', mode: 'tun', tunnel: { type: 'gue', port: 6080 }, scheduler: 'sh', schedulerFlags: ['sh-fallback', 'sh-port'], onePacket: true, vipInterface: 'eth0' });
    expect(topology.services.get('dns')?.realServers).toMatchObject([{ address: '10.0.0.11', weight: 3, upperThreshold: 100, lowerThreshold: 50 }]);
    expect(topology.services.get('mark-7')).toMatchObject({ match: { kind: 'fwmark', mark: 7, endpoints: [{ address: '10.0.0.51', port: 80 }, { address: '10.0.0.51', port: 443 }] }, persistence: { timeout: 600, prefix: 24 } });
    expect(topology.ipvs).toEqual({ timeouts: { tcp: 900, tcpFin: 120, udp: 300 }, sysctls: { expire_nodest_conn: '1' } });
  });

  it('edits and deletions count', async () => {
    const done = await imported({ 'd1@10.0.0.1=d1.sh': '#!/bin/sh\nipvsadm -A -t 10.0.0.1:80 -s rr\nipvsadm -a -t 10.0.0.1:80 -r 10.0.0.11:8080 -m\nipvsadm -a -t 10.0.0.1:80 -r 10.0.0.12:8080 -m\nipvsadm -e -t 10.0.0.1:80 -r 10.0.0.11:8080 -m -w 5\nipvsadm -d -t 10.0.0.1:80 -r 10.0.0.12:8080\nipvsadm -E -t 10.0.0.1:80 -s wrr\n' });
    const web = (await topologyOf(done.text)).services.get('web');
    expect(web).toMatchObject({ scheduler: 'wrr', mode: 'nat' });
    expect(web?.realServers).toMatchObject([{ address: '10.0.0.11', port: 8080, weight: 5 }]);
  });

  it.each([
    ['an unknown command', 'ebtables -A INPUT -p ARP -j DROP', 'ebtables -A INPUT -p ARP -j DROP'],
    ['a service of its own', 'systemctl restart nginx', 'systemctl restart nginx'],
    ['a name instead of an address', 'ipvsadm -A -t www.example.org:80 -s rr', 'ipvsadm -A -t www.example.org:80 -s rr'],
    ['a table from elsewhere', 'ipvsadm -R', 'ipvsadm -R'],
    ['a mark without its rule', 'ipvsadm -A -f 9 -s rr\nipvsadm -a -f 9 -r 10.0.0.11 -g', 'FWM 9'],
    ['another kernel parameter', 'sysctl -w net.core.somaxconn=1024', 'sysctl -w net.core.somaxconn=1024'],
    ['a network route', 'ip route add 10.9.0.0/16 via 10.0.0.254', 'ip route add 10.9.0.0/16 via 10.0.0.254'],
    ['an unknown option', 'ipvsadm -A -t 10.0.0.1:81 --bogus', 'ipvsadm -A -t 10.0.0.1:81 --bogus'],
    ['another file', '. /etc/lvs.conf', '. /etc/lvs.conf'],
    ['a filter rule', 'iptables -A INPUT -p vrrp -j ACCEPT', 'iptables -A INPUT -p vrrp -j ACCEPT'],
  ])('%s is listed', async (_name, line, expected) => {
    const done = await imported({ 'd1@10.0.0.1=d1.sh': `#!/bin/sh\n${line}\nipvsadm -A -t 10.0.0.1:80 -s rr\nipvsadm -a -t 10.0.0.1:80 -r 10.0.0.11 -m\n` });
    expect(texts(done.notes, 'not-understood')).toContain(expected);
    expect(done.notes.find(({ text }) => text === expected)?.position?.line).toBe(2);
  });
});

it('a password in a command that is listed is not shown', async () => {
  const done = await imported({ 'd1@10.0.0.1=d1.sh': '#!/bin/sh\nnotify-admin --password=s3cret --token abc123\n' });
  expect(texts(done.notes, 'not-understood')).toEqual(['notify-admin --password=... --token ...']);
});

describe("a real server's mistakes", () => {
  const director = '#!/bin/sh\nipvsadm -A -t 10.0.0.50:80 -s rr\nipvsadm -a -t 10.0.0.50:80 -r 10.0.0.11 -g\nip addr add 10.0.0.50/32 dev eth0\n';
  it.each<[string, string, string[]]>([
    ['right', 'sysctl -w net.ipv4.conf.all.arp_ignore=1\nsysctl -w net.ipv4.conf.all.arp_announce=2\nip addr add 10.0.0.50/32 dev lo', []],
    ['right, on the network interface', 'echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_ignore\necho 2 > /proc/sys/net/ipv4/conf/eth0/arp_announce\nifconfig lo:0 10.0.0.50 netmask 255.255.255.255', []],
    ['nothing against ARP', 'ip addr add 10.0.0.50/32 dev lo', ['arp-missing rs1.sh:2']],
    ['lo alone', 'echo 1 > /proc/sys/net/ipv4/conf/lo/arp_ignore\necho 2 > /proc/sys/net/ipv4/conf/lo/arp_announce\nip addr add 10.0.0.50/32 dev lo', ['arp-only-lo rs1.sh:2']],
    ['too late', 'ip addr add 10.0.0.50/32 dev lo\nsysctl -w net.ipv4.conf.all.arp_ignore=1\nsysctl -w net.ipv4.conf.all.arp_announce=2', ['vip-before-arp rs1.sh:2']],
    ['a whole network on lo', 'sysctl -w net.ipv4.conf.all.arp_ignore=1\nsysctl -w net.ipv4.conf.all.arp_announce=2\nip addr add 10.0.0.50/24 dev lo', ['vip-prefix rs1.sh:4']],
    ['on a tunnel of lvs-play', 'sysctl -w net.ipv4.conf.all.arp_ignore=1\nsysctl -w net.ipv4.conf.all.arp_announce=2\nip addr add 10.0.0.50/32 dev lvs_gre', []],
    ['on the network interface', 'sysctl -w net.ipv4.conf.all.arp_ignore=1\nsysctl -w net.ipv4.conf.all.arp_announce=2\nip addr add 10.0.0.50/32 dev eth0', ['vip-on-network-interface rs1.sh:4']],
  ])('%s', async (_name, lines, expected) => {
    expect(bugs((await imported({ 'd1@10.0.0.1=d1.sh': director, 'rs1@10.0.0.11=rs1.sh': `#!/bin/sh\n${lines}\n` })).notes)).toEqual(expected);
  });
});

describe('hosts', () => {
  it('an address that nobody tells is a placeholder, and said to be one', async () => {
    const done = await imported({ 'd.sh': '#!/bin/sh\nipvsadm -A -t 10.0.0.50:80 -s rr\nipvsadm -a -t 10.0.0.50:80 -r 10.0.0.11 -g\n' });
    expect(done.text).toContain('lvs1: { ansible_host: 192.0.2.1 }');
    expect(texts(done.notes, 'missing')).toEqual(['the own address of lvs1']);
  });

  it('DR with another port is a mistake, and keeps the port of the service', async () => {
    const done = await imported({ 'd1@10.0.0.1=d.sh': '#!/bin/sh\nipvsadm -A -t 10.0.0.50:80 -s rr\nipvsadm -a -t 10.0.0.50:80 -r 10.0.0.11:8080 -g\n' });
    expect(bugs(done.notes)).toEqual(['port-not-rewritten d.sh:3']);
    expect((await topologyOf(done.text)).services.get('web')?.realServers).toMatchObject([{ port: 80 }]);
  });

  it('what our own loader refuses is said, and the import does not pass for sound', async () => {
    const done = await imported({ 'd1@10.0.0.1=d.sh': '#!/bin/sh\nipvsadm -A -t 10.0.0.1:80 -s rr -b sh-port\nipvsadm -a -t 10.0.0.1:80 -r 10.0.0.11 -m\n' });
    expect(done.sound).toBe(false);
    expect(bugs(done.notes)).toEqual(['flag-scheduler']);
  });
});
