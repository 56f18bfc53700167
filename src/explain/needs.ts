import { directorModules } from '../lvs/host/director.ts';
import { realServerAddresses, realServerKernelModules } from '../lvs/host/real-server.ts';
import { tunnelDevice } from '../lvs/host/tunnels.ts';
import { keyOfService } from '../lvs/ipvs/table.ts';
import { bare, formatEndpoint } from '../lvs/model/ip.ts';
import { natNetworkOf } from '../lvs/model/services/nat-networks.ts';
import { vipsOf } from '../lvs/model/lookups.ts';
import { addressesOf, type RealServer, type Topology, type VirtualService } from '../lvs/model/topology.ts';
import { clientEndpoint } from './service-words.ts';
import type { Need } from './types.ts';

/** What a client's request needs to come to IPVS on the active director. */
export function arrivalNeeds(topology: Topology, service: VirtualService): readonly Need[] {
  const vips = vipsOf(service);
  const held = vips.map((address): Need => {
    const moving = service.directors.length > 1;
    return {
      hosts: service.directors,
      kind: 'address',
      what: moving ? `${address} on exactly one of ${service.directors.join(', ')}` : `${address} on ${service.vipInterface ?? 'an interface'}`,
      why: 'clients are led to the host that answers ARP (IPv6: neighbour discovery) for the VIP, and IPVS looks only at packets for local addresses',
      probe: moving ? { type: 'one-holds', address } : { type: 'address', address, interface: service.vipInterface },
    };
  });
  return [...held, ...service.directors.flatMap((host) => [...modules(topology, service, host), tableNeed(service, host, undefined)]), ...markNeeds(service)];
}

function modules(topology: Topology, service: VirtualService, host: string): Need[] {
  const own = new Set(['ip_vs', `ip_vs_${service.scheduler}`, ...(service.helper === undefined ? [] : ['ip_vs_ftp']), ...(service.persistence?.engine === 'sip' ? ['ip_vs_pe_sip'] : [])]);
  return directorModules(topology, host)
    .filter((name) => own.has(name))
    .map((name) => ({ hosts: [host], kind: 'module', what: `kernel module ${name}`, why: name === 'ip_vs' ? 'it is IPVS' : 'the service uses it', probe: { type: 'module', name } }));
}

function tableNeed(service: VirtualService, host: string, server: RealServer | undefined): Need {
  const key = keyOfService(service);
  const endpoint = server === undefined ? undefined : formatEndpoint(server.address, server.port);
  return {
    hosts: [host],
    kind: 'table',
    what: endpoint === undefined ? `${key} in the kernel's IPVS table` : `${endpoint} in the table of ${key}, by ${service.mode.toUpperCase()}`,
    why: endpoint === undefined ? 'else the packet is delivered to the director itself' : service.manager === 'keepalived' ? 'keepalived takes a server out whose health check fails' : 'the boot-time script enters it',
    probe: { type: 'table', service: key, server: endpoint === undefined ? undefined : { endpoint, forward: service.mode } },
  };
}

function markNeeds({ match, directors }: VirtualService): Need[] {
  if (match.kind !== 'fwmark') return [];
  const { mark, endpoints } = match;
  const to = endpoints.map(({ address, port, protocol }) => `${protocol} ${clientEndpoint(address, port)}`).join(', ');
  return directors.map((host) => ({ hosts: [host], kind: 'firewall', what: `mark ${String(mark)} on ${to}, in PREROUTING of the mangle table`, why: 'IPVS knows the service by its mark only', probe: { type: 'mark', mark } }));
}

/** What DR and TUN real servers must not do: answer for the VIP themselves. Of IPv4; neighbour discovery has no such trap. */
export function silenceNeeds(topology: Topology, service: VirtualService, server: RealServer): readonly Need[] {
  if (service.mode === 'nat' || carried(topology, service, server).every(({ address }) => address.includes(':'))) return [];
  return [
    {
      hosts: [server.host],
      kind: 'sysctl',
      what: 'arp_ignore 1 (or 2) and arp_announce 2, on all or on the network interface',
      why: 'else it answers ARP for the VIP itself and clients reach it past the director; on lo alone they have no effect, as the kernel takes the higher of all and the interface that is asked',
      probe: { type: 'arp-silent', rip: server.address },
    },
  ];
}

/** What the director needs to send to one real server. */
export function forwardNeeds(service: VirtualService, server: RealServer, hosts: readonly string[]): readonly Need[] {
  return hosts.flatMap((host): Need[] => [
    tableNeed(service, host, server),
    service.mode === 'dr'
      ? { hosts: [host], kind: 'route', what: `${server.address} without a gateway in between`, why: 'DR only changes the MAC: director and real server share one layer 2', probe: { type: 'on-link', address: server.address } }
      : { hosts: [host], kind: 'route', what: `a route to ${server.address}`, why: service.mode === 'tun' ? `the outer packet goes there; ${String(tunnelDevice(service.vip, server.address, service.tunnel).overhead)} bytes more must fit, or clients' segments be smaller` : 'the translated packet goes there', probe: { type: 'reachable', address: server.address } },
  ]);
}

