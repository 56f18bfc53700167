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
 * @throws LvsPlayError kind `usage` when there is none, or more than one
 */
export async function findRun(root: string, wanted: string): Promise<JournaledRun> {
  const names = await namesIn(root);
  const matching = wanted === 'last' ? names.slice(0, 1) : names.includes(wanted) ? [wanted] : names.filter((name) => name.startsWith(wanted));
  const [name, ...others] = matching;
  const run = name === undefined || others.length > 0 ? undefined : await readRun(root, name);
  if (run !== undefined) return run;
  const message = others.length > 0 ? `${wanted} is the beginning of ${String(matching.length)} runs` : wanted === 'last' ? 'the journal is empty' : `the journal knows no run ${wanted}`;
  throw new LvsPlayError({ code: 'unknown-run', kind: 'usage', message, hint: others.length > 0 ? `write more of it: ${matching.slice(0, 3).join(', ')}` : 'lvs-play history lists the runs of this user on this machine' });
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
