import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { LvsPlayError } from '../core/errors.ts';
import { MARKER } from './state/marker.ts';
import type { LabMarker } from './state/marker.ts';
import { runInteractive } from './process.ts';

/** The lab whose overlay is among the inventories; undefined for ordinary ones. Reads at most a small file per path. */
export function labOfInventories(inventories: readonly string[]): LabMarker | undefined {
  for (const inventory of inventories) {
    try {
      return JSON.parse(readFileSync(path.join(inventory, MARKER), 'utf8')) as LabMarker;
    } catch {
      // No lab's: most inventories are files, or folders without the marker.
    }
  }
  return undefined;
}

/** Whether this process runs in the network namespace of that name. Undefined when there is none of that name. */
export function isInside(namespace: string): boolean | undefined {
  try {
    const [own, other] = [statSync('/proc/self/ns/net'), statSync(`/run/netns/${namespace}`)];
    return own.ino === other.ino && own.dev === other.dev;
  } catch {
    return undefined;
  }
}

/**
 * A lab's nodes are reached only from its namespace. So when an inventory given with `-i` is a lab's overlay and this process is
 * outside, this very command is run again inside, with the same terminal; it ends with this process if that is killed.
 * @returns its exit status, or undefined when there is nothing to enter and the command is to run here
 * @throws LvsPlayError `lab-down` when the lab of the overlay is gone
 */
export async function enterLabIfNeeded(inventories: readonly string[]): Promise<number | undefined> {
  const marker = labOfInventories(inventories);
  if (marker === undefined) return undefined;
  const inside = isInside(marker.namespace);
  if (inside === true) return undefined;
  if (inside === undefined) {
    throw new LvsPlayError({ code: 'lab-down', kind: 'input', message: `the lab ${marker.name} of this inventory is not up`, hint: `start it: lvs-play lab up --name ${marker.name} -i INVENTORY` });
  }
  const [, script = '', ...args] = process.argv;
  return runInteractive(['ip', 'netns', 'exec', marker.namespace, 'setpriv', '--pdeathsig', 'KILL', process.execPath, ...process.execArgv, script, ...args]);
}
