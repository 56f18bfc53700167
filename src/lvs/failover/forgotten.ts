import type { Topology } from '../model/topology.ts';
import type { FailoverRecord, FailoverRecords } from './record.ts';

/** A failover with the directors that know of it. */
export interface KnownFailover {
  readonly record: FailoverRecord;
  readonly on: readonly string[];
  /** Why nobody seems to think of it any more; null: somebody does. */
  readonly forgotten: string | null;
}

/** Every failover that directors have a record of, by pair. @param now milliseconds since the epoch. Pure. */
export function forgottenFailovers(topology: Topology, directors: readonly { readonly host: string; readonly failovers: FailoverRecords }[], now: number): KnownFailover[] {
  const names = [...new Set(directors.flatMap(({ failovers }) => Object.keys(failovers)))].sort();
  return names.flatMap((name): KnownFailover[] => {
    const having = directors.filter(({ failovers }) => failovers[name] !== undefined);
    const record = having[0]?.failovers[name];
    if (record === undefined) return [];
    return [{ record, on: having.map(({ host }) => host), forgotten: whyForgotten(topology, directors, record, now) }];
  });
}

function whyForgotten(topology: Topology, directors: readonly { readonly host: string; readonly failovers: FailoverRecords }[], { pair: name, to, until }: FailoverRecord, now: number): string | null {
  const members = topology.pairs.get(name)?.members.map(({ host }) => host);
  if (members === undefined) return 'it is no pair of the inventory any more';
  if (!members.includes(to)) return `${to} is no member of it any more`;
  if (until !== null && Date.parse(until) <= now) return `it was to be over at ${until}`;
  const asked = directors.filter(({ host }) => members.includes(host));
  const without = asked.filter(({ failovers }) => failovers[name] === undefined);
  if (without.length > 0) return `${without.map(({ host }) => host).join(', ')} ${without.length === 1 ? 'knows' : 'know'} nothing of it`;
  const others = asked.flatMap(({ host, failovers }) => (failovers[name] === undefined || failovers[name].to === to ? [] : [`${host} has it to ${failovers[name].to}`]));
  return others.length === 0 ? null : others.join(', ');
}
