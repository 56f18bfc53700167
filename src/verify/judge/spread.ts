import { destinationIn } from '../../lvs/drain/shares.ts';
import { keyOfService, parseProcNetIpVs } from '../../lvs/ipvs/table.ts';
import { formatEndpoint } from '../../lvs/model/ip.ts';
import { vipsOf } from '../../lvs/model/lookups.ts';
import type { VirtualService } from '../../lvs/model/topology.ts';
import type { Missing } from '../../observe/observation.ts';
import { unknownCheck } from '../report.ts';
import type { Check, DirectorState } from '../types.ts';
import { judgeShares, schedulerWords, type Share } from './schedulers.ts';

/** What all vantages together sent to a service. */
export interface Sent {
  /** Tries to connect. */
  readonly tries: number;
  /** Of these, connections that came about. */
  readonly connections: number;
  /** Vantages that sent them. */
  readonly clients: number;
}

/**
 * How new connections were spread over the real servers between two looks at the active director's counters. These count the connections of all clients, not only ours:
 * what is judged still holds then, or is not judged. Pure. @param missing directors of the service that gave no answer
 */
export function judgeSpread(service: VirtualService, before: DirectorState | undefined, after: DirectorState | undefined, sent: Sent, missing: readonly Missing[] = []): Check {
  const persistent = service.persistence !== undefined;
  const check = { name: 'spread', subject: service.name, expected: persistent ? 'one server for one client' : schedulerWords(service.scheduler, service.schedulerFlags) } as const;
  const skip = (measured: string, reason: string): Check => ({ ...check, verdict: 'skip', measured, reason });
  if ((before === undefined || after === undefined) && missing.length > 0) return unknownCheck(check, missing);
  if (before === undefined) return skip('not measured', 'no director holds the VIP');
  if (after?.host !== before.host) return skip('not measured', `the VIP left ${before.host} meanwhile`);
  const [start, end] = [countsOf(service, before), countsOf(service, after)];
  if (start === undefined || end === undefined) return skip('not measured', `${after.host} gave no counters (is ipvsadm installed there?)`);
  if ([...start.keys()].sort().join() !== [...end.keys()].sort().join()) return skip('not measured', 'a health check removed or added a real server meanwhile');
  const [known, then] = [listOf(service, before), listOf(service, after)];
  if (JSON.stringify(known.map(weightOf)) !== JSON.stringify(then.map(weightOf))) return skip('not measured', 'weights were changed meanwhile');
  const shares = known.flatMap(({ server, ...share }) => {
    const now = end.get(server);
    return now === undefined ? [] : [{ ...share, count: now - (start.get(server) ?? 0) }];
  });
  if (shares.some(({ count }) => count < 0)) return skip('not measured', 'a health check removed a real server and added it again meanwhile');
  const total = shares.reduce((sum, { count }) => sum + count, 0);
  const others = Math.max(0, total - sent.tries);
  const counts = shares.length === 0 ? 'no real server is in the table' : shares.toSorted((a, b) => a.written - b.written).map(({ host, count }) => `${host} ${String(count)}`).join(', ');
  const measured = others === 0 ? counts : `${counts} (${String(others)} of these by other clients)`;
  if (total === 0) return { ...check, verdict: 'fail', measured, reason: 'no connection was passed on' };
  if (total < sent.connections) {
    return { ...check, verdict: 'fail', measured, reason: `${String(sent.connections)} connections came about and ${String(total)} of them passed ${after.host}: somebody else answers for the virtual IP` };
  }
  // A full server is passed over by every scheduler, and closed connections count for a while.
  if (service.realServers.some(({ upperThreshold }) => upperThreshold > 0)) return skip(measured, 'connection thresholds: a full server is passed over');
  const judged = judgeShares(service.scheduler, { shares, ours: sent.connections, others: total - sent.connections, clients: sent.clients, flags: service.schedulerFlags, persistent, oneAddress: vipsOf(service).length === 1 });
  return { ...check, ...judged, measured };
}

function countsOf(service: VirtualService, state: DirectorState): ReadonlyMap<string, number> | undefined {
  return state.connections.get(keyOfService(service));
}

type Listed = Omit<Share, 'count'> & {
  /** `192.168.0.18:80`. */
  readonly server: string;
  /** Its place in the topology. */
  readonly written: number;
};

/** Real servers with the weights that the kernel gives them, in the order of its list: that in which schedulers go round. Those that it does not have come last, as the topology has them. */
function listOf(service: VirtualService, state: DirectorState): Listed[] {
  const table = parseProcNetIpVs(state.ipvs ?? '');
  const all = table.services.flatMap(({ destinations }) => destinations);
  const place = (server: VirtualService['realServers'][number]): number => {
    const found = destinationIn(table, { service, server });
    return found === undefined ? all.length : all.indexOf(found);
  };
  return service.realServers
    .map((server, written) => ({ server, written, place: place(server) }))
    .sort((a, b) => a.place - b.place)
    .map(({ server, written, place: at }) => ({ written, server: formatEndpoint(server.address, server.port), host: server.host, weight: all[at]?.weight ?? server.weight, active: all[at]?.activeConnections ?? 0 }));
}

function weightOf({ server, weight }: Listed): readonly [string, number] {
  return [server, weight];
}
