import type { HaPair, PairMember, Tunnel } from '../../../lvs/model/topology.ts';
import type { Hit } from '../../types.ts';
import { fateOf, type FilteredPacket } from '../packet-filter.ts';
import { allAnswered, atMember, atServer, deviceOf, members, realServers, stateOf } from '../places.ts';
import { defineLiveRules } from '../rule.ts';
import type { LiveContext, LiveState } from '../state.ts';

const OWN = 'lvs2 adverts: on eth0\nlvs2 adverts: listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes\nlvs2 adverts: IP 192.168.0.48 > 224.0.0.18: VRRPv2, Advertisement, vrid 77, prio 100, authtype none, intvl 1s, length 20';
const FILTER = (rule: string): string => ['*filter', ':INPUT DROP [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', '-A INPUT -i lo -j ACCEPT', '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', ...(rule === '' ? [] : [rule]), 'COMMIT'].join('\n');
const told = (host: string, section: string, text: string): string => text.split('\n').map((line) => `${host} ${section}: ${line}`).join('\n');
const VRRP = ['112', 'vrrp', 'carp'];

/** Rules about what passes between directors, and from them to TUN real servers. */
export const wireRules = defineLiveRules([
  {
    id: 'foreign-vrrp',
    severity: 'error',
    summary: 'somebody else advertises with the virtual_router_id of a pair',
    why: 'Its adverts are taken for the other director\'s: with a higher priority it keeps both from taking the VIPs, with a lower one both sides fill their logs and answer each other.',
    source: 'RFC 3768, 5.2.4 and 6.4; seen on the wire',
    cluster: 'dr',
    bad: `${OWN}\nlvs2 adverts: IP 192.168.0.99 > 224.0.0.18: VRRPv2, Advertisement, (ttl 1), vrid 77, prio 200, authtype none, intvl 1s, length 20`,
    good: `${OWN}\nlvs2 adverts: IP 192.168.0.99 > 224.0.0.18: VRRPv2, Advertisement, (ttl 1), vrid 78, prio 200, authtype none, intvl 1s, length 20`,
    check: (context) => members(context).flatMap(({ pair, member, state }) => strangersOf(context, pair, member, state)),
  },
  {
    id: 'firewall-drops-vrrp',
    severity: 'error',
    summary: 'a firewall drops VRRP (protocol 112) between directors',
    why: 'The BACKUP hears nothing, takes the MASTER for dead and takes the VIPs too: two directors hold them. Opening ports does not help, as VRRP is a protocol of its own.',
    source: 'RFC 3768, 5.2; iptables-extensions(8), nft(8)',
    cluster: 'dr',
    bad: told('lvs2', 'iptables-save', FILTER('')),
    good: told('lvs2', 'iptables-save', FILTER('-A INPUT -p vrrp -j ACCEPT')),
    check: (context) =>
      members(context).flatMap(({ pair, member, state }) =>
        between(pair, member, VRRP, undefined, (six) => (six ? 'ff02::12' : '224.0.0.18')).flatMap(({ packet, peer }) =>
          filtered(state, packet, { ...atMember(pair, member.host), what: packet.direction === 'in' ? `VRRP from ${peer}` : `VRRP to ${peer}`, hint: 'accept protocol 112 between the directors: iptables -A INPUT -p vrrp -s PEER -j ACCEPT, nft add rule inet filter input ip protocol vrrp accept, firewall-cmd --add-rich-rule=\'rule protocol value="vrrp" accept\'' }),
        ),
      ),
  },
  {
    id: 'firewall-drops-sync',
    severity: 'warning',
    summary: 'a firewall drops connection synchronisation',
    why: 'The other director knows no connections, and a failover cuts them all. Nothing else shows it.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_sync.c (UDP 8848, group 224.0.0.81); ipvsadm(8)',
    cluster: 'dr',
    bad: told('lvs2', 'iptables-save', FILTER('-A INPUT -p vrrp -j ACCEPT')),
    good: told('lvs2', 'iptables-save', FILTER('-A INPUT -p udp -m udp --dport 8848 -j ACCEPT')),
    check: (context) =>
      members(context).flatMap(({ pair, member, state }) => {
        const { connectionSync: sync } = pair;
        if (sync === undefined) return [];
        return between({ ...pair, unicast: false }, { ...member, interface: sync.interface }, ['17', 'udp'], sync.port ?? 8848, () => sync.group ?? '224.0.0.81').flatMap(({ packet, peer }) =>
          // Of which address the kernel sends is a matter of that interface.
          filtered(state, packet, { ...atMember(pair, member.host), what: `connection synchronisation ${packet.direction === 'in' ? `from ${peer}` : `to ${peer}`}`, hint: `accept UDP ${String(sync.port ?? 8848)} to ${sync.group ?? '224.0.0.81'} on ${sync.interface}` }),
        );
      }),
  },
  {
    id: 'firewall-drops-tunnel',
    severity: 'error',
    summary: 'a firewall of a TUN real server drops the tunnel\'s packets',
    why: 'What it sees is IP in IP (protocol 4), GRE (47) or UDP from the director, not the service\'s port. Health checks come without a tunnel and stay green.',
    source: 'RFC 2003, RFC 2784; LVS-HOWTO, LVS-Tun',
    cluster: 'tun',
    bad: told('rs1', 'iptables-save', FILTER('-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT')),
    good: told('rs1', 'iptables-save', FILTER('-A INPUT -p ipencap -j ACCEPT')),
    check: (context) => tunnelled(context),
  },
]);

