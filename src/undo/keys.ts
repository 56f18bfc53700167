import { HOST_STATE } from '../core/host-state.ts';
import { flaggedIn, FLAGS_FOLDER } from '../lvs/drain/flags.ts';
import { drainedIn, drainPath } from '../lvs/drain/record.ts';
import { failedOverIn, failoverPath } from '../lvs/failover/record.ts';
import type { Change } from '../modules/contract.ts';
import type { FactRequest } from '../facts/contract.ts';
import type { UndoKey } from './kinds/contract.ts';
import { impliedSysctls } from './kinds/system/sysctls.ts';

const ROUTES: readonly UndoKey[] = [
  { kind: 'route', key: '4' },
  { kind: 'route', key: '6' },
];

/** One may come with anything: a service that starts, a rule, a tunnel. */
export const ALWAYS: readonly UndoKey[] = [{ kind: 'module', key: '*' }];

/** Nobody knows what a command touches. What would cut the controller off is saved; all else that it does stays. */
export const OF_COMMANDS: readonly UndoKey[] = [{ kind: 'address', key: '*' }, ...ROUTES];

/** What a task may change, from what it asks about: the fact is the unit of undo. Pure. */
export function keysOfRequest({ fact, key }: Pick<FactRequest, 'key'> & { readonly fact: { readonly name: string } }): readonly UndoKey[] {
  switch (fact.name) {
    case 'content':
    case 'file':
      return [{ kind: 'file', key }, ...parentsOf(key)];
    case 'sysctl':
      return [key, ...impliedSysctls(key)].map((one) => ({ kind: 'sysctl', key: one }));
    case 'address':
      return [{ kind: 'address', key }, ...ROUTES];
    case 'default_route':
      return ROUTES;
    case 'unit':
      return [{ kind: 'unit', key }];
    case 'package':
    case 'package_candidate':
      return [{ kind: 'package', key: '*' }];
    case 'firewall':
      return [{ kind: 'firewall', key }];
    case 'tunnel':
      return [{ kind: 'tunnel', key }];
    // Kernel modules are always saved, services of the kernel's table by what changes of it.
    default:
      return [];
  }
}

/** What only a change itself tells: which virtual services, and that a directory goes with all that is in it. Pure. */
export function keysOfChange({ path, before, after }: Pick<Change, 'path' | 'before' | 'after'>): readonly UndoKey[] {
  const [, service] = /^ipvs ((?:TCP|UDP|SCTP) \S+|FWM \d+(?: IPv6)?)(?: |$)/.exec(path) ?? [];
  if (service !== undefined) return [{ kind: 'ipvs', key: service }];
  if (path === 'ipvs time-outs') return [{ kind: 'ipvs', key: 'timeouts' }];
  const drained = drainedIn(path);
  if (drained !== undefined) return keysOfRequest({ fact: { name: 'file' }, key: drainPath(HOST_STATE, drained) });
  const failedOver = failedOverIn(path);
  if (failedOver !== undefined) return keysOfRequest({ fact: { name: 'file' }, key: failoverPath(HOST_STATE, failedOver) });
  if (flaggedIn(path) !== undefined) return keysOfRequest({ fact: { name: 'file' }, key: path });
  if (path === FLAGS_FOLDER) return [{ kind: 'parent', key: FLAGS_FOLDER }];
  if (path.startsWith('/') && before === 'directory' && after !== 'directory') return [{ kind: 'tree', key: path }];
  return [];
}

/** Each once, in a stable order: `known` first, as their places are their numbers on the host. */
export function mergeKeys(known: readonly UndoKey[], more: readonly UndoKey[]): readonly UndoKey[] {
  const all = new Map([...known, ...more].map((key) => [idOf(key), key]));
  // A tree holds the attributes of its own directory.
  return [...all.values()].filter((key) => key.kind !== 'file' || known.some((one) => idOf(one) === idOf(key)) || !all.has(idOf({ kind: 'tree', key: key.key })));
}

/** Whether all of `keys` are among `known`. */
export function covers(known: readonly UndoKey[], keys: readonly UndoKey[]): boolean {
  const ids = new Set(known.map(idOf));
  return keys.every((key) => ids.has(idOf(key)) || (key.kind === 'file' && ids.has(idOf({ kind: 'tree', key: key.key }))));
}

function idOf({ kind, key }: UndoKey): string {
  return `${kind}\0${key}`;
}

/** Directories above a path that a run or a package may make; those directly below `/` are there. */
function parentsOf(path: string): UndoKey[] {
  const parts = path.split('/').slice(1, -1);
  return parts.flatMap((_, index): UndoKey[] => (index === 0 ? [] : [{ kind: 'parent', key: `/${parts.slice(0, index + 1).join('/')}` }]));
}
