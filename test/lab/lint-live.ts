import { beforeAll, describe, expect, it } from 'vitest';
import { lvsPlay, must, type TestLab } from './support.ts';

const VIP = '192.168.0.38';

interface Found {
  readonly rule: string;
  readonly message: string;
  readonly position: { readonly line: number };
}

/** Adverts of a virtual router 51 that is not ours, of the lowest priority, for two minutes. */
const STRANGER = `use Socket;
socket(my $s, AF_INET, SOCK_RAW, 112) or die;
setsockopt($s, 0, 32, inet_aton('192.168.0.28')) or die;
my $advert = pack('CCCCCCna4NN', 0x21, 51, 1, 1, 0, 1, 0, inet_aton('192.168.0.99'), 0, 0);
my $sum = 0;
$sum += $_ for unpack('n*', $advert);
$sum = ($sum & 0xffff) + ($sum >> 16);
substr($advert, 6, 2) = pack('n', ~$sum & 0xffff);
for (1 .. 240) { send($s, $advert, 0, sockaddr_in(0, inet_aton('224.0.0.18'))); select(undef, undef, undef, 0.5); }
`;

function findings(text: string): string[] {
  const { findings: all } = JSON.parse(text) as { findings: Found[] };
  for (const { rule, position } of all) expect(position.line, rule).toBeGreaterThan(0);
  return all.map(({ rule, message }) => `${rule}: ${message}`).sort();
}

/** @param opened a lab of a deployed pair; it is left with faults */
export function describeLintLive(opened: () => TestLab): void {
  describe('lint --live on real kernels', () => {
    let lab: TestLab;
    /** What is found in the inventory itself. */
    let own: ReadonlySet<string>;
    beforeAll(async () => {
      lab = opened();
      own = new Set(findings((await must(lvsPlay(['lint', '-i', lab.overlay, '--json']))).stdout));
    });

    const live = async (): Promise<{ code: number | null; found: string[] }> => {
      const { code, stdout, stderr } = await lvsPlay(['lint', '--live', '-i', lab.overlay, '--json']);
      expect(stdout, stderr).not.toBe('');
      return { code, found: findings(stdout).filter((one) => !own.has(one)) };
    };

    it('has nothing to say after a deploy, and asks all hosts or fails', async () => {
      expect(await live()).toEqual({ code: 0, found: [] });
      const unreachable = await lvsPlay(['lint', '--live', '-i', lab.overlay, '-e', 'ansible_port=1']);
      expect(unreachable.code, unreachable.stderr).toBe(4);
    });

    it('names a real server that answers ARP, a smaller MTU, and a firewall that makes two directors MASTER', async () => {
      await Promise.all([
        lab.sh('rs1', 'sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.eth0.arp_ignore=0'),
        lab.sh('rs2', 'ip link set eth0 mtu 1400'),
        lab.sh('lvs2', 'iptables -A INPUT -p vrrp -j DROP'),
      ]);
      await lab.held('lvs2', VIP);
      expect(await live()).toEqual({
        code: 1,
        found: [
          'firewall-drops-vrrp: the firewall of lvs2 drops VRRP from lvs1: -A INPUT -p vrrp -j DROP',
          'mtu-differs: rs2 has MTU 1400 on eth0, lvs1 has MTU 1500 on eth0, lvs2 has MTU 1500 on eth0',
          'vip-answered-by-server: rs1 answers ARP for its VIPs on eth0: arp_ignore is 0',
          `vip-held-twice: lvs1 and lvs2 both hold ${VIP}`,
        ],
      });
      await Promise.all([
        lab.sh('rs1', 'sysctl -qw net.ipv4.conf.all.arp_ignore=1'),
        lab.sh('rs2', 'ip link set eth0 mtu 1500'),
        // An accept before it lets them pass again.
        lab.sh('lvs2', 'iptables -I INPUT -p 112 -s 192.168.0.48 -j ACCEPT; while ip -o addr show | grep -q 192.168.0.38/; do sleep 0.2; done'),
      ]);
    });

    it('names adverts of a stranger on the wire, the VIP on a network card, and a kernel parameter that somebody took back', async () => {
      const quoted = `'${STRANGER.replaceAll("'", `'\\''`)}'`;
      await Promise.all([lab.sh('rs2', `perl -e ${quoted} >/dev/null 2>&1 </dev/null &`), lab.sh('rs1', `ip address add ${VIP}/32 dev eth0`), lab.sh('lvs1', 'sysctl -qw net.ipv4.vs.conn_reuse_mode=1')]);
      expect(await live()).toEqual({
        code: 1,
        found: [
          'drain-loses-requests: lvs1 has conn_reuse_mode 1 and expire_nodest_conn 0: what is drained of web still gets connections',
          'foreign-vrrp: lvs1 hears 192.168.0.28 advertise with virtual_router_id 51 of edge, priority 1',
          'foreign-vrrp: lvs2 hears 192.168.0.28 advertise with virtual_router_id 51 of edge, priority 1',
          `vip-on-network-card: rs1 has ${VIP} on eth0, where it answers for it`,
        ],
      });
    });
  });
}
