import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { mustRun } from '../process.ts';

/** Keeps what switched-off nodes wrote over their image. @param disks file of each node, by its name @param folder is made */
export async function saveDisks(disks: ReadonlyMap<string, string>, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await Promise.all([...disks].map(([host, disk]) => copySparse(disk, kept(folder, host))));
}

/** Gives nodes that have not started yet the disks that were kept for hosts of their names; the others have none. */
export async function copyDisks(folder: string, disks: ReadonlyMap<string, string>): Promise<void> {
  await Promise.all(
    [...disks].map(async ([host, disk]) => {
      const from = kept(folder, host);
      if (await access(from).then(() => true, () => false)) await copySparse(from, disk);
    }),
  );
}

function kept(folder: string, host: string): string {
  return path.join(folder, `${host}.cow`);
}

/** A disk is 1.5 GB long, and some 20 MB of that are written. */
async function copySparse(from: string, to: string): Promise<void> {
  await mustRun(['cp', '--sparse=always', '--', from, to]);
}
