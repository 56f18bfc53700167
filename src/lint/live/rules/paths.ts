import { realServerAddresses } from '../../../lvs/host/real-server.ts';
import { tunnelDevice, tunnelMss } from '../../../lvs/host/tunnels.ts';
import { isIn, natNetworkOf } from '../../../lvs/model/services/nat-networks.ts';
import { vipsOf } from '../../../lvs/model/lookups.ts';
import { addressesOf } from '../../../lvs/model/topology.ts';
import type { Hit } from '../../types.ts';
import { allAnswered, atDirector, atMember, atServer, deviceOf, directors, effective, realServers, stateOf, type Served } from '../places.ts';
import { defineLiveRules } from '../rule.ts';
import type { LiveContext, LiveState, Route } from '../state.ts';

/** Rules about routes, filters of the kernel and the size of packets. */
export const pathRules = defineLiveRules([
  {
    id: 'strict-rp-filter',
    severity: 'error',
    summary: 'a real server drops the director\'s packets by a strict rp_filter',
    why: 'Their source is the client, whose route is another interface than the one they come in by: the tunnel device, or the card towards the director. The kernel takes the higher of conf/all and the interface; 1 is strict. Nothing is logged.',
    source: 'Linux, Documentation/networking/ip-sysctl.rst, rp_filter; LVS-HOWTO, LVS-Tun; measured on Linux 6.1',
    cluster: 'tun',
    bad: 'rs1 values: /proc/sys/net/ipv4/conf/all/rp_filter:1\nrs1 values: /proc/sys/net/ipv4/conf/tunl0/rp_filter:0',
    good: 'rs1 values: /proc/sys/net/ipv4/conf/all/rp_filter:1\nrs1 values: /proc/sys/net/ipv4/conf/tunl0/rp_filter:2',
    check: (context) => realServers(context, ['dr', 'tun']).flatMap((served) => strict(context, served)),
  },
  {
    id: 'mtu-differs',
    severity: 'warning',
    summary: 'hosts of one network have cards of different MTU',
    why: 'What the larger one sends is too large for the smaller one, which drops it without a word: on one layer 2 no router is there to say "fragmentation needed". Small requests work, large ones hang.',
    source: 'RFC 1191, 2; Linux, net/ipv4/ip_output.c',
    cluster: 'dr',
    bad: 'rs1 values: /sys/class/net/eth0/mtu:1400',
    good: 'rs1 values: /sys/class/net/eth0/mtu:1500',
    check: (context) => [...pairMtus(context), ...neighbourMtus(context)],
  },
  {
    id: 'tunnel-exceeds-mtu',
    severity: 'warning',
    summary: 'full segments of clients do not fit the path through the tunnel',
    why: 'The director puts 20 bytes and more around each packet. What does not fit then is refused by ICMP only, and where clients do not get that, their uploads hang.',
    source: 'RFC 2003, 5; measured on Linux 6.1: where ICMP is filtered, an upload hangs without the rule for the segment size and passes with it',
    cluster: 'tun',
    bad: 'lvs1 values: /sys/class/net/eth0/mtu:1400',
    good: 'lvs1 values: /sys/class/net/eth0/mtu:1500',
    check: (context) => realServers(context, ['tun']).flatMap((served) => oversize(context, served)),
  },
  {
    id: 'gateway-is-director',
    severity: 'error',
    summary: 'the default route of a DR or TUN real server leads to its director',
    why: 'The director gets answers whose source is its own VIP, and drops them as martians. The real server answers clients itself.',
    source: 'Linux, net/ipv4/fib_frontend.c (fib_validate_source); LVS-HOWTO, LVS-DR',
    cluster: 'dr',
    bad: 'rs1 default4: default via 192.168.0.48 dev eth0',
    good: 'rs1 default4: default via 192.168.0.254 dev eth0',
    check: (context) =>
      realServers(context, ['dr', 'tun']).flatMap((served) => {
        const via = gatewayOf(served, served.service.vip);
        if (via === undefined || !addressesOfDirectors(context, served).has(via)) return [];
        return [{ ...atServer(served), message: `the default route of ${served.server.host} is via ${via}, its director`, hint: 'give it the router of the network: ip route replace default via ROUTER, and in that host\'s network configuration' }];
      }),
  },
  {
    id: 'gateway-past-director',
    severity: 'error',
    summary: 'the default route of a NAT real server leads past its director',
    why: 'Its answers are not translated back: clients get them from an address that they never asked, and drop them.',
    source: 'LVS-HOWTO, LVS-NAT; measured on Linux 6.1',
    cluster: 'nat',
    bad: 'rs1 default4: default via 192.168.0.254 dev eth0',
    good: 'rs1 default4: default via 192.168.0.8 dev eth0',
    check: (context) =>
      realServers(context, ['nat']).flatMap((served) => {
        const via = gatewayOf(served, served.server.address);
        const wanted = natNetworkOf(context.topology.natNetworks, served.service, served.server.address)?.gateway;
        if (via !== undefined && (wanted === undefined ? addressesOfDirectors(context, served).has(via) : via === wanted)) return [];
        // It may be an address of a director that gave no answer.
        if (via !== undefined && wanted === undefined && !allAnswered(context.hosts, served.service.directors)) return [];
        const { host } = served.server;
        return [{ ...atServer(served), message: `the default route of ${host} is ${via === undefined ? 'missing, or has no gateway' : `via ${via}`}, not via ${wanted ?? 'a director'}`, hint: wanted === undefined ? 'describe the way back in lvs.nat_networks; a deploy sets it' : 'deploy to it; a route by policy, which is not looked at here, would be a reason to waive this' }];
      }),
  },
  {
    id: 'forwarding-off',
    severity: 'error',
    summary: 'a NAT director does not forward',
    why: 'Requests reach the real servers, and the director drops their answers: they are for the client, not for it.',
    source: 'Linux, Documentation/networking/ip-sysctl.rst, ip_forward; LVS-HOWTO, LVS-NAT',
    cluster: 'nat',
    bad: 'lvs1 values: /proc/sys/net/ipv4/ip_forward:0',
    good: 'lvs1 values: /proc/sys/net/ipv4/ip_forward:1',
    check: (context) =>
      directors(context).flatMap(({ host, sysctls }) => {
        const families = [...context.topology.services.values()].filter((one) => one.mode === 'nat' && one.directors.includes(host)).flatMap((one) => one.realServers.map(({ address }) => address.includes(':')));
        return [false, true]
          .filter((six) => families.includes(six) && Number(sysctls.get(six ? 'net/ipv6/conf/all/forwarding' : 'net/ipv4/ip_forward') ?? '0') === 0)
          .map((six): Hit => ({ ...atDirector(context.topology, host), message: `${host} does not forward IPv${six ? '6' : '4'}`, hint: `set net.${six ? 'ipv6.conf.all.forwarding' : 'ipv4.ip_forward'}=1 there; a deploy does, and something else takes it back` }));
      }),
  },
  {
    id: 'client-inside-nat',
    severity: 'warning',
    summary: 'a client asks a NAT service from within the real servers\' network',
    why: 'The real server answers it directly, from its own address, and the client drops that: the connection stays half open in the director\'s table.',
    source: 'LVS-HOWTO, LVS-NAT, "clients on the same network"; Linux, net/netfilter/ipvs/ip_vs_conn.c (/proc/net/ip_vs_conn)',
    cluster: 'nat',
    bad: 'lvs1 connections: TCP C0A80063 9C40 AC10FEC8 0050 C0A80012 1F90 SYN_RECV         58',
    good: 'lvs1 connections: TCP AC10FE63 9C40 AC10FEC8 0050 C0A80012 1F90 SYN_RECV         58',
    check: (context) => directors(context).flatMap((state) => clientsInside(context, state)),
  },
]);

