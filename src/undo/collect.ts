import type { Change } from '../modules/contract.ts';
import type { TaskInstance } from '../plan/compile/instantiate.ts';
import type { PreparedRun } from '../plan/prepare.ts';
import type { OutlineEntry } from '../plan/plan-host.ts';
import type { UndoKey } from './kinds/contract.ts';
import { ALWAYS, keysOfChange, keysOfRequest, mergeKeys, OF_COMMANDS } from './keys.ts';

/** What a run may touch on one host. */
export interface Touched {
  readonly keys: readonly UndoKey[];
  /** Paths by the unit that reads them. */
  readonly unitFiles: ReadonlyMap<string, readonly string[]>;
  /** Names of tasks whose doing cannot be undone. */
  readonly commands: readonly string[];
  readonly become: boolean;
}

const COMMANDS = ['command', 'shell'];

/** What one task may touch. @param changes those that it is about to make, where they are known */
export function keysOfInstance({ work, task, onController }: Pick<TaskInstance, 'work' | 'task' | 'onController'>, changes: readonly Pick<Change, 'path' | 'before' | 'after'>[]): readonly UndoKey[] {
  if (work.kind !== 'ready' || onController) return [];
  return [...(COMMANDS.includes(task.module) ? OF_COMMANDS : []), ...work.requests.flatMap(keysOfRequest), ...changes.flatMap(keysOfChange)];
}

/** What a prepared run may touch on a host, by its plan: the tasks that are due, and the handlers that they call. Pure. */
export function collectTouched(prepared: Pick<PreparedRun, 'outlines' | 'plan'>, host: string): Touched {
  const rows = prepared.plan.plays.flatMap((play) => play.tasks).filter((row) => row.host === host);
  const due = new Map(rows.filter((row) => row.changes.length > 0 || row.status === 'runs' || row.status === 'deferred').map((row) => [row.task.id, row]));
  const entries = prepared.outlines.get(host)?.entries ?? [];
  const instances = entries.flatMap((entry) => entry.instances.map((instance) => ({ entry, instance }))).filter(({ instance }) => due.has(instance.ref.id) && !instance.onController);
  const keys = instances.flatMap(({ instance }) => keysOfInstance(instance, due.get(instance.ref.id)?.changes ?? []));
  return {
    keys: mergeKeys([], [...keys, ...ALWAYS]),
    unitFiles: unitFiles(instances, entries, keys),
    commands: instances.filter(({ instance }) => COMMANDS.includes(instance.task.module)).map(({ instance }) => instance.ref.name),
    become: instances.some(({ instance }) => instance.become),
  };
}

/** A unit reads the files of its own task (keepalived's), those of tasks that call a handler on it, and its unit file. */
function unitFiles(instances: readonly { readonly entry: OutlineEntry; readonly instance: TaskInstance }[], entries: readonly OutlineEntry[], keys: readonly UndoKey[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  const add = (units: readonly string[], files: readonly string[]): void => {
    for (const unit of units) found.set(unit, new Set([...(found.get(unit) ?? []), ...files]));
  };
  for (const { entry, instance } of instances) {
    const files = keysNamed(instance, 'content');
    if (files.length === 0) continue;
    add(keysNamed(instance, 'unit'), files);
    for (const handler of entries.filter((one) => one.handler && one.hostPlay.index === entry.hostPlay.index)) {
      if ([handler.task.name, ...handler.task.listen].some((name) => instance.task.notify.includes(name))) add(handler.instances.flatMap((one) => keysNamed(one, 'unit')), files);
    }
  }
  for (const { kind, key } of keys) {
    if (kind === 'unit') add([key], [`/etc/systemd/system/${key}`]);
  }
  return new Map([...found].map(([unit, files]) => [unit, [...files]]));
}

function keysNamed({ work }: TaskInstance, fact: string): string[] {
  return work.kind === 'ready' ? work.requests.filter((request) => request.fact.name === fact).map(({ key }) => key) : [];
}
