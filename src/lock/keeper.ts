import { type LvsPlayError, messageOf } from '../core/errors.ts';
import type { KeptRun, RunEnding, RunKeeper } from '../apply/keeper.ts';
import type { JsonObject } from '../core/json.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { Locks, type ToLock } from './hold.ts';
import { endScript, releaseScript } from './script.ts';
import { EXPIRY_SECONDS } from './types.ts';

/** What the locks of a run say, and where they lie. */
export interface LockOptions {
  readonly owner: string;
  readonly command: string;
  readonly reason: string | undefined;
  readonly root: string;
  readonly beatSeconds?: number;
  readonly expirySeconds?: number;
}

/**
 * Locks all hosts that a run changes, and the other members of their HA pairs, before the first change: all of them or none. When a lock is no longer its own
 * the run stops before the next task.
 */
export function lockKeeper(options: LockOptions): RunKeeper {
  const { root, beatSeconds } = options;
  let locks: Locks | undefined;
  return {
    name: 'lock',
    begin: async (run) => {
      const held = new Locks(
        { version: 1, id: run.id, owner: options.owner, command: options.command, reason: options.reason, since: new Date().toISOString(), expiry: options.expirySeconds ?? EXPIRY_SECONDS, lasts: undefined },
        {
          root,
          ...(beatSeconds === undefined ? {} : { beatSeconds }),
          askedAt: run.startedAt,
          tell: (level, host, text) => {
            run.emit({ at: Date.now(), type: 'message', level, host, text: run.input.secrets.mask(text) });
          },
          signal: run.signal,
        },
      );
      await held.take([...hostsToLock(run.changing, run.prepared.compiled.site.topology)].map((host) => wayTo(host, run)));
      locks = held;
    },
    beforeBatch: () => settled(locks?.lost),
    beforeSteps: () => settled(locks?.lost),
    cameBack: async (_run, host) => locks?.cameBack(host),
    end: async (run, ending) => locks?.release((host) => (run.changing.includes(host) ? endScript(run.id, recordOf(run, host, ending), root) : releaseScript(run.id, root))),
  };
}

function wayTo(host: string, { prepared, changing }: KeptRun): ToLock {
  const entries = prepared.outlines.get(host)?.entries ?? [];
  return {
    host,
    target: async () => (await prepared.sessions.get(host)).target,
    // The other member of a pair may have no task in this run.
    become: entries.length === 0 || entries.some((entry) => entry.instances.some((instance) => instance.become)),
    own: changing.includes(host),
  };
}

/** What the record on a host says of a run's end. */
function recordOf(run: KeptRun, host: string, ending: RunEnding): JsonObject {
  const counts = ending.recap[host];
  const message = ending.error === undefined ? ending.stopped : messageOf(ending.error);
  return {
    at: new Date().toISOString(),
    result: ending.good ? 'ok' : ending.interrupted ? 'interrupted' : 'failed',
    changed: counts?.changed ?? 0,
    failed: counts?.failed ?? 0,
    ...(message === undefined ? {} : { message: run.input.secrets.mask(message) }),
  };
}

function settled(error: LvsPlayError | undefined): Promise<void> {
  return error === undefined ? Promise.resolve() : Promise.reject(error);
}

/** The hosts that change, and the members of the pairs that these are of. Pure. */
function hostsToLock(changing: readonly string[], topology: Topology | undefined): ReadonlySet<string> {
  const pairs = [...(topology?.pairs.values() ?? [])].filter((pair) => pair.members.some(({ host }) => changing.includes(host)));
  return new Set([...changing, ...pairs.flatMap((pair) => pair.members.map(({ host }) => host))]);
}