function strict({ topology }: LiveContext, { service, server, state }: Served): readonly Hit[] {
  const four = vipsOf(service).filter((vip) => !vip.includes(':'));
  if (four.length === 0) return [];
  const hits = (device: string, what: string): readonly Hit[] =>
    effective(state, device, 'rp_filter') === 1 ? [{ ...atServer({ service, server }), message: `${server.host} drops ${what} ${device}: the higher of rp_filter of all and ${device} is 1`, hint: `set net.ipv4.conf.${device}.rp_filter=2 there (loose)` }] : [];
  if (service.mode === 'tun') {
    const devices = realServerAddresses(topology, server.host).filter((one) => one.interface !== 'lo' && four.some((vip) => one.address === `${vip}/32`));
    return [...new Set(devices.map((one) => one.interface))].flatMap((device) => hits(device, 'what comes out of'));
  }
  // DR with two cards: requests come by one, and clients' route is the other.
  const [inside, outside] = [deviceOf(state, server.address), state.defaults.get(4)?.device];
  return inside === undefined || outside === undefined || inside === outside ? [] : hits(inside, `requests of clients whose way back is ${outside}, which come by`);
}

function pairMtus({ topology, hosts }: LiveContext): readonly Hit[] {
  return [...topology.pairs.values()].flatMap((pair) => {
    const all = pair.members.flatMap((member) => stateOf(hosts, member.host).flatMap(({ links }) => sized(member.host, member.interface, links.get(member.interface)?.mtu)));
    const [first, ...others] = all;
    return others.filter(({ mtu }) => mtu !== first?.mtu).map((one) => ({ ...atMember(pair, one.host), message: `${one.text}, ${first?.text ?? ''}`, hint: 'set the same MTU on all cards of the network' }));
  });
}

