import { shellQuote } from '../../core/quote.ts';
import { FAILOVERS_FOLDER, type FailoverRecords, parseFailover } from '../../lvs/failover/record.ts';
import { defineFact } from '../contract.ts';

/** Key: the folder of what belongs to a host (core/host-state.ts). No process where nothing is moved. */
export const failoversFact = defineFact<FailoverRecords>({
  name: 'failovers',
  summary: 'pairs that an operator has moved to another director, by whom and why',
  script: (keys) =>
    keys.map((root) => `echo ===; for file in ${shellQuote(`${root}/${FAILOVERS_FOLDER}`)}/*.json; do if [ -f "$file" ]; then cat "$file"; fi; done`).join('\n'),
  parse: (output, keys) => {
    const sections = output.toString('utf8').split(/^===\n/m).slice(1);
    if (sections.length !== keys.length) throw new Error('the failovers are incomplete');
    return new Map(
      keys.map((key, index) => {
        const records = (sections[index] ?? '').split('\n').flatMap((line) => parseFailover(line) ?? []);
        return [key, Object.fromEntries(records.map((record) => [record.pair, record]))];
      }),
    );
  },
  aspects: (records) => Object.fromEntries(Object.entries(records).map(([pair, record]) => [`failover of ${pair}`, { ...record }])),
});
