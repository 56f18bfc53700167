import type { Json, JsonObject } from '../../core/json.ts';
import { shellQuote } from '../../core/text/quote.ts';
import { defineFact, type FactDef } from '../contract.ts';

/** Records that a host keeps of one kind, each in a file of one line. */
interface RecordsSpec<T extends JsonObject> {
  readonly name: string;
  readonly summary: string;
  /** Below the folder of what belongs to the host. */
  readonly folder: string;
  /** Undefined: it is none of this version, and passed over. */
  readonly parse: (line: string) => T | undefined;
  /** What it is about: a name that no other record has. */
  readonly about: (record: T) => string;
  /** A record as the path of a change. */
  readonly path: (about: string) => string;
}

/** A fact of what a host has records of, by what they are about. Key: the folder of what belongs to a host (core/host-state.ts). No process where there is none. */
export function defineRecords<T extends JsonObject>({ name, summary, folder, parse, about, path }: RecordsSpec<T>): FactDef<Readonly<Record<string, T>>> {
  return defineFact<Readonly<Record<string, T>>>({
    name,
    summary,
    script: (keys) => keys.map((root) => `echo ===; for file in ${shellQuote(`${root}/${folder}`)}/*.json; do if [ -f "$file" ]; then cat "$file"; fi; done`).join('\n'),
    parse: (output, keys) => {
      const sections = output.toString('utf8').split(/^===\n/m).slice(1);
      if (sections.length !== keys.length) throw new Error(`the ${name} are incomplete`);
      return new Map(
        keys.map((key, index) => {
          const records = (sections[index] ?? '').split('\n').map((line) => parse(line)).filter((record) => record !== undefined);
          return [key, Object.fromEntries(records.map((record) => [about(record), record]))];
        }),
      );
    },
    aspects: (records): Readonly<Record<string, Json>> => Object.fromEntries(Object.entries(records).map(([key, record]) => [path(key), { ...record }])),
  });
}