/** Real servers against the cards of directors that reach them without a gateway. */
function neighbourMtus(context: LiveContext): readonly Hit[] {
  return realServers(context, ['dr', 'nat', 'tun']).flatMap(({ service, server, state }): readonly Hit[] => {
    const device = deviceOf(state, server.address);
    const [own] = sized(server.host, device, state.links.get(device ?? '')?.mtu);
    const others = service.directors.flatMap((name) =>
      stateOf(context.hosts, name).flatMap(({ routes, links }) => {
        const route = routes.get(server.address);
        return route === undefined || route.via !== undefined || route.device === 'lo' ? [] : sized(name, route.device, links.get(route.device)?.mtu);
      }),
    );
    const different = others.filter(({ mtu }) => mtu !== own?.mtu).map(({ text }) => text);
    return own === undefined || different.length === 0 ? [] : [{ ...atServer({ service, server }), message: `${own.text}, ${different.join(', ')}`, hint: 'set the same MTU on all cards of the network' }];
  });
}

function sized(host: string, device: string | undefined, mtu: number | undefined): readonly { host: string; mtu: number; text: string }[] {
  return device === undefined || mtu === undefined ? [] : [{ host, mtu, text: `${host} has MTU ${String(mtu)} on ${device}` }];
}

/** Segments are as large as the rule on a real server allows, which a deploy sets for paths of 1500 bytes. */
function oversize({ hosts }: LiveContext, { service, server, state }: Served): readonly Hit[] {
  const device = deviceOf(state, server.address);
  const own = state.links.get(device ?? '')?.mtu;
  return vipsOf(service).flatMap((vip) => {
    const tunnel = tunnelDevice(vip, server.address, service.tunnel);
    const needed = tunnelMss(vip, tunnel) + (vip.includes(':') ? 60 : 40) + tunnel.overhead;
    return service.directors.flatMap((name) =>
      stateOf(hosts, name).flatMap((director): Hit[] => {
        const route = director.routes.get(server.address);
        const path = pathMtu(director, route);
        if (path === undefined) return [{ ...atServer({ service, server }), unjudged: true, message: `how large packets from ${name} to ${server.host} may be cannot be told: ${route === undefined ? 'there is no route' : 'no card tells its MTU'}`, hint: 'see that the director reaches the real server' }];
        const mtu = Math.min(path, own ?? path);
        if (needed <= mtu) return [];
        return [{ ...atServer({ service, server }), message: `full packets from ${name} to ${server.host} have ${String(needed)} bytes in the tunnel, and the path takes ${String(mtu)}`, hint: `raise the MTU on that path to ${String(needed)} or more, or see that clients get ICMP "fragmentation needed" of ${name}` }];
      }),
    );
  });
}

function pathMtu({ links }: LiveState, route: Route | undefined): number | undefined {
  return route === undefined ? undefined : (route.mtu ?? links.get(route.device)?.mtu);
}

function gatewayOf({ state }: Served, address: string): string | undefined {
  return state.defaults.get(address.includes(':') ? 6 : 4)?.via;
}

/** Every address that a service's directors have or may take over. */
function addressesOfDirectors({ topology, hosts }: LiveContext, { service }: Served): ReadonlySet<string> {
  const moving = [...topology.pairs.values()].filter((pair) => pair.members.some(({ host }) => service.directors.includes(host))).flatMap(addressesOf);
  const own = service.directors.flatMap((host) => [...stateOf(hosts, host).flatMap(({ addresses }) => addresses), ...[topology.directors.get(host)].filter((one) => one !== undefined)]);
  return new Set([...moving, ...own].map(({ address }) => address));
}

function clientsInside(context: LiveContext, { host, connections }: LiveState): readonly Hit[] {
  const nat = realServers(context, ['nat']).filter(({ service }) => service.directors.includes(host));
  return connections
    // Half open is a sure sign; of UDP each entry is one. An established one was translated somehow.
    .filter(({ protocol, state }) => protocol === 'UDP' || state === 'SYN_RECV')
    .flatMap(({ client, vip, server: rip }): Hit[] => {
      const served = nat.find(({ server }) => server.address === rip);
      const own = served?.state.addresses.find(({ address }) => address === rip);
      if (served === undefined || own === undefined || !isIn(client, `${own.address}/${String(own.prefix)}`)) return [];
      return [{ path: ['virtual_services', served.service.name], of: 'key', message: `${client} asks for ${vip} from within the network of ${served.server.host}, and gets its answer directly`, hint: 'let clients there ask a real server itself, or put them into another network; masquerading towards the real servers (with net.ipv4.vs.conntrack=1) is a way as well' }];
    });
}
