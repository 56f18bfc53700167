import { readFile, stat, statfs } from 'node:fs/promises';
import path from 'node:path';

/** A folder, and the file system it is on. */
export interface Place {
  /** As asked for, whether it exists yet or not. */
  readonly path: string;
  readonly freeBytes: number;
  readonly noexec: boolean;
  readonly readOnly: boolean;
  /** Of the file system, the same for two places on one. */
  readonly device: number;
}

/** What is known of a folder, or of the nearest one above it that exists. Undefined when that cannot be asked. */
export async function readPlace(folder: string): Promise<Place | undefined> {
  for (let existing = folder; ; existing = path.dirname(existing)) {
    const found = await stat(existing).catch(() => undefined);
    if (found === undefined) {
      if (existing === path.dirname(existing)) return undefined;
      continue;
    }
    const [room, mounts] = await Promise.all([statfs(existing).catch(() => undefined), readFile('/proc/self/mountinfo', 'utf8').catch(() => '')]);
    if (room === undefined) return undefined;
    const options = mountOptions(mounts, existing);
    return { path: folder, freeBytes: room.bavail * room.bsize, noexec: options.has('noexec'), readOnly: options.has('ro'), device: found.dev };
  }
}

/** Pure: the options of the mount that a path is on, by /proc/self/mountinfo (proc(5)); of several over one another, the last. */
export function mountOptions(mountinfo: string, file: string): ReadonlySet<string> {
  let best = { point: '', options: '' };
  for (const line of mountinfo.split('\n')) {
    const [, , , , point = '', options = ''] = line.split(' ');
    const mounted = point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const above = mounted === '/' || file === mounted || file.startsWith(`${mounted}/`);
    if (point !== '' && above && mounted.length >= best.point.length) best = { point: mounted, options };
  }
  return new Set(best.options.split(','));
}

/** Pure: whether the memory of guests, a file that they run programs from, can lie there. */
export function canHoldMemory(place: Place | undefined, bytes: number): boolean {
  return place !== undefined && !place.noexec && !place.readOnly && place.freeBytes >= bytes;
}

/** Pure: a guest's memory is a file that is unlinked at once. A container's /dev/shm may be too small for all of them, and is often mounted noexec. */
export function memoryFolder(shm: Place | undefined, bytes: number, fallback: string): string {
  return shm !== undefined && canHoldMemory(shm, bytes) ? shm.path : fallback;
}
