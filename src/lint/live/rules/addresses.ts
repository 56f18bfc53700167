import { realServerAddresses } from '../../../lvs/host/real-server.ts';
import { bare } from '../../../lvs/model/ip.ts';
import { vipsOf } from '../../../lvs/model/lookups.ts';
import { isIn } from '../../../lvs/model/services/nat-networks.ts';
import { addressesOf, type HaPair } from '../../../lvs/model/topology.ts';
import type { Hit } from '../../types.ts';
import { allAnswered, atDirector, atServer, deviceOf, effective, realServers, type Served, stateOf } from '../places.ts';
import { defineLiveRules } from '../rule.ts';
import type { LiveContext } from '../state.ts';

const RS1 = ['rs1 addresses: 2: eth0    inet 192.168.0.18/24 brd 192.168.0.255 scope global eth0', 'rs1 addresses: 1: lo    inet 127.0.0.1/8 scope host lo'];
const CARRIES = [...RS1, 'rs1 addresses: 1: lo    inet 192.168.0.38/32 scope global lo'].join('\n');

/** Rules about who has the VIPs, and who answers for them. */
export const addressRules = defineLiveRules([
  {
    id: 'vip-answered-by-server',
    severity: 'error',
    summary: 'a DR or TUN real server answers ARP for the VIP',
    why: 'Clients and routers that hear it first send it everything, past the director. The kernel takes the higher of conf/all and the interface that is asked: arp_ignore on lo alone has no effect.',
    source: 'Linux, Documentation/networking/ip-sysctl.rst, arp_ignore; measured on Linux 6.1',
    cluster: 'dr',
    bad: 'rs1 values: /proc/sys/net/ipv4/conf/all/arp_ignore:0\nrs1 values: /proc/sys/net/ipv4/conf/lo/arp_ignore:1',
    good: 'rs1 values: /proc/sys/net/ipv4/conf/all/arp_ignore:0\nrs1 values: /proc/sys/net/ipv4/conf/eth0/arp_ignore:1',
    check: (context) =>
      silentServers(context, 'arp_ignore', (value) => SILENT.has(value)).map(({ served, device, value }) => ({
        ...atServer(served),
        message: `${served.server.host} answers ARP for its VIPs on ${device}: arp_ignore is ${String(value)}`,
        hint: 'set net.ipv4.conf.all.arp_ignore=1 there; a deploy does',
      })),
  },
  {
    id: 'vip-announced-by-server',
    severity: 'error',
    summary: 'a DR or TUN real server announces the VIP in its own ARP requests',
    why: 'Whoever is asked takes the sender\'s address and MAC into its table: the router learns the VIP at the real server, and traffic goes past the director until the entry is renewed.',
    source: 'Linux, Documentation/networking/ip-sysctl.rst, arp_announce',
    cluster: 'dr',
    bad: 'rs1 values: /proc/sys/net/ipv4/conf/all/arp_announce:0',
    good: 'rs1 values: /proc/sys/net/ipv4/conf/all/arp_announce:2',
    check: (context) =>
      silentServers(context, 'arp_announce', (value) => value >= 2).map(({ served, device, value }) => ({
        ...atServer(served),
        message: `${served.server.host} may announce its VIPs on ${device}: arp_announce is ${String(value)}`,
        hint: 'set net.ipv4.conf.all.arp_announce=2 there; a deploy does',
      })),
  },
  {
    id: 'vip-on-network-card',
    severity: 'error',
    summary: 'a DR or TUN real server has the VIP on a network card',
    why: 'There it is answered on ARP whatever arp_ignore=1 says, as it is an address of the interface that is asked.',
    source: 'Linux, Documentation/networking/ip-sysctl.rst, arp_ignore; measured on Linux 6.1',
    cluster: 'dr',
    bad: `${CARRIES}\nrs1 addresses: 2: eth0    inet 192.168.0.38/32 scope global eth0`,
    good: CARRIES,
    check: (context) =>
      carried(context).flatMap(({ served, vip, expected }) =>
        served.state.addresses
          .filter((one) => one.address === vip && one.interface !== 'lo' && one.interface !== expected)
          .map((one) => ({ ...atServer(served), message: `${served.server.host} has ${vip} on ${one.interface}, where it answers for it`, hint: `ip address del ${vip}/${String(one.prefix)} dev ${one.interface}, and take it out of that host's network configuration` })),
      ),
  },
  {
    id: 'vip-missing',
    severity: 'error',
    summary: 'a DR or TUN real server has not got the VIP',
    why: 'Its packets still are for the VIP: a host that has it not drops them, and clients that are sent there get no answer. Health checks ask for the real server\'s own address and see nothing of it.',
    source: 'LVS-HOWTO, LVS-DR; measured on Linux 6.1',
    cluster: 'dr',
    bad: RS1.join('\n'),
    good: CARRIES,
    check: (context) =>
      carried(context)
        .filter(({ served, vip, expected }) => !served.state.addresses.some((one) => one.address === vip && one.interface === expected))
        .map(({ served, vip, expected }) => ({ ...atServer(served), message: `${served.server.host} has not got ${vip} on ${expected}`, hint: 'deploy to it; systemctl status lvs-real-server tells more' })),
  },
  {
    id: 'vip-takes-network',
    severity: 'error',
    summary: 'a VIP on lo has a whole network with it',
    why: 'Every address of a network on lo is local: packets to the director, the gateway and the clients of that network never leave the real server.',
    source: 'Linux, net/ipv4/fib_frontend.c (fib_add_ifaddr); LVS-HOWTO, netmask of the VIP',
    cluster: 'dr',
    bad: CARRIES.replace('38/32', '38/24'),
    good: CARRIES,
    check: (context) =>
      carried(context).flatMap(({ served, vip }) =>
        served.state.addresses
          .filter((one) => one.address === vip && one.interface === 'lo' && one.prefix !== (vip.includes(':') ? 128 : 32))
          .map((one) => ({ ...atServer(served), message: `${served.server.host} takes all of ${vip}/${String(one.prefix)} for itself`, hint: `ip address del ${vip}/${String(one.prefix)} dev lo, and deploy: a deploy puts it there with a host's own prefix length` })),
      ),
  },
  {
    id: 'vip-held-twice',
    severity: 'error',
    summary: 'two directors of a pair hold a VIP',
    why: 'Neither hears the other\'s adverts. Both answer ARP, and connections break whenever a client\'s router learns the other one.',
    source: 'RFC 3768, 6.4; keepalived.conf(5)',
    cluster: 'dr',
    bad: 'lvs2 addresses: 2: eth0    inet 192.168.0.58/24 scope global eth0\nlvs2 addresses: 2: eth0    inet 192.168.0.38/32 scope global eth0',
    good: 'lvs2 addresses: 2: eth0    inet 192.168.0.58/24 scope global eth0',
    check: (context) =>
      [...context.topology.pairs.values()].flatMap((pair) =>
        addressesOf(pair).flatMap(({ address }): Hit[] => {
          const holders = pair.members.filter(({ host }) => stateOf(context.hosts, host).some(({ addresses }) => addresses.some((one) => one.address === address))).map(({ host }) => host);
          if (holders.length < 2) return [];
          return [{ path: ['ha_pairs', pair.name], of: 'key', message: `${holders.join(' and ')} both hold ${address}`, hint: 'see that their adverts pass: firewall, switch (IGMP snooping), the same VIPs, password and interval on both; a moment of it at a takeover is no fault' }];
        }),
      ),
  },
  {
    id: 'vip-answered-elsewhere',
    severity: 'warning',
    summary: 'a host has learnt a VIP from a network card of no director',
    why: 'Somebody else has the address or answers for it. What this host sends there does not come to the director.',
    source: 'RFC 826; ip-neighbour(8)',
    cluster: 'dr',
    bad: 'lvs2 neighbours: 192.168.0.38 dev eth0 lladdr 52:54:00:00:99:99 REACHABLE',
    good: 'lvs2 neighbours: 192.168.0.38 dev eth0 lladdr 52:54:00:00:00:30 REACHABLE',
    check: (context) => strangers(context),
  },
]);