function strangersOf({ hosts }: LiveContext, pair: HaPair, member: PairMember, state: LiveState): readonly Hit[] {
  const heard = state.adverts.get(member.interface);
  const place = atMember(pair, member.host);
  if (heard === undefined) return [];
  if ('untold' in heard) return [{ ...place, unjudged: true, message: `${member.host} could not listen for strange adverts on ${member.interface}: ${heard.untold}`, hint: 'install tcpdump there, or look from another host of that network' }];
  // Whatever source keepalived chose, it is an address of that director.
  const own = new Set(pair.members.flatMap(({ host, address }) => [address, ...stateOf(hosts, host).flatMap(({ addresses }) => addresses.map((one) => one.address))]));
  // It may be another address of a member that gave no answer.
  if (!allAnswered(hosts, pair.members.map(({ host }) => host))) return [];
  const strange = heard.value.filter((advert) => advert.virtualRouterId === pair.virtualRouterId && !own.has(advert.source) && advert.source.includes(':') === isSix(pair));
  return [...new Map(strange.map((advert) => [advert.source, advert])).values()].map(({ source, priority }) => ({
    ...place,
    message: `${member.host} hears ${source} advertise with virtual_router_id ${String(pair.virtualRouterId)} of ${pair.name}, priority ${String(priority)}`,
    hint: 'choose another virtual_router_id for one of the two, on all its routers at once',
  }));
}

/** Packets of one member to and from each other member. @param group where multicast goes */
function between(pair: HaPair, member: PairMember, protocol: readonly string[], port: number | undefined, group: (six: boolean) => string): readonly { packet: FilteredPacket; peer: string }[] {
  return pair.members
    .filter(({ host }) => host !== member.host)
    .flatMap((peer) => {
      const six = isSix(pair);
      const at = { family: six ? 6 : 4, protocol, answered: pair.unicast, port, interface: pair.vmac === undefined ? member.interface : undefined } as const;
      return [
        { peer: peer.host, packet: { ...at, direction: 'in', source: peer.address, destination: pair.unicast ? member.address : group(six) } },
        { peer: peer.host, packet: { ...at, direction: 'out', source: member.address, destination: pair.unicast ? peer.address : group(six) } },
      ] as const;
    });
}

function isSix({ vips: [first] }: HaPair): boolean {
  return first?.address.includes(':') === true;
}

function filtered({ host, firewall }: LiveState, packet: FilteredPacket, { what, hint, ...place }: Pick<Hit, 'path' | 'of' | 'hint'> & { readonly what: string }): readonly Hit[] {
  if (firewall === undefined) return [];
  if ('untold' in firewall) return [{ ...place, unjudged: true, message: `whether the firewall of ${host} drops ${what} cannot be told: ${firewall.untold}`, hint: 'look at its rules there' }];
  const fate = fateOf(packet, firewall.value);
  if (fate.is === 'passes') return [];
  if (fate.is === 'dropped') return [{ ...place, message: `the firewall of ${host} drops ${what}: ${fate.by}`, hint }];
  return [{ ...place, unjudged: true, message: `whether the firewall of ${host} drops ${what} was not judged: it depends on conditions that are not read here, of ${fate.by}`, hint: 'look at its rules there' }];
}

function tunnelled(context: LiveContext): readonly Hit[] {
  return realServers(context, ['tun']).flatMap(({ service, server, state }) =>
    service.directors.flatMap((name) => {
      const [director] = stateOf(context.hosts, name);
      // The kernel chooses the source by the route.
      const device = director?.routes.get(server.address)?.device;
      const six = server.address.includes(':');
      const source = director?.addresses.find((one) => one.interface === device && one.address.includes(':') === six)?.address ?? context.topology.directors.get(name)?.address;
      if (source === undefined) return [];
      const { protocol, port } = envelope(service.vip, service.tunnel);
      const packet: FilteredPacket = { family: six ? 6 : 4, protocol, port, answered: false, source, destination: server.address, direction: 'in', interface: deviceOf(state, server.address) };
      return filtered(state, packet, { ...atServer({ service, server }), what: `the tunnel from ${name}`, hint: `accept ${protocol[1] ?? ''}${port === undefined ? '' : ` port ${String(port)}`} from the directors` });
    }),
  );
}

/** The outer protocol of a tunnel, by number and name. */
function envelope(vip: string, tunnel: Tunnel): Pick<FilteredPacket, 'protocol' | 'port'> {
  if (tunnel.type === 'gue') return { protocol: ['17', 'udp'], port: tunnel.port };
  if (tunnel.type === 'gre') return { protocol: ['47', 'gre'], port: undefined };
  // IPv6 inside is protocol 41, whatever is outside.
  return vip.includes(':') ? { protocol: ['41', 'ipv6'], port: undefined } : { protocol: ['4', 'ipencap', 'ipip'], port: undefined };
}
