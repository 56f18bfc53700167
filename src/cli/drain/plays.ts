import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newRunId } from '../../core/run-id.ts';
import type { Plays } from '../../drain/plays.ts';
import { journalDir } from '../../journal/place.ts';

/** Plays that are made here, of a drain for example, lie beside the journal: a resume of their run reads them again. */
function playsDir(): string {
  return path.join(journalDir(), '..', 'plays');
}

/** @returns the file */
export async function keepPlays(plays: Plays): Promise<string> {
  await mkdir(playsDir(), { recursive: true, mode: 0o700 });
  const file = path.join(playsDir(), `${newRunId(new Date())}.yml`);
  await writeFile(file, JSON.stringify(plays, null, 2), { mode: 0o600 });
  return file;
}

export function isMadeHere(playbook: string): boolean {
  return path.dirname(path.resolve(playbook)) === playsDir();
}
