import type { Json } from '../../core/json.ts';
import { type Owned, ownedOf, ownerWords, parseRecord } from '../owned.ts';

/**
 * Which director an operator wants a pair's virtual IPs on, kept on every director of the pair. As long as the record is there, every deploy gives that director the
 * pair's highest priority: a failover outlives reloads, restarts, reboots and other people's deploys, and has an owner.
 */
export type FailoverRecord = {
  readonly version: 1;
  /** Name of the HA pair. */
  readonly pair: string;
  /** Inventory name of the director. */
  readonly to: string;
} & Owned;

/** By pair's name, as a director has them. */
export type FailoverRecords = Readonly<Record<string, FailoverRecord>>;

/** Below the folder of what belongs to a host (core/host-state.ts). */
export const FAILOVERS_FOLDER = 'failovers';

/** A regular expression for names of pairs, also of schemas: what keepalived.conf can hold, a file may be called. */
export const PAIR_NAME = '^[A-Za-z0-9_.-]+$';

/** Path of a record. @param pair as PAIR_NAME says */
export function failoverPath(root: string, pair: string): string {
  return `${root}/${FAILOVERS_FOLDER}/${pair}.json`;
}

/** One line. Keys are in the order of the type, so that equal records are equal texts. Pure. */
export function formatFailover({ pair, to, by, reason, since, until }: FailoverRecord): string {
  return `${JSON.stringify({ version: 1, pair, to, by, reason, since, until })}\n`;
}

/** @returns undefined: it is no record of this version. Pure. */
export function parseFailover(text: string): FailoverRecord | undefined {
  const value = parseRecord(text);
  if (value === undefined) return undefined;
  const { pair, to } = value;
  return typeof pair === 'string' && typeof to === 'string' ? { version: 1, pair, to, ...ownedOf(value) } : undefined;
}

/** A failover as the path of a change; and whose failover such a path is, undefined for any other. Pure. */
export function failoverChange(pair: string): string {
  return `failover of ${pair}`;
}
export function failedOverIn(path: string): string | undefined {
  return /^failover of (\S+)$/.exec(path)?.[1];
}

/** `to lvs2 by alice@ops1: kernel upgrade, until 2026-11-24T06:00:00Z`. The director comes first. Pure. */
export function failoverWords(record: FailoverRecord): string {
  return `to ${record.to} ${ownerWords(record)}`;
}

/** The director in what `failoverWords` gave. Pure. */
export function targetInWords(words: Json): string | undefined {
  return typeof words === 'string' ? /^to (\S+) /.exec(words)?.[1] : undefined;
}

/** The directors that records name, by pair. Pure. */
export function failoverTargetsOf(records: Iterable<FailoverRecord>): ReadonlyMap<string, string> {
  return new Map([...records].map(({ pair, to }) => [pair, to]));
}
