import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';
import type { LabPaths } from './paths.ts';
import { labPaths, labsRoot } from './paths.ts';
import type { LabSpec } from '../spec.ts';

/** What is written of a lab before anything of it is made. The nodes' processes are in files of their own. */
export interface LabState {
  readonly version: 1;
  /** `starting` until every sshd answered; one that stays so is a leftover. */
  readonly phase: 'starting' | 'up';
  /** The image its disks are laid over. */
  readonly image: string;
  /** Absolute, as given to `-i`. */
  readonly inventories: readonly string[];
  readonly spec: LabSpec;
}

/** Never half a file: beside it, then renamed. */
export async function writeState(lab: LabPaths, state: LabState): Promise<void> {
  await mkdir(lab.dir, { recursive: true, mode: 0o700 });
  await writeFile(`${lab.state}.new`, JSON.stringify(state, null, 2));
  await rename(`${lab.state}.new`, lab.state);
}

/** Undefined when there is none, or none that can be read: then what is there is a leftover. */
export async function readState(lab: LabPaths): Promise<LabState | undefined> {
  try {
    const state = JSON.parse(await readFile(lab.state, 'utf8')) as Partial<LabState>;
    return state.version === 1 ? (state as LabState) : undefined;
  } catch {
    return undefined;
  }
}

/** Every lab with a folder, whether whole or left over, by name. */
export async function knownLabs(root = labsRoot()): Promise<LabPaths[]> {
  const names = await readdir(root, { withFileTypes: true }).catch(() => []);
  return names.filter((entry) => entry.isDirectory() && /^[a-z0-9]/.test(entry.name)).map((entry) => labPaths(entry.name, root)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** How a command line says which lab it means. */
export interface LabChoice {
  readonly name?: string | undefined;
  /** Paths given to `-i`: a lab's overlay, or the inventory it was made from. */
  readonly inventories?: readonly string[] | undefined;
}

/**
 * Which lab is meant: the one named, the one of the inventory, or the only one.
 * @throws LvsPlayError `lab-unknown` or `lab-which`
 */
export async function chooseLab(choice: LabChoice, root = labsRoot()): Promise<LabPaths> {
  const known = await knownLabs(root);
  const upHint = known.length === 0 ? 'start one: lvs-play lab up -i INVENTORY' : `up: ${known.map((lab) => lab.name).join(', ')}`;
  if (choice.name !== undefined) {
    const { name } = labPaths(choice.name, root);
    return known.find((lab) => lab.name === name) ?? unknown(`no lab named ${name} is up`, upHint);
  }
  const given = (choice.inventories ?? []).map((inventory) => path.resolve(inventory));
  const states = await Promise.all(known.map(async (lab) => ({ lab, inventories: [lab.overlay, ...((await readState(lab))?.inventories ?? [])] })));
  const meant = given.length === 0 ? known : states.filter(({ inventories }) => given.some((inventory) => inventories.includes(inventory))).map(({ lab }) => lab);
  const [only, ...others] = meant;
  if (only === undefined) return unknown(given.length === 0 ? 'no lab is up' : `no lab of ${given.join(', ')} is up`, upHint);
  if (others.length === 0) return only;
  throw new LvsPlayError({ code: 'lab-which', kind: 'usage', message: `several labs are up: ${meant.map((lab) => lab.name).join(', ')}`, hint: 'say which with --name' });
}

function unknown(message: string, hint: string): never {
  throw new LvsPlayError({ code: 'lab-unknown', kind: 'usage', message, hint });
}
