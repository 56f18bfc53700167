import { sharesOf } from '../../lvs/drain/shares.ts';
import { listensAt, type LocalSockets, localPlaces } from '../../lvs/drain/sockets.ts';
import { formatEndpoint } from '../../lvs/model/ip.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import type { Check } from '../types.ts';

/** Somebody listens on the very address that clients' packets have when they arrive: in DR and TUN the virtual IP, not the server's own. Pure. */
export function judgeListeners(topology: Topology, host: string, sockets: readonly LocalSockets[]): Check {
  const places = sharesOf(topology, host).flatMap(({ service, server }) => localPlaces(service, server).map((place) => ({ service: service.name, ...place })));
  const silent = places.filter((place) => !listensAt(sockets, place));
  const check = { name: 'listener', subject: host, expected: places.map(({ address, port }) => formatEndpoint(address, port)).join(', ') } as const;
  const measured = `${String(places.length - silent.length)} of ${String(places.length)} addresses of services listened to`;
  if (silent.length === 0) return { ...check, verdict: 'pass', measured };
  const reasons = silent.map(({ service, address, port }) => {
    const elsewhere = sockets.filter((socket) => socket.listening && socket.port === port).map((socket) => socket.address);
    return `${service}: nobody listens on ${formatEndpoint(address, port)}${elsewhere.length === 0 ? '' : `, only on ${elsewhere.join(', ')}`}`;
  });
  return { ...check, verdict: 'fail', measured, reason: reasons.join('; ') };
}
