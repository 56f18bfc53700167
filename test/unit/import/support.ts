import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { importAll, type Imported } from '../../../src/import/import.ts';
import type { Note } from '../../../src/import/types.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import { buildSite } from '../../../src/plan/site.ts';
import { createTemplateEngine } from '../../../src/template/engine.ts';

const folders: string[] = [];
afterAll(async () => {
  await Promise.all(folders.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));
});

/** A folder that is gone when the file's tests are. */
async function folder(): Promise<string> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-import-'));
  folders.push(dir);
  return dir;
}

/** Imports texts as files: `lvs1@10.0.0.1=a.sh` -> text. The paths in notes are the files' names. */
export async function imported(files: Readonly<Record<string, string>>, options: { withSecrets?: boolean } = {}): Promise<Imported & { readonly dir: string }> {
  const dir = await folder();
  const args: string[] = [];
  for (const [argument, text] of Object.entries(files)) {
    const name = argument.slice(argument.indexOf('=') + 1);
    await writeFile(path.join(dir, name), text);
    args.push(`${argument.slice(0, argument.length - name.length)}${path.join(dir, name)}`);
  }
  return { ...(await importAll({ files: args, as: undefined, live: [], known: new Map(), withSecrets: options.withSecrets ?? false })), dir };
}

/** What our own loader makes of an inventory. */
export async function topologyOf(text: string): Promise<Topology> {
  const dir = await folder();
  const file = path.join(dir, 'hosts.yml');
  await writeFile(file, text);
  const { topology } = buildSite(await loadInventory([file]), {}, createTemplateEngine());
  if (topology === undefined) throw new Error('no topology');
  return topology;
}

/** Ids of bugs with their places: `ipvsadm-clear a.sh:3`. */
export function bugs(notes: readonly Note[]): string[] {
  return notes.filter(({ kind }) => kind === 'bug').map(({ id, position }) => `${id ?? ''} ${position === undefined ? '' : `${path.basename(position.file)}:${String(position.line)}`}`.trim()).sort();
}

export function texts(notes: readonly Note[], kind: Note['kind']): string[] {
  return notes.filter((note) => note.kind === kind).map(({ text }) => text);
}
