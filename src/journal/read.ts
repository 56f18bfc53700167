import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunEvent } from '../core/events.ts';
import { LvsPlayError } from '../core/errors.ts';
import { isAlive } from './process.ts';
import type { JournaledRun, RunEnd, RunHeader } from './types.ts';

/** The runs of a journal, the newest first. What is no run, or of a later version, is left out. */
export async function listRuns(root: string): Promise<JournaledRun[]> {
  const names = await namesIn(root);
  const runs = await Promise.all(names.map((name) => readRun(root, name)));
  return runs.filter((run) => run !== undefined);
}

/**
 * The run that is meant: `last`, a whole id, or the beginning of exactly one.
 * @param inventories whole paths; the last run is the last one with one of these. None: of any
 * @throws LvsPlayError kind `usage` when there is none, or more than one
 */
export async function findRun(root: string, wanted: string, inventories: readonly string[] = []): Promise<JournaledRun> {
  const names = await namesIn(root);
  const run = wanted === 'last' ? await lastRun(root, names, inventories) : await theOne(root, names, wanted);
  if (run !== undefined) return run;
  const message = wanted !== 'last' ? `the journal knows no run ${wanted}` : names.length === 0 || inventories.length === 0 ? 'the journal is empty' : `the journal knows no run with ${inventories.join(', ')}`;
  throw new LvsPlayError({ code: 'unknown-run', kind: 'usage', message, hint: 'lvs-play history lists the runs of this user on this machine' });
}

async function theOne(root: string, names: readonly string[], wanted: string): Promise<JournaledRun | undefined> {
  const matching = names.includes(wanted) ? [wanted] : names.filter((name) => name.startsWith(wanted));
  const [name, ...others] = matching;
  if (others.length > 0) throw new LvsPlayError({ code: 'unknown-run', kind: 'usage', message: `${wanted} is the beginning of ${String(matching.length)} runs`, hint: `write more of it: ${matching.slice(0, 3).join(', ')}` });
  return name === undefined ? undefined : readRun(root, name);
}

async function lastRun(root: string, names: readonly string[], inventories: readonly string[]): Promise<JournaledRun | undefined> {
  for (const name of names) {
    const run = await readRun(root, name);
    if (run !== undefined && (inventories.length === 0 || inventoriesOf(run.header).some((file) => inventories.includes(file)))) return run;
  }
  return undefined;
}

/** Whole paths of a run's inventories: names alone do not tell a host, as another cluster may have the same. Pure. */
export function inventoriesOf({ cwd, options }: Pick<RunHeader, 'cwd'> & { readonly options: Pick<RunHeader['options'], 'inventories'> }): string[] {
  return options.inventories.map((file) => path.resolve(cwd, file));
}

/** The events of a run, in order. A last line that was cut short when the run was killed is left out. */
export async function runEvents(root: string, id: string): Promise<RunEvent[]> {
  const text = await readFile(path.join(root, id, 'events.ndjson'), 'utf8');
  return text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as RunEvent);
}

/** How far a maintenance is, as it was written; undefined: it is none, or had not begun. */
export function readState(root: string, id: string): Promise<unknown> {
  return readJson(path.join(root, id, 'state.json'));
}

async function namesIn(root: string): Promise<string[]> {
  try {
    return (await readdir(root)).filter((name) => /^\d{8}-\d{6}-[0-9a-f]{4}$/.test(name)).sort().reverse();
  } catch {
    return [];
  }
}

async function readRun(root: string, id: string): Promise<JournaledRun | undefined> {
  const header = await readJson<RunHeader>(path.join(root, id, 'run.json'));
  if (header?.version !== 1) return undefined;
  const end = await readJson<RunEnd>(path.join(root, id, 'end.json'));
  return { header, end, alive: end === undefined && isAlive(header) };
}

async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
