import path from 'node:path';
import type { RunEvent } from '../core/events.ts';
import type { InputFile } from '../core/inputs.ts';
import { inventoriesOf, listRuns, runEvents } from '../journal/read.ts';
import type { JournaledRun, RunHeader } from '../journal/types.ts';
import type { DesiredState, DriftItem, RunMark } from './types.ts';

/** Older runs are not looked through: their events may be megabytes. */
const RUNS = 100;

/** With the last run on this inventory that set each, where the journal knows one. Journals that cannot be read count as unknown. */
export async function withRuns(items: readonly DriftItem[], origin: Pick<Origin, 'inventories' | 'cwd'>, root: string): Promise<DriftItem[]> {
  if (items.length === 0) return [];
  const found = new Map<DriftItem, RunMark>();
  // Another inventory may have another host of the same name.
  const runs = (await listRuns(root)).filter(({ header }) => sameInventories(header, origin));
  for (const { header } of runs.slice(0, RUNS)) {
    const open = items.filter((item) => !found.has(item) && header.changing.includes(item.host));
    if (open.length === 0) continue;
    const events = await eventsOf(root, header.id);
    for (const item of open) {
      const at = lastTouch(item, events);
      if (at !== undefined) found.set(item, { id: header.id, at: new Date(at).toISOString(), owner: header.owner });
    }
  }
  return items.map((item) => ({ ...item, since: { ...item.since, run: found.get(item) } }));
}

async function eventsOf(root: string, id: string): Promise<RunEvent[]> {
  try {
    return await runEvents(root, id);
  } catch {
    return [];
  }
}

/**
 * When a run last set what an item is about; milliseconds. What keepalived runs and what it fills in the kernel is set by whatever the run did to it: its file, or the daemon. Pure.
 */
export function lastTouch({ host, layer, change, module }: DriftItem, events: readonly RunEvent[]): number | undefined {
  return events.flatMap((event) => {
    if (event.type !== 'task-finished' || event.host !== host) return [];
    const touches = event.outcome.changes.some(({ path: touched }) => touched === change.path || isAttribute(change.path, touched) || isAttribute(touched, change.path));
    const keepalived = module === 'keepalived' && layer !== 'disk' && event.outcome.changes.some(({ path: touched }) => event.task.module === 'keepalived' || touched === 'keepalived.service state');
    return touches || keepalived ? [event.at] : [];
  }).at(-1);
}

/** `/etc/x mode` of `/etc/x`. */
function isAttribute(one: string, other: string): boolean {
  return other.startsWith('/') && ATTRIBUTES.some((attribute) => one === `${other} ${attribute}`);
}

const ATTRIBUTES = ['mode', 'owner', 'group', 'type'];

/** The file that a change is about. Pure. */
export function fileOf(changePath: string): string | undefined {
  if (!changePath.startsWith('/')) return undefined;
  const attribute = ATTRIBUTES.find((one) => changePath.endsWith(` ${one}`));
  return attribute === undefined ? changePath : changePath.slice(0, -attribute.length - 1);
}

/** What a drift report starts from, to find the run it follows. */
export interface Origin {
  readonly playbook: string;
  readonly inventories: readonly string[];
  readonly inputs: readonly InputFile[];
  readonly cwd: string;
}

/** Whether inventory and playbook are those of the last run of this playbook on this inventory that ended well. */
export async function desiredState(origin: Origin, root: string): Promise<DesiredState> {
  return comparedInputs(origin, await listRuns(root));
}

/** Pure. @param runs the newest first */
export function comparedInputs(origin: Origin, runs: readonly JournaledRun[]): DesiredState {
  const last = runs.find(({ header, end }) => end?.result === 'ok' && header.command !== 'rollback' && header.inputs.length > 0 && sameOrigin(header, origin));
  if (last === undefined) return { run: undefined, changed: [] };
  const { header, end } = last;
  const digests = (inputs: readonly InputFile[], cwd: string) => new Map(inputs.map((input) => [path.resolve(cwd, input.path), input.sha256]));
  const [was, is] = [digests(header.inputs, header.cwd), digests(origin.inputs, origin.cwd)];
  const changed = [...new Set([...was.keys(), ...is.keys()])].filter((file) => was.get(file) !== is.get(file));
  const shown = (file: string): string => (file.startsWith(`${origin.cwd}/`) ? path.relative(origin.cwd, file) : file);
  return { run: { id: header.id, at: end?.at ?? header.started, owner: header.owner }, changed: changed.map(shown).sort() };
}

function sameOrigin(header: RunHeader, origin: Origin): boolean {
  return path.resolve(header.cwd, header.playbook) === path.resolve(origin.cwd, origin.playbook) && sameInventories(header, origin);
}

function sameInventories(header: RunHeader, { cwd, inventories }: Pick<Origin, 'inventories' | 'cwd'>): boolean {
  return inventoriesOf(header).join('\n') === inventories.map((file) => path.resolve(cwd, file)).join('\n');
}
