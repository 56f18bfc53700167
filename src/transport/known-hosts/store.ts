import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseKnownHosts } from './known-hosts.ts';
import type { KnownHost } from './known-hosts.ts';

/** The known_hosts files of a run: each read once, however many hosts ask. */
export class KnownHostsStore {
  readonly #files = new Map<string, Promise<KnownHost[]>>();
  #writing: Promise<void> = Promise.resolve();

  /** The entries of all files, in order; a file that cannot be read has none. */
  async entries(files: readonly string[]): Promise<KnownHost[]> {
    return (await Promise.all(files.map((file) => this.#read(file)))).flat();
  }

  /**
   * Adds a line at the end, in one write, so that other programs see all of it or nothing and none of their lines is lost. What is no
   * ordinary file (/dev/null) stays as it is.
   * @throws Error when the file cannot be written
   */
  append(file: string, line: string): Promise<void> {
    const write = this.#writing.then(() => appendLine(file, line));
    this.#writing = write.catch(() => undefined);
    return write.then(() => {
      this.#files.delete(file);
    });
  }

  #read(file: string): Promise<KnownHost[]> {
    let entries = this.#files.get(file);
    if (entries === undefined) {
      entries = readFile(file, 'utf8').then(
        (text) => parseKnownHosts(text, file),
        () => [],
      );
      this.#files.set(file, entries);
    }
    return entries;
  }
}

async function appendLine(file: string, line: string): Promise<void> {
  const existing = await stat(file).catch(() => undefined);
  if (existing !== undefined && !existing.isFile()) return;
  // ~/.ssh, and nothing above it.
  await mkdir(dirname(file), { mode: 0o700 }).catch(() => undefined);
  const handle = await open(file, 'a+', 0o600);
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    await handle.write(`${size > 0 && last[0] !== 0x0a ? '\n' : ''}${line}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
