import { LvsPlayError, messageOf } from '../core/errors.ts';
import type { KeptRun, RunEnding, RunKeeper } from '../apply/keeper.ts';
import type { JsonObject } from '../core/json.ts';
import type { Topology } from '../lvs/model/topology.ts';
import type { Target } from '../transport/target.ts';
import { beatScript, endScript, parseTake, releaseScript, takeScript } from './script.ts';
import { BEAT_SECONDS, EXPIRY_SECONDS, type HeldLock, type LockOwner, type LockReply } from './types.ts';
import { ownerText, stateText } from './words.ts';

/** What the locks of a run say, and where they lie. */
export interface LockOptions {
  readonly owner: string;
  readonly command: string;
  readonly reason: string | undefined;
  readonly root: string;
  readonly beatSeconds?: number;
  readonly expirySeconds?: number;
}

/** A host of the run and the way to its lock. */
interface Locked {
  readonly host: string;
  readonly target: Target;
  readonly become: boolean;
}

/**
 * Locks all hosts that a run changes, and the other members of their HA pairs, before the first change: all of them or none. While the run goes on it
 * gives signs of life beside the steps in hand; when a lock is no longer its own it stops before the next task.
 */
export function lockKeeper(options: LockOptions): RunKeeper {
  const locked: Locked[] = [];
  const { root, beatSeconds = BEAT_SECONDS } = options;
  let lost: LvsPlayError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<unknown> = Promise.resolve();

  const beat = async (id: string, hosts: readonly Locked[] = locked): Promise<void> => {
    await Promise.all(
      hosts.map(async ({ host, target, become }) => {
        try {
          const { exitCode } = await target.request({ script: beatScript(id, root), become, lane: 'side' });
          if (exitCode === 3) lost ??= lockLost(host);
        } catch {
          // A host that cannot be reached shows in the run's own steps; until then its lock grows old.
        }
      }),
    );
  };

  const release = async (run: KeptRun, ending: RunEnding | undefined): Promise<void> => {
    clearInterval(timer);
    await beating;
    await Promise.all(
      locked.splice(0).map(async ({ host, target, become }) => {
        try {
          const script = ending === undefined || !run.changing.includes(host) ? releaseScript(run.id, root) : endScript(run.id, recordOf(run, host, ending), root);
          await target.request({ script, become });
        } catch (error) {
          warn(run, host, `its lock could not be released (${messageOf(error)}); it expires by itself`);
        }
      }),
    );
  };

  return {
    name: 'lock',
    begin: async (run) => {
      const owner: LockOwner = { version: 1, id: run.id, owner: options.owner, command: options.command, reason: options.reason, since: new Date().toISOString(), expiry: options.expirySeconds ?? EXPIRY_SECONDS, lasts: undefined };
      const [first, ...others] = [...hostsToLock(run.changing, run.prepared.compiled.site.topology)].sort();
      if (first === undefined) return;
      const lock = async (host: string): Promise<void> => {
        const taken = await lockHost(host, owner, run, root, beatSeconds);
        if (taken !== undefined) locked.push(taken);
      };
      try {
        // One before the others: of two runs that want the same hosts, one gets them.
        await lock(first);
        const results = await Promise.allSettled(others.map(lock));
        const refused = results.find((result) => result.status === 'rejected');
        if (refused !== undefined) throw refused.reason as Error;
      } catch (error) {
        await release(run, undefined);
        throw error;
      }
      timer = setInterval(() => {
        beating = beat(run.id);
      }, beatSeconds * 1000);
    },
    beforeBatch: () => settled(lost),
    beforeSteps: () => settled(lost),
    // While it was down it got no sign of life, and its lock may be as old as one that nobody holds.
    cameBack: (run, host) => beat(run.id, locked.filter((one) => one.host === host)),
    end: (run, ending) => release(run, ending),
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

/** @returns undefined: there is no lock to hold, which was said */
async function lockHost(host: string, owner: LockOwner, run: KeptRun, root: string, beatSeconds: number): Promise<Locked | undefined> {
  const entries = run.prepared.outlines.get(host)?.entries ?? [];
  // The other member of a pair may have no task in this run.
  const become = entries.length === 0 || entries.some((entry) => entry.instances.some((instance) => instance.become));
  const own = run.changing.includes(host);
  let before: HeldLock | undefined;
  for (;;) {
    let reply: LockReply;
    let target: Target;
    try {
      ({ target } = await run.prepared.sessions.get(host));
      reply = parseTake(await answerOf(target, takeScript(owner, root), become));
    } catch (error) {
      if (own || !(error instanceof LvsPlayError) || error.kind !== 'unreachable') throw asLockError(host, error);
      warn(run, host, `it is not locked: ${error.message}`);
      return undefined;
    }
    if (reply.kind === 'unprivileged') {
      warn(run, host, 'it is not locked: that needs root (become: true)');
      return undefined;
    }
    if (reply.kind === 'taken') {
      if (reply.from !== undefined) warn(run, host, `took over the lock of ${ownerText(reply.from.owner)}; ${stateText(reply.from)}`);
      // Both are spans of one clock each: the host's and ours.
      const planned = (Date.now() - run.startedAt) / 1000;
      // A host that tells whole seconds may be wrong by one: what cannot be told is no reason to refuse.
      const doubt = reply.last !== undefined && Number.isInteger(reply.last.age) ? 1 : 0;
      if (own && reply.last !== undefined && reply.last.age + doubt < planned) {
        await target.request({ script: releaseScript(run.id, root), become });
        throw changedMeanwhile(host, reply.last.run);
      }
      return { host, target, become };
    }
    const { lock } = reply;
    const sameOwner = before === undefined || before.owner.id === lock.owner.id;
    // It lives when it gave a sign since the last look, which then is younger than the time since.
    const alive = before !== undefined && sameOwner && lock.age < before.age;
    if (lock.owner.expiry === undefined || alive || !sameOwner || run.signal.aborted) throw isLocked(host, lock);
    if (before === undefined) run.emit({ at: Date.now(), type: 'message', level: 'info', host, text: `${host} is locked by ${ownerText(lock.owner)}; ${stateText(lock)}: waiting for the next one` });
    before = lock;
    await pause(Math.min(1, beatSeconds / 4), run.signal);
  }
}

async function answerOf(target: Target, script: string, become: boolean): Promise<string> {
  const reply = await target.request({ script, become });
  if (reply.exitCode !== 0) throw new Error(reply.stderr.toString('utf8').trim().split('\n')[0] ?? '');
  return reply.stdout.toString('utf8');
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

function warn(run: KeptRun, host: string, text: string): void {
  run.emit({ at: Date.now(), type: 'message', level: 'warning', host, text: run.input.secrets.mask(`${host}: ${text}`) });
}

function isLocked(host: string, lock: HeldLock): LvsPlayError {
  return new LvsPlayError({
    code: 'locked',
    kind: 'host',
    host,
    message: `${host} is locked by ${ownerText(lock.owner)}; ${stateText(lock)}`,
    hint: lock.owner.expiry === undefined ? 'ask its owner, or lvs-play lock release --force' : 'wait until that run has ended; nothing was changed',
  });
}

function lockLost(host: string): LvsPlayError {
  return new LvsPlayError({ code: 'lock-lost', kind: 'host', host, message: `${host} is no longer locked by this run: it gave no sign of life for too long, or its lock was released by force`, hint: 'look at lvs-play lock status and at what was done, then lvs-play resume' });
}

function changedMeanwhile(host: string, by: string): LvsPlayError {
  return new LvsPlayError({ code: 'changed-meanwhile', kind: 'host', host, message: `${host} was changed by run ${by} while this one was planned; nothing was changed by this one`, hint: 'run it again' });
}

function asLockError(host: string, error: unknown): LvsPlayError {
  return error instanceof LvsPlayError ? error : new LvsPlayError({ code: 'lock-failed', kind: 'host', host, message: `${host} cannot be locked: ${messageOf(error)}`, cause: error });
}
