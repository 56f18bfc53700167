import { likelySameNetwork, parseIp } from '../../lvs/model/ip.ts';
import { endpointsOf } from '../../lvs/model/lookups.ts';
import { defineRules } from '../types.ts';
import { PAIR, service } from './examples.ts';
import { at, services } from './services.ts';

const NAT = service('mode: nat').replace(':80', ':8080');

/** Rules about the ways to the real servers and back. */
export const forwardingRules = defineRules([
  {
    id: 'nat-without-gateway',
    severity: 'warning',
    summary: 'the default route of NAT real servers is not described',
    why: 'Replies must pass the director, which translates them back. If the real server has another way out, clients get replies from an address they never asked.',
    source: 'LVS-HOWTO, LVS-NAT',
    bad: `${PAIR}${NAT.replace('rs1:', '§rs1:')}`,
    good: `nat_networks:\n  inside: { on: edge, network: 192.168.0.0/24, gateway: 192.168.0.38 }\n${PAIR}${NAT}`,
    check: (context) =>
      services(context, (one) => one.mode === 'nat').flatMap((one) =>
        one.realServers
          .filter((server) => context.topology.realServers.get(server.host)?.gateway === undefined && !one.directors.includes(server.host))
          .slice(0, 1)
          .map((server) => ({ path: at(one, 'real_servers', server.host), of: 'key' as const, message: `the default route of ${server.host} is not said to lead to the director`, hint: 'add lvs.nat_networks with the network and the director\'s inside address, or waive this with the reason why replies come by' })),
      ),
  },
  {
    id: 'nat-and-dr',
    severity: 'error',
    summary: 'one host is a real server by NAT and by DR',
    why: 'NAT needs its default route to lead to the director, and with DR it must not: replies of the VIP that the director itself carries would be dropped there as coming from itself.',
    source: 'LVS-HOWTO, LVS-DR, "the gateway of the real servers"; Linux, net/ipv4/fib_frontend.c (fib_validate_source)',
    bad: `nat_networks:\n  inside: { on: edge, network: 192.168.0.0/24, gateway: 192.168.0.38 }\n${PAIR}${service()}  other:\n    on: edge\n    address: 192.168.0.38:81\n    mode: nat\n    scheduler: rr\n    real_servers: { §rs1: }\n`,
    good: `${PAIR}${service()}`,
    check: (context) =>
      services(context, (one) => one.mode === 'nat').flatMap((one) =>
        one.realServers
          .filter(({ host }) => {
            const real = context.topology.realServers.get(host);
            return real?.gateway !== undefined && real.vips.some(({ mode }) => mode === 'dr');
          })
          .map(({ host }) => ({ path: at(one, 'real_servers', host), of: 'key' as const, message: `${host} is a real server by NAT in ${one.name} and by DR in another service`, hint: 'use one mode for a host: its default route can lead to one place' })),
      ),
  },
  {
    id: 'dr-across-networks',
    severity: 'warning',
    summary: 'a DR real server seems to be on another network than its director',
    why: 'DR changes MAC addresses only, so the director must reach the real server without a router in between. Through one, the packet goes to the router\'s idea of the VIP: the director itself.',
    source: 'LVS-HOWTO, LVS-DR; Linux, net/netfilter/ipvs/ip_vs_xmit.c (ip_vs_dr_xmit)',
    bad: `${PAIR}${service().replace('rs1: { weight: 1 }', '§rs1: { address: 10.9.0.18 }')}`,
    good: `${PAIR}${service('mode: tun').replace('rs1: { weight: 1 }', 'rs1: { address: 10.9.0.18 }')}`,
    check: (context) =>
      services(context, (one) => one.mode === 'dr').flatMap((one) =>
        one.realServers
          .filter((server) => {
            const directors = one.directors.flatMap((host) => context.topology.directors.get(host)?.address ?? []).filter((address) => parseIp(address)?.family === parseIp(server.address)?.family);
            return !one.directors.includes(server.host) && directors.length > 0 && ![...directors, one.vip].some((address) => likelySameNetwork(address, server.address));
          })
          .map((server) => ({ path: at(one, 'real_servers', server.host), of: 'key' as const, message: `${server.host} (${server.address}) is in no /24 or /64 of ${one.directors.join(', ')} nor of ${one.vip}`, hint: 'use mode: tun or nat across networks, write the address on the common network (address:), or waive this where the network is larger' })),
      ),
  },
  {
    id: 'nat-client-inside',
    severity: 'info',
    summary: 'clients in the real servers\' own network cannot use a NAT service',
    why: 'The real server answers such a client directly, from its own address, and the client drops the reply.',
    source: 'LVS-HOWTO, LVS-NAT, "clients on the same network"',
    bad: `nat_networks:\n  inside: { on: edge, network: 192.168.0.0/24, gateway: 192.168.0.38 }\n${PAIR}${NAT.replace('192', '§192')}`,
    good: `nat_networks:\n  inside: { on: edge, network: 192.168.0.0/24, gateway: 192.168.0.1 }\n${PAIR.replace('[192.168.0.38]', '[203.0.113.38, 192.168.0.1]')}${NAT.replace('192.168.0.38', '203.0.113.38')}`,
    check: (context) =>
      services(context, (one) => one.mode === 'nat').flatMap((one) =>
        [...context.topology.natNetworks.values()]
          .filter((network) => network.gateway === one.vip)
          .map((network) => ({ path: at(one, 'address'), message: `the VIP of ${one.name} is in ${network.network}, the real servers' own network: clients there get no answer`, hint: 'put the VIP into the network where clients are, and leave the gateway inside' })),
      ),
  },
  {
    id: 'tunnel-mtu',
    severity: 'info',
    summary: 'packets of clients grow in the tunnel',
    why: 'The director puts 20 bytes and more around each packet. TCP segments are made to fit by a rule that lvs-play sets on the real servers, for paths of 1500 bytes. Clients learn of narrower paths, and of what UDP datagrams may be, by ICMP "fragmentation needed" only.',
    source: 'LVS-HOWTO, LVS-Tun, MTU; measured on Linux 6.1: where ICMP is filtered, an upload hangs without the rule and passes with it',
    bad: `${PAIR}${service('mode: §tun')}`,
    good: `${PAIR}${service()}`,
    check: (context) =>
      services(context, (one) => one.mode === 'tun').map((one) => ({
        path: at(one, 'mode'),
        message: endpointsOf(one).every(({ protocol }) => protocol === 'tcp') ? `on paths of less than 1500 bytes, large requests of ${one.name} rely on ICMP` : `large requests of ${one.name} rely on ICMP`,
        hint: 'let "fragmentation needed" (ICMP type 3, code 4; IPv6: type 2) of the directors through to clients',
      })),
  },
  {
    id: 'udp-answers-from-vip',
    severity: 'info',
    summary: 'a UDP server must answer from the VIP',
    why: 'A UDP server that is bound to any address answers from the one the route suggests: in DR and TUN that is its own, and the client does not take it for the answer.',
    source: 'udp(7), IP_PKTINFO; seen in the lab',
    bad: `${PAIR}${service('protocol: §udp', 'health_check: { type: none }').replace(':80', ':53')}`,
    good: `${PAIR}${service('protocol: udp', 'health_check: { type: none }', 'mode: nat').replace(':80', ':53')}`,
    check: (context) => services(context, (one) => one.protocol === 'udp' && one.mode !== 'nat').map((one) => ({ path: at(one, 'protocol'), message: `the servers of ${one.name} must answer from ${one.vip}`, hint: 'bind the server to the VIP, or use one that answers from the address asked (most name servers do)' })),
  },
]);
