import type { DrainLeft } from './cluster.ts';

/** What becomes of clients that persistence binds to a drained server: they are waited for, or sent elsewhere with their next connection. */
export type PersistenceChoice = 'wait' | 'expire';

/** Looks in a row that must find nothing: a connection may be between two of them. */
const EMPTY_LOOKS = 2;

/** How a drain goes on; the looks it was told of, the oldest first. Times are milliseconds. */
export interface DrainHistory {
  readonly looks: readonly { readonly at: number; readonly left: readonly DrainLeft[] }[];
  /** When each peer that is still there was first seen, by `host peer`. */
  readonly seen: ReadonlyMap<string, number>;
}

export const NO_LOOKS: DrainHistory = { looks: [], seen: new Map() };

/** For how long looks are kept: what was before tells little of what is next. */
const MEMORY_MS = 120_000;

/** Pure. */
export function withLook({ looks, seen }: DrainHistory, at: number, left: readonly DrainLeft[]): DrainHistory {
  const peers = left.flatMap(({ host, peers: names }) => names.map((peer) => `${host} ${peer}`));
  return { looks: [...looks.filter((look) => at - look.at <= MEMORY_MS), { at, left }], seen: new Map(peers.map((peer) => [peer, seen.get(peer) ?? at])) };
}

/** What is still waited for, over all hosts. Pure. */
export function remaining(left: readonly DrainLeft[], persistence: PersistenceChoice): number {
  return left.reduce((sum, { connections, flows, templates }) => sum + connections + flows + (persistence === 'wait' ? templates : 0), 0);
}

/** Nothing is sent there any more and nothing is left, several looks in a row. Pure. */
export function isDrained({ looks }: DrainHistory, persistence: PersistenceChoice): boolean {
  const last = looks.slice(-EMPTY_LOOKS);
  return last.length === EMPTY_LOOKS && last.every(({ left }) => left.every(({ stillSent, blind }) => !blind && stillSent.length === 0) && remaining(left, persistence) === 0);
}

/** Seconds until nothing is left, if it goes on as in the looks that are kept; undefined: it does not get less. Pure. */
export function secondsLeft({ looks }: DrainHistory, persistence: PersistenceChoice): number | undefined {
  const [first, last] = [looks[0], looks.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return undefined;
  const [before, now] = [remaining(first.left, persistence), remaining(last.left, persistence)];
  if (now === 0) return 0;
  if (now >= before) return undefined;
  return Math.ceil((now * (last.at - first.at)) / (before - now) / 1000);
}

/** The peer that has been there longest, as far as peers are named; `since` is when it was first seen. Pure. */
export function oldestPeer({ seen }: DrainHistory): { readonly host: string; readonly peer: string; readonly since: number } | undefined {
  const [first] = [...seen].sort(([, a], [, b]) => a - b);
  if (first === undefined) return undefined;
  const [host = '', peer = ''] = first[0].split(' ');
  return { host, peer, since: first[1] };
}

/** `rs1: 12 connections, 3 templates; lvs1 (web: weight 1)`; what is left on each host, in words. Pure. */
export function leftWords(left: readonly DrainLeft[], persistence: PersistenceChoice): string {
  return left
    .map(({ host, connections, told, flows, templates, stillSent, blind }) => {
      if (blind) return `${host}: nobody can tell, as no director holds the virtual IP`;
      const parts = [
        counted(connections, 'connection') + (told === 'directors' ? ' (as the directors count)' : ''),
        ...(flows > 0 ? [`${counted(flows, 'flow')} without an end of its own`] : []),
        ...(templates > 0 ? [`${counted(templates, 'persistence template')}${persistence === 'expire' ? ' that no new connection follows' : ''}`] : []),
        ...(stillSent.length > 0 ? [`still sent there by ${stillSent.join(', ')}`] : []),
      ];
      return `${host}: ${parts.join(', ')}`;
    })
    .join('; ');
}

/** `1 connection`, `2 connections`. */
export function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}
