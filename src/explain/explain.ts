import { tunnelDevice } from '../lvs/host/tunnels.ts';
import { endpointsOf, vipsOf } from '../lvs/model/lookups.ts';
import type { RealServer, Topology, VirtualService } from '../lvs/model/topology.ts';
import { acceptNeeds, arrivalNeeds, directReturnNeeds, forwardNeeds, listening, natForwardNeeds, natGateway, natReturnNeeds, silenceNeeds } from './needs.ts';
import { clientEndpoint, describeService } from './service-words.ts';
import type { Explanation, Hop, Packet, PacketPath } from './types.ts';

/** The way of a client's packet through a service and back, with what each hop needs. Pure. */
export function explainService(topology: Topology, service: VirtualService): Explanation {
  return {
    version: 1,
    service: service.name,
    mode: service.mode,
    protocol: service.protocol,
    endpoints: endpointsOf(service).map(({ address, port }) => clientEndpoint(address, port)),
    about: describeService(topology, service),
    paths: service.realServers.flatMap((server) => pathsTo(topology, service, server)),
  };
}

function pathsTo(topology: Topology, service: VirtualService, server: RealServer): PacketPath[] {
  const path = (hops: readonly Hop[], condition?: string): PacketPath => ({ realServer: server.host, endpoint: clientEndpoint(server.address, server.port), weight: server.weight, condition, hops });
  if (!service.directors.includes(server.host)) return [path(remoteHops(topology, service, server, service.directors))];
  const others = service.directors.filter((host) => host !== server.host);
  const local = path(localHops(topology, service, server), others.length === 0 ? undefined : `while ${server.host} holds ${service.vip}`);
  return others.length === 0 ? [local] : [local, path(remoteHops(topology, service, server, others), `while ${others.join(' or ')} holds ${service.vip}`)];
}

function arrival(topology: Topology, service: VirtualService, extra: Hop['needs']): Hop {
  const [first] = endpointsOf(service);
  return {
    from: 'client',
    to: 'director',
    fromHosts: [],
    toHosts: service.directors,
    packet: {
      source: 'CIP:port',
      destination: clientEndpoint(first?.address ?? service.vip, first?.port ?? service.port),
      sourceMac: "the client's, or its last router's",
      destinationMac: directorMac(topology, service),
      outer: undefined,
    },
    rewritten: [],
    needs: [...arrivalNeeds(topology, service), ...extra],
  };
}

function directorMac(topology: Topology, service: VirtualService): string {
  const pair = service.pair === undefined ? undefined : topology.pairs.get(service.pair);
  if (pair === undefined) return "the director's";
  // RFC 5798, 7.3: 00-00-5e-00-01 for IPv4, -02 for IPv6, then the VRID.
  const prefix = service.vip.includes(':') ? '00:00:5e:00:02' : '00:00:5e:00:01';
  return pair.vmac === undefined ? "the active director's" : `the virtual router's, ${prefix}:${pair.virtualRouterId.toString(16).padStart(2, '0')}`;
}

function remoteHops(topology: Topology, service: VirtualService, server: RealServer, directors: readonly string[]): Hop[] {
  const first = arrival(topology, service, silenceNeeds(topology, service, server));
  const toServer: Hop = {
    from: 'director',
    to: 'real server',
    fromHosts: directors,
    toHosts: [server.host],
    ...forwarded(topology, service, server, directors),
    needs: [...forwardNeeds(service, server, directors), ...acceptNeeds(topology, service, server)],
  };
  return [first, toServer, ...(service.mode === 'nat' ? translatedBack(topology, service, server, directors) : [straightBack(topology, service, server)])];
}

