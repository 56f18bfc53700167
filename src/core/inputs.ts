import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** A file that a run was made from. */
export interface InputFile {
  /** As a person would type it from here: relative below the working directory, else absolute. */
  readonly path: string;
  /** Hexadecimal, of its bytes as they lie there: of a vaulted file the ciphertext. */
  readonly sha256: string;
  /** It may hold a secret that is written plainly: its digest would let somebody who knows the rest try passwords. */
  readonly suspicious: boolean;
}

/** Words that stand beside passwords. */
export const SUSPICIOUS = /pass|secret|token|credential|(?:private|api)[ _-]?key/i;

/**
 * Every file that a run was made from, noted where it is read: playbook, roles, includes, templates, copied files, inventory, variables.
 * Key files and files of passwords are not among them.
 */
export class InputFiles {
  readonly #files = new Map<string, InputFile>();

  /** Reads a file and notes it. Throws what `readFile` does; nothing is noted then. */
  async read(file: string): Promise<Buffer> {
    const bytes = await readFile(file);
    const name = displayPath(path.resolve(file));
    const text = bytes.toString('latin1');
    const suspicious = SUSPICIOUS.test(text) && !text.startsWith('$ANSIBLE_VAULT;');
    this.#files.set(name, { path: name, sha256: createHash('sha256').update(bytes).digest('hex'), suspicious });
    return bytes;
  }

  async readText(file: string): Promise<string> {
    return (await this.read(file)).toString('utf8');
  }

  /** Sorted by path. */
  list(): readonly InputFile[] {
    return [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}

/** A path as a person would type it from here: relative below the working directory, else absolute. */
export function displayPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}
