import { shellQuote } from '../../core/quote.ts';
import { DRAINS_FOLDER, type DrainRecord, parseDrain } from '../../lvs/drain/record.ts';
import { defineFact } from '../contract.ts';

/** Drained real servers by name, as a director has them. */
export type Drains = Readonly<Record<string, DrainRecord>>;

/** Key: the folder of what belongs to a host (core/host-state.ts). No process where nothing is drained. */
export const drainsFact = defineFact<Drains>({
  name: 'drains',
  summary: 'real servers that are drained, by whom and why',
  script: (keys) =>
    keys.map((root) => `echo ===; for file in ${shellQuote(`${root}/${DRAINS_FOLDER}`)}/*.json; do if [ -f "$file" ]; then cat "$file"; fi; done`).join('\n'),
  parse: (output, keys) => {
    const sections = output.toString('utf8').split(/^===\n/m).slice(1);
    if (sections.length !== keys.length) throw new Error('the drains are incomplete');
    return new Map(
      keys.map((key, index) => {
        const records = (sections[index] ?? '').split('\n').flatMap((line) => parseDrain(line) ?? []);
        return [key, Object.fromEntries(records.map((record) => [record.host, record]))];
      }),
    );
  },
  aspects: (drains) => Object.fromEntries(Object.entries(drains).map(([host, record]) => [`drain of ${host}`, { ...record }])),
});

/** The weights that a director's records ask for. Pure. */
export function drainedWeights(drains: Drains): ReadonlyMap<string, string> {
  return new Map(Object.values(drains).map(({ host, weight }) => [host, weight]));
}
