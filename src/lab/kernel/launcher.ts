import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { LabPaths } from '../state/paths.ts';

/** From a node's folder, where its kernel runs: LD_PRELOAD separates by spaces and colons, which a lab's own path may hold. */
const LIBRARY = 'ptrace-xstate.so';
const FROM_NODE = `../../${LIBRARY}`;

/**
 * Pure: the bash script that starts a node's kernel. A guest's reboot runs the first word of its command line again, in the same process and with every
 * descriptor still open; the tap could then not be opened a second time. So that word is this script, which closes them.
 * @param preload as LD_PRELOAD names it; set for the kernel alone, which takes it out of its environment again (ptrace-xstate.c): this script sets it anew at each reboot
 */
export function launcherScript(preload: string | undefined): string {
  return `#!/bin/bash
for descriptor in /proc/$$/fd/*; do
  descriptor=\${descriptor##*/}
  if [ "$descriptor" -gt 2 ]; then eval "exec $descriptor>&-"; fi
done 2>/dev/null
${preload === undefined ? '' : `LD_PRELOAD=${preload} `}exec -a "$0" linux.uml "$@"
`;
}

/** Writes a lab's launcher, with a copy of the library that its kernels need, if any: clearing the cache does no harm to a lab that is up. */
export async function writeLauncher(lab: Pick<LabPaths, 'dir' | 'launcher'>, library: string | undefined): Promise<void> {
  if (library !== undefined) await copyFile(library, path.join(lab.dir, LIBRARY));
  await writeFile(lab.launcher, launcherScript(library === undefined ? undefined : FROM_NODE), { mode: 0o755 });
}
