import { LvsPlayError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import { type Owned, ownedOf, ownerWords, parseRecord } from '../owned.ts';

/**
 * Why a real server gets less than its weight, kept on every director that balances to it. As long as the record is there, every deploy gives the server the
 * record's weight: a drain outlives reloads, restarts and a failover, and has an owner.
 */
export type DrainRecord = {
  readonly version: 1;
  /** Inventory name of the real server. */
  readonly host: string;
  readonly weight: DrainWeight;
  /** The run that wrote it. */
  readonly run: string | null;
} & Owned;

/** `0`, a whole number that its weight does not rise above, or a share of its weight: `25%`. */
export type DrainWeight = string;

/** Below the folder of what belongs to a host (core/host-state.ts). */
export const DRAINS_FOLDER = 'drains';

/** A regular expression for DrainWeight, also of schemas. */
export const DRAIN_WEIGHT = '^(?:0|[1-9][0-9]{0,8}|(?:[1-9][0-9]?|100)%)$';
const WEIGHT = new RegExp(DRAIN_WEIGHT);
/** Names of hosts as file names: nothing that a path would take for something else. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._:-]*$/;

export function isDrainWeight(text: string): boolean {
  return WEIGHT.test(text);
}

/** What a record makes of a configured weight. One that was above 0 and is not drained stays above 0. Pure. */
export function weightUnder(weight: DrainWeight, configured: number): number {
  if (configured === 0) return 0;
  if (!weight.endsWith('%')) return Math.min(Number(weight), configured);
  return Math.max(1, Math.floor((configured * Number(weight.slice(0, -1))) / 100));
}

/** Path of a record. @throws LvsPlayError kind `input` for a name that no file can have */
export function drainPath(root: string, host: string): string {
  return `${root}/${DRAINS_FOLDER}/${hostFile(host)}.json`;
}

/** Whether a file can have a host's name. */
export function isHostFile(name: string): boolean {
  return FILE_NAME.test(name);
}

/** A host's name as that of a file. @throws LvsPlayError kind `input` for one that no file can have */
export function hostFile(host: string): string {
  if (isHostFile(host)) return host;
  throw new LvsPlayError({ code: 'bad-host-name', kind: 'input', message: `${JSON.stringify(host)} cannot be the name of a file, which a drain needs`, hint: 'give the host a name of letters, digits and . _ : -' });
}

/** One line. Keys are in the order of the type, so that equal records are equal texts. Pure. */
export function formatDrain({ host, weight, by, reason, since, until, run }: DrainRecord): string {
  return `${JSON.stringify({ version: 1, host, weight, by, reason, since, until, run })}\n`;
}

/** @returns undefined: it is no record of this version. Pure. */
export function parseDrain(text: string): DrainRecord | undefined {
  const value = parseRecord(text);
  if (value === undefined) return undefined;
  const { host, weight, run } = value;
  if (typeof host !== 'string' || typeof weight !== 'string' || !isDrainWeight(weight)) return undefined;
  return { version: 1, host, weight, ...ownedOf(value), run: typeof run === 'string' ? run : null };
}

/** A drain as the path of a change; and whose drain such a path is, undefined for any other. Pure. */
export function drainChange(host: string): string {
  return `drain of ${host}`;
}
export function drainedIn(path: string): string | undefined {
  return /^drain of (\S+)$/.exec(path)?.[1];
}

/** `weight 0 by alice@ops1: kernel upgrade, until 2026-11-24T06:00:00Z`. The weight comes first. Pure. */
export function drainWords(record: DrainRecord): string {
  return `weight ${record.weight} ${ownerWords(record)}`;
}

/** The weight in what `drainWords` gave. Pure. */
export function weightInWords(words: Json): DrainWeight | undefined {
  const [, weight] = typeof words === 'string' ? (/^weight (\S+) /.exec(words) ?? []) : [];
  return weight;
}