/** What the real server needs to take the packet. */
export function acceptNeeds(topology: Topology, service: VirtualService, server: RealServer): readonly Need[] {
  const { host } = server;
  const own = carried(topology, service, server);
  const addresses = own.map((vip): Need => ({
    hosts: [host],
    kind: 'address',
    what: `${vip.address} on ${vip.interface}`,
    why: 'the packet still is for the VIP: a host that has it not would drop or forward it',
    probe: { type: 'address', address: bare(vip.address), interface: vip.interface },
  }));
  const tunnels = [...new Set(own.filter((vip) => vip.interface !== 'lo').map((vip) => vip.interface))];
  const tunnelModules = tunnels.length === 0 ? [] : realServerKernelModules(topology, host);
  return [
    ...addresses,
    ...tunnelModules.map((name): Need => ({ hosts: [host], kind: 'module', what: `kernel module ${name}`, why: 'it takes the outer header off', probe: { type: 'module', name } })),
    ...tunnels.filter((name) => name !== 'ip6tnl0').map((name): Need => ({
      hosts: [host],
      kind: 'sysctl',
      what: `rp_filter of all and ${name} not 1 at the higher of the two`,
      why: "the inner packet has the client's source, whose route is another interface: a strict filter drops it",
      probe: { type: 'loose-rp-filter', interface: name },
    })),
    ...listening(service, host, service.mode === 'nat' ? [server.address] : vipsOf(service), server.port),
  ];
}

/** A socket for the packet; none can be named where the port is not known. */
export function listening(service: VirtualService, host: string, addresses: readonly string[], port: number): readonly Need[] {
  const ports = service.match.kind === 'fwmark' && port === 0 ? service.match.endpoints.filter((endpoint) => endpoint.port !== 0) : [{ protocol: service.protocol, address: undefined, port }];
  return ports
    .filter((one) => one.port !== 0)
    .map((one) => {
      const at = one.address === undefined ? addresses : [one.address];
      return {
        hosts: [host],
        kind: 'port',
        what: `${one.protocol.toUpperCase()} port ${String(one.port)} open on ${[...new Set(at)].join(' or ')}, or on all addresses`,
        why: 'the service itself answers there',
        probe: { type: 'listens', protocol: one.protocol, addresses: [...new Set(at)], port: one.port },
      };
    });
}

/** What the answer of a NAT real server needs to find back through the director. */
export function natReturnNeeds(topology: Topology, service: VirtualService, server: RealServer): readonly Need[] {
  const gateway = natGateway(topology, service, server);
  return [
    {
      hosts: [server.host],
      kind: 'route',
      what: `the default route via ${gateway ?? `an inside address of ${service.directors.join(' or ')}`}`,
      why: "only the director can translate the source back; a client in the real server's own network gets the answer directly and drops it",
      probe: { type: 'gateway', family: family(server.address), via: gateway, directors: service.directors },
    },
  ];
}

/** What a NAT director needs to pass the answer on. */
export function natForwardNeeds(service: VirtualService, server: RealServer): readonly Need[] {
  const six = server.address.includes(':');
  const key = six ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
  return service.directors.flatMap((host): Need[] => [
    { hosts: [host], kind: 'sysctl', what: `${key} = 1`, why: 'answers are not for the director itself: it forwards them', probe: { type: 'sysctl', key, accepts: six ? ['1', '2'] : ['1'] } },
    ...(six
      ? []
      : [
          {
            hosts: [host],
            kind: 'sysctl',
            what: `send_redirects = 0 on all and on the interface towards ${server.address}`,
            why: 'a redirect would tell the real server of a way past the director; one of the two at 1 suffices to send it',
            probe: { type: 'no-redirects', towards: server.address },
          } as const,
        ]),
  ]);
}

/** What the answer of a DR or TUN real server needs on its own way to the client. */
export function directReturnNeeds(topology: Topology, service: VirtualService, server: RealServer): readonly Need[] {
  const pair = service.pair === undefined ? undefined : topology.pairs.get(service.pair);
  const addresses = [...service.directors.flatMap((host) => topology.directors.get(host)?.address ?? []), ...(pair === undefined ? [] : addressesOf(pair).map(({ address }) => address))];
  return [
    {
      hosts: [server.host],
      kind: 'route',
      what: `a default route that does not lead to ${service.directors.join(' or ')}`,
      why: 'the answer goes straight to the client; a director would drop a packet from outside with its own VIP as source',
      probe: { type: 'no-gateway', family: family(service.vip), directors: service.directors, addresses },
    },
  ];
}

/** The address that a NAT real server's default route must have, as far as the inventory tells. */
export function natGateway(topology: Topology, service: VirtualService, server: RealServer): string | undefined {
  return natNetworkOf(topology.natNetworks, service, server.address)?.gateway;
}

function carried(topology: Topology, service: VirtualService, server: RealServer): { readonly interface: string; readonly address: string }[] {
  const wanted = new Set(vipsOf(service));
  return realServerAddresses(topology, server.host).filter(({ address, interface: name }) => wanted.has(bare(address)) && (name === 'lo') === (service.mode === 'dr'));
}

function family(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}
