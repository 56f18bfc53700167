import { isJsonObject } from '../../core/json.ts';
import { shellQuote } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';

/** What a run saved on a host, and how that compares with what is there now. */
export type SavedState = {
  /** absent: that run saved nothing here, or it was forgotten since. */
  readonly state: 'absent' | 'present';
  /** Hosts of that run. */
  readonly hosts: readonly string[];
  /** Tasks of that run whose doing cannot be undone. */
  readonly commands: readonly string[];
  /** Paths that units read, by unit. */
  readonly unitFiles: Readonly<Record<string, readonly string[]>>;
  readonly things: readonly SavedThing[];
  readonly packages: readonly PackageChange[];
};

/** One thing: a file, a kernel parameter, a unit. Values are the host's own words for it; null: not known. */
export type SavedThing = {
  readonly kind: string;
  readonly key: string;
  readonly before: string | null;
  /** At the end of that run. */
  readonly after: string | null;
  readonly now: string | null;
  /** base64 of small files that differ. */
  readonly savedText?: string;
  readonly presentText?: string;
};

/** The texts of a small file that differs, as saved and as present; '' where there is none. Pure. */
export function textsOf({ savedText, presentText }: SavedThing): { readonly saved: string; readonly present: string } {
  const [saved, present] = [savedText, presentText].map((base64) => Buffer.from(base64 ?? '', 'base64').toString('utf8')) as [string, string];
  return { saved, present };
}

export type PackageChange = {
  /** `run+`: came with the run; `run-`: went with it; `since+`, `since-`: later. */
  readonly when: 'run+' | 'run-' | 'since+' | 'since-';
  readonly name: string;
  readonly version: string;
};

const NOTHING_SAVED: SavedState = { state: 'absent', hosts: [], commands: [], unitFiles: {}, things: [], packages: [] };

/** Key: the folder of a run on the host. Its own script on the host reads both states in one go. */
export const savedStateFact = defineFact<SavedState>({
  name: 'saved_state',
  summary: 'what a run saved before it changed the host, and what is there now',
  script: (keys) =>
    keys
      .map((folder) => {
        const script = shellQuote(`${folder}/undo`);
        return `echo '==='; if [ -e ${script} ]; then sh ${script} tell || exit 1; fi`;
      })
      .join('\n'),
  parse: (output, keys) => {
    const sections = output.toString('utf8').split(/^===\n/m).slice(1);
    if (sections.length !== keys.length) throw new Error('the saved states are incomplete');
    return new Map(keys.map((key, index) => [key, stateOf(sections[index] ?? '')]));
  },
});

function stateOf(text: string): SavedState {
  if (text.trim() === '') return NOTHING_SAVED;
  const [record = '', ...rest] = text.split(/^--- /m);
  const sections = new Map(rest.map((section) => [section.slice(0, section.indexOf('\n')), section.slice(section.indexOf('\n') + 1)]));
  if (!sections.has('texts')) throw new Error('the saved state is incomplete');
  const { hosts, keys, commands, unitFiles } = readRecord(record);
  const [before, after, now] = ['before', 'after', 'now'].map((name) => valuesOf(sections.get(name) ?? ''));
  const texts = valuesOf(sections.get('texts') ?? '', /^(\d+ (?:was|now)) (.*)$/gm);
  return {
    state: 'present',
    hosts,
    commands,
    unitFiles,
    things: keys.map(({ kind, key }, id) => {
      const savedText = texts.get(`${String(id)} was`);
      const presentText = texts.get(`${String(id)} now`);
      const value = (values: ReadonlyMap<string, string> | undefined): string | null => values?.get(String(id)) ?? null;
      return { kind, key, before: value(before), after: value(after), now: value(now), ...(savedText === undefined ? {} : { savedText }), ...(presentText === undefined ? {} : { presentText }) };
    }),
    packages: [...(sections.get('packages') ?? '').matchAll(/^(run\+|run-|since\+|since-) (\S+) (\S+) (\S+)$/gm)].map(([, when, name = '', version = '', state = '']) => ({ when: when as PackageChange['when'], name, version: state === 'installed' ? version : state })),
  };
}

function valuesOf(text: string, line = /^(\d+) (.*)$/gm): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(line)].map(([, id = '', value = '']) => [id, value]));
}

function readRecord(text: string): { hosts: string[]; commands: string[]; unitFiles: Record<string, string[]>; keys: { kind: string; key: string }[] } {
  const record: unknown = JSON.parse(text);
  if (!isJsonObject(record) || record['version'] !== 1) throw new Error('the saved state is of another version of lvs-play');
  const strings = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []);
  const keys: unknown[] = Array.isArray(record['keys']) ? record['keys'] : [];
  return {
    hosts: strings(record['hosts']),
    commands: strings(record['commands']),
    unitFiles: isJsonObject(record['unitFiles']) ? Object.fromEntries(Object.entries(record['unitFiles']).map(([unit, files]) => [unit, strings(files)])) : {},
    keys: keys.map((one) => ({ kind: textAt(one, 'kind'), key: textAt(one, 'key') })),
  };
}

function textAt(value: unknown, name: string): string {
  const text = isJsonObject(value) ? value[name] : undefined;
  return typeof text === 'string' ? text : '';
}
