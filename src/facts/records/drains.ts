import { drainChange, DRAINS_FOLDER, type DrainRecord, parseDrain } from '../../lvs/drain/record.ts';
import { defineRecords } from './records.ts';

/** Drained real servers by name, as a director has them. */
export type Drains = Readonly<Record<string, DrainRecord>>;

export const drainsFact = defineRecords<DrainRecord>({ name: 'drains', summary: 'real servers that are drained, by whom and why', folder: DRAINS_FOLDER, parse: parseDrain, about: ({ host }) => host, path: drainChange });

/** The weights that a director's records ask for. Pure. */
export function drainedWeights(drains: Drains): ReadonlyMap<string, string> {
  return new Map(Object.values(drains).map(({ host, weight }) => [host, weight]));
}
