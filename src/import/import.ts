import { readFile } from 'node:fs/promises';
import { LvsPlayError, messageOf } from '../core/errors.ts';
import type { Draft } from './cluster/draft.ts';
import { mergeSources, type HostSources } from './cluster/merge.ts';
import type { HostSetup } from './host/setup.ts';
import { inventoryText } from './inventory-text.ts';
import { readKeepalivedFile, readKeepalivedLive } from './keepalived-source.ts';
import type { LiveHost } from './live.ts';
import { reviewDraft } from './review.ts';
import { separateSecrets } from './secrets.ts';
import { detectKind, parseSource, readInto, Setups, SOURCE_KINDS, type SourceKind } from './sources.ts';
import type { KeepalivedImport, Note } from './types.ts';

export interface ImportOptions {
  /** `FILE`, `HOST=FILE`, `HOST@ADDRESS=FILE`. */
  readonly files: readonly string[];
  /** Undefined: by content. */
  readonly as: SourceKind | undefined;
  readonly live: readonly LiveHost[];
  /** Inventory names with their addresses. */
  readonly known: ReadonlyMap<string, string>;
  readonly withSecrets: boolean;
}

export interface Imported {
  /** The inventory. */
  readonly text: string;
  readonly notes: readonly Note[];
  /** Our own loader takes it as it is. */
  readonly sound: boolean;
  /** Before passwords were set apart, for masking them. */
  readonly merged: Draft;
}

/** Reads all sources and makes one inventory. @throws LvsPlayError kind `input` for a file that cannot be read or is of no known kind */
export async function importAll(options: ImportOptions): Promise<Imported> {
  const setups = new Setups();
  const configurations = new Map<HostSetup, KeepalivedImport>();
  const files = options.files.map((argument) => parseSource(argument));
  for (const source of files) {
    const text = await textOf(source.path);
    const kind = options.as ?? detectKind(text);
    if (kind === undefined) throw new LvsPlayError({ code: 'unknown-source', kind: 'input', message: `${source.path} is none of ${SOURCE_KINDS.join(', ')}`, hint: 'say what it is with --as' });
    const setup = setups.of(source);
    if (kind === 'keepalived') configurations.set(setup, readKeepalivedFile(source.path, text, source.host));
    else readInto(setup, kind, text, source.path);
  }
  const live = options.live.map((host): HostSources => ({ setup: host.setup, keepalived: readKeepalivedLive(host) }));
  const sources = [...setups.all().map((setup): HostSources => ({ setup, keepalived: configurations.get(setup) })), ...live];
  const merged = mergeSources(sources, options.known);
  const { draft, sound } = reviewDraft(separateSecrets(merged, options.withSecrets), sources);
  const heads = [...files.map(({ path }) => path), ...options.live.map(({ setup }) => setup.name ?? setup.ownAddress ?? 'a host')];
  return { text: inventoryText(draft, heads), notes: draft.notes, sound, merged };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new LvsPlayError({ code: 'unreadable-file', kind: 'input', message: `${path} cannot be read: ${messageOf(error)}`, hint: 'check the path; HOST=FILE names the host that the file belongs to', cause: error });
  }
}
