import { rename, rm, writeFile } from 'node:fs/promises';
import { LvsPlayError, messageOf } from '../core/errors.ts';

/** Whole or not at all: it may be read at any moment. @param option that names the file. @throws LvsPlayError kind `usage` when it cannot be written */
export async function replaceFile(option: string, file: string, text: string): Promise<void> {
  const next = `${file}.${String(process.pid)}.new`;
  try {
    await writeFile(next, text, { mode: 0o644 });
    await rename(next, file);
  } catch (cause) {
    await rm(next, { force: true });
    throw new LvsPlayError({ code: `${option.slice(2)}-file`, kind: 'usage', message: `${option} ${file}: ${messageOf(cause)}`, cause });
  }
}