/** 3 to 7 still answer for an address of lo (arp_ignore in net/ipv4/arp.c). */
const SILENT: ReadonlySet<number> = new Set([1, 2, 8]);

/** Addresses of real servers as they must be: VIP and device. */
function carried(context: LiveContext): readonly { served: Served; vip: string; expected: string }[] {
  return realServers(context, ['dr', 'tun']).flatMap((served) =>
    realServerAddresses(context.topology, served.server.host)
      .filter((one) => vipsOf(served.service).includes(bare(one.address)) && (one.interface === 'lo') === (served.service.mode === 'dr'))
      .map((one) => ({ served, vip: bare(one.address), expected: one.interface })),
  );
}

/** Real servers that have IPv4 VIPs, with the interfaces where they are asked for them: of their own address, and in the VIP's network. */
function silentServers(context: LiveContext, key: string, fine: (value: number) => boolean): readonly { served: Served; device: string; value: number }[] {
  return realServers(context, ['dr', 'tun']).flatMap((served) => {
    const { state, server, service } = served;
    const vips = vipsOf(service).filter((vip) => !vip.includes(':') && state.addresses.some(({ address }) => address === vip));
    if (vips.length === 0) return [];
    const near = state.addresses.filter((one) => one.interface !== 'lo' && one.prefix < 32 && vips.some((vip) => isIn(vip, `${one.address}/${String(one.prefix)}`))).map((one) => one.interface);
    const own = deviceOf(state, server.address);
    return [...new Set([...(own === undefined ? [] : [own]), ...near])].map((device) => ({ served, device, value: effective(state, device, key) })).filter(({ value }) => !fine(value));
  });
}

function strangers(context: LiveContext): readonly Hit[] {
  const { topology, hosts } = context;
  const pairOf = (vip: string): HaPair | undefined => [...topology.pairs.values()].find((pair) => addressesOf(pair).some(({ address }) => address === vip));
  return hosts.each(({ host, neighbours }) =>
    neighbours.flatMap(({ address, mac }): Hit[] => {
      const pair = pairOf(address);
      const service = [...topology.services.values()].find((one) => vipsOf(one).includes(address));
      const own = pair?.members.map((member) => member.host) ?? service?.directors ?? [];
      // It may be the card of a director that gave no answer.
      if (!allAnswered(hosts, own)) return [];
      const macs = own.flatMap((director) => stateOf(hosts, director).flatMap(({ links }) => [...links.values()].map((link) => link.mac)));
      if (macs.includes(mac) || VIRTUAL_ROUTER.test(mac)) return [];
      const [who] = hosts.each(({ host: other, links }) => ([...links.values()].some((link) => link.mac === mac) ? [other] : [])).flat();
      const [director] = own;
      const place = pair !== undefined && director !== undefined ? { path: ['ha_pairs', pair.name], of: 'key' as const } : director === undefined ? { path: [] } : atDirector(topology, director);
      return [{ ...place, message: `${host} has ${address} from ${who ?? mac}, which is no director of it`, hint: `find who has that MAC (${mac}) and take the address from it; ip neigh flush to ${address} on ${host} makes it ask again` }];
    }),
  ).flat();
}

/** MACs of VRRP's virtual routers (RFC 5798, 7.3): a pair with vmac. */
const VIRTUAL_ROUTER = /^00:00:5e:00:0[12]:/;
