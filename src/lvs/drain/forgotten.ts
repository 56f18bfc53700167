import type { Topology } from '../model/topology.ts';
import type { DrainRecord } from './record.ts';

/** A drain with the directors that know of it. */
export interface KnownDrain {
  readonly record: DrainRecord;
  readonly on: readonly string[];
  /** Why nobody seems to think of it any more; null: somebody does. */
  readonly forgotten: string | null;
}

/** Every drain that directors have a record of, by host. @param now milliseconds since the epoch. Pure. */
export function forgottenDrains(topology: Topology, directors: readonly { readonly host: string; readonly drains: Readonly<Record<string, DrainRecord>> }[], now: number): KnownDrain[] {
  const hosts = [...new Set(directors.flatMap(({ drains }) => Object.keys(drains)))].sort();
  return hosts.flatMap((host): KnownDrain[] => {
    const having = directors.filter(({ drains }) => drains[host] !== undefined);
    const record = having[0]?.drains[host];
    if (record === undefined) return [];
    const services = [...topology.services.values()].filter(({ realServers }) => realServers.some((server) => server.host === host));
    const without = directors.filter((director) => director.drains[host] === undefined && services.some((service) => service.directors.includes(director.host)));
    const forgotten =
      services.length === 0
        ? 'it is no real server of the inventory any more'
        : record.until !== null && Date.parse(record.until) <= now
          ? `it was to be over at ${record.until}`
          : without.length > 0
            ? `${without.map((director) => director.host).join(', ')} knows nothing of it`
            : null;
    return [{ record, on: having.map((director) => director.host), forgotten }];
  });
}