function forwarded(topology: Topology, service: VirtualService, server: RealServer, directors: readonly string[]): { packet: Packet; rewritten: string[] } {
  const [wanted] = endpointsOf(service);
  const vip = clientEndpoint(wanted?.address ?? service.vip, wanted?.port ?? service.port);
  const macs = { sourceMac: "the active director's", destinationMac: `${server.host}'s` };
  if (service.mode === 'nat') {
    const rip = clientEndpoint(server.address, server.port);
    return { packet: { source: 'CIP:port', destination: rip, ...macs, destinationMac: `${server.host}'s, or a router's on the way`, outer: undefined }, rewritten: [`destination ${vip} -> ${rip}`, 'both MACs'] };
  }
  if (service.mode === 'dr') return { packet: { source: 'CIP:port', destination: vip, ...macs, outer: undefined }, rewritten: ['only the MACs: IP addresses and ports stay'] };
  const { type, port } = service.tunnel;
  const name = { ipip: ipInIp(service.vip, server.address), gre: 'GRE', gue: `GUE over UDP port ${String(port ?? 6080)}` }[type];
  const source = directors.map((host) => topology.directors.get(host)?.address ?? host).join(' or ');
  return {
    packet: { source: 'CIP:port', destination: vip, ...macs, destinationMac: `${server.host}'s, or a router's on the way`, outer: { encapsulation: name, source: `${source} (DIP)`, destination: server.address } },
    rewritten: [`nothing inside; a header around it (${name}), ${String(tunnelDevice(service.vip, server.address, service.tunnel).overhead)} bytes`],
  };
}

function ipInIp(vip: string, rip: string): string {
  const family = (address: string): string => (address.includes(':') ? 'IPv6' : 'IPv4');
  return family(vip) === 'IPv4' && family(rip) === 'IPv4' ? 'IP in IP' : `${family(vip)} in ${family(rip)}`;
}

function straightBack(topology: Topology, service: VirtualService, server: RealServer): Hop {
  return {
    from: 'real server',
    to: 'client',
    fromHosts: [server.host],
    toHosts: [],
    packet: answer(service, `${server.host}'s`),
    rewritten: ['nothing: the real server answers as the VIP, past the director'],
    needs: directReturnNeeds(topology, service, server),
  };
}

function translatedBack(topology: Topology, service: VirtualService, server: RealServer, directors: readonly string[]): Hop[] {
  const vip = answer(service, "the active director's");
  const rip = clientEndpoint(server.address, server.port);
  const gateway = natGateway(topology, service, server);
  return [
    {
      from: 'real server',
      to: 'director',
      fromHosts: [server.host],
      toHosts: directors,
      packet: { source: rip, destination: 'CIP:port', sourceMac: `${server.host}'s`, destinationMac: `the active director's${gateway === undefined ? '' : `, which has ${gateway}`}`, outer: undefined },
      rewritten: [],
      needs: natReturnNeeds(topology, service, server),
    },
    { from: 'director', to: 'client', fromHosts: directors, toHosts: [], packet: vip, rewritten: [`source ${rip} -> ${vip.source}`, 'both MACs'], needs: natForwardNeeds(service, server).filter((need) => need.hosts.some((host) => directors.includes(host))) },
  ];
}

function answer(service: VirtualService, sourceMac: string): Packet {
  const [wanted] = endpointsOf(service);
  return { source: clientEndpoint(wanted?.address ?? service.vip, wanted?.port ?? service.port), destination: 'CIP:port', sourceMac, destinationMac: "the client's, or the next router's", outer: undefined };
}

/** A real server that is the active director itself: no packet leaves it in between (LocalNode). */
function localHops(topology: Topology, service: VirtualService, server: RealServer): Hop[] {
  const { host } = server;
  const addresses = [...vipsOf(service), server.address];
  return [
    arrival(topology, service, []),
    { from: 'director', to: 'real server', fromHosts: [host], toHosts: [host], packet: undefined, rewritten: ['nothing leaves the host: IPVS hands the packet to its own socket (LocalNode), whatever the mode is'], needs: listening(service, host, addresses, server.port) },
    { from: 'real server', to: 'client', fromHosts: [host], toHosts: [], packet: answer(service, `${host}'s`), rewritten: [], needs: [] },
  ];
}
