import { setTimeout as delay } from 'node:timers/promises';
import { LvsPlayError, messageOf } from '../core/errors.ts';
import type { Target } from '../transport/target.ts';
import { beatScript, parseTake, releaseScript, takeScript } from './script.ts';
import { BEAT_SECONDS, type HeldLock, type LockOwner, type LockReply } from './types.ts';
import { ownerText, stateText } from './words.ts';

/** A host to be locked, and the way to its lock. */
export interface ToLock {
  readonly host: string;
  readonly target: () => Promise<Target>;
  readonly become: boolean;
  /** It is worked on. Otherwise it is locked where it can be reached, so that nobody works on it meanwhile. */
  readonly own: boolean;
}

export interface HoldMeans {
  /** The directory of locks on the hosts. */
  readonly root: string;
  readonly beatSeconds?: number;
  /** When the hosts began to be asked; milliseconds since the epoch. A host that another run has changed since is refused. Undefined: that does not matter. */
  readonly askedAt?: number;
  tell(level: 'info' | 'warning', host: string, text: string): void;
  readonly signal: AbortSignal;
}

interface Locked {
  readonly host: string;
  readonly target: Target;
  readonly become: boolean;
}

/** Locks on hosts, all of them or none. As long as they are held they give signs of life, beside the steps in hand. */
export class Locks {
  readonly #owner: LockOwner;
  readonly #means: HoldMeans;
  readonly #locked: Locked[] = [];
  #lost: LvsPlayError | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Signs of life under way, by host: one that answers slowly gets no second one meanwhile, and does not keep the others waiting. */
  readonly #signs = new Map<string, Promise<void>>();

  constructor(owner: LockOwner, means: HoldMeans) {
    this.#owner = owner;
    this.#means = means;
  }

  /** @throws LvsPlayError `locked`, `changed-meanwhile`, `lock-failed`, or why a host cannot be reached; then none is locked */
  async take(hosts: readonly ToLock[]): Promise<void> {
    const [first, ...others] = [...hosts].sort((a, b) => (a.host < b.host ? -1 : 1));
    if (first === undefined) return;
    try {
      // One before the others: of two that want the same hosts, one gets them.
      await this.#lock(first);
      const results = await Promise.allSettled(others.map((host) => this.#lock(host)));
      const refused = results.find((result) => result.status === 'rejected');
      if (refused !== undefined) throw refused.reason as Error;
    } catch (error) {
      await this.release();
      throw error;
    }
    this.#timer = setInterval(() => {
      for (const locked of this.#locked) {
        if (!this.#signs.has(locked.host)) this.#signs.set(locked.host, this.#sign(locked).finally(() => this.#signs.delete(locked.host)));
      }
    }, this.#beatSeconds * 1000);
  }

  /** A lock is no longer ours. */
  get lost(): LvsPlayError | undefined {
    return this.#lost;
  }

  /** While a host was down it got no sign of life, and its lock may be as old as one that nobody holds. Never throws. */
  async cameBack(host: string): Promise<void> {
    await Promise.all(this.#locked.filter((one) => one.host === host).map((one) => this.#sign(one)));
  }

  /** Gives all up. Never throws. @param script what is done on a host; default: the lock goes, without a trace */
  async release(script: (host: string) => string = () => releaseScript(this.#owner.id, this.#means.root)): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#signs.values());
    await Promise.all(
      this.#locked.splice(0).map(async ({ host, target, become }) => {
        try {
          await target.request({ script: script(host), become });
        } catch (error) {
          this.#warn(host, `its lock could not be released (${messageOf(error)}); it expires by itself`);
        }
      }),
    );
  }

  get #beatSeconds(): number {
    return this.#means.beatSeconds ?? BEAT_SECONDS;
  }

  async #sign({ host, target, become }: Locked): Promise<void> {
    try {
      const { exitCode } = await target.request({ script: beatScript(this.#owner.id, this.#means.root), become, lane: 'side' });
      if (exitCode === 3) this.#lost ??= lockLost(host);
    } catch {
      // A host that cannot be reached shows in the work itself; until then its lock grows old.
    }
  }

  async #lock(wanted: ToLock): Promise<void> {
    const { host, own, become } = wanted;
    const { root, signal, askedAt } = this.#means;
    let before: HeldLock | undefined;
    for (;;) {
      let reply: LockReply;
      let target: Target;
      try {
        target = await wanted.target();
        reply = parseTake(await answerOf(target, takeScript(this.#owner, root), become));
      } catch (error) {
        if (own || !(error instanceof LvsPlayError) || error.kind !== 'unreachable') throw asLockError(host, error);
        this.#warn(host, `it is not locked: ${error.message}`);
        return;
      }
      if (reply.kind === 'unprivileged') {
        this.#warn(host, 'it is not locked: that needs root (become: true)');
        return;
      }
      if (reply.kind === 'taken') {
        if (reply.from !== undefined) this.#warn(host, `took over the lock of ${ownerText(reply.from.owner)}; ${stateText(reply.from)}`);
        this.#locked.push({ host, target, become });
        if (own && askedAt !== undefined && reply.last !== undefined && changedSince(askedAt, reply.last.age)) throw changedMeanwhile(host, reply.last.run);
        return;
      }
      const { lock } = reply;
      const sameOwner = before === undefined || before.owner.id === lock.owner.id;
      // It lives when it gave a sign since the last look, which then is younger than the time since.
      const alive = before !== undefined && sameOwner && lock.age < before.age;
      if (lock.owner.expiry === undefined || alive || !sameOwner || signal.aborted) throw isLocked(host, lock);
      if (before === undefined) this.#means.tell('info', host, `${host} is locked by ${ownerText(lock.owner)}; ${stateText(lock)}: waiting for the next one`);
      before = lock;
      await delay(250 * Math.min(4, this.#beatSeconds), undefined, { signal }).catch(() => undefined);
    }
  }

  #warn(host: string, text: string): void {
    this.#means.tell('warning', host, `${host}: ${text}`);
  }
}

/** Both are spans of one clock each: the host's and ours. @param age seconds since another run ended there */
function changedSince(askedAt: number, age: number): boolean {
  // A host that tells whole seconds may be wrong by one: what cannot be told is no reason to refuse.
  const doubt = Number.isInteger(age) ? 1 : 0;
  return age + doubt < (Date.now() - askedAt) / 1000;
}

async function answerOf(target: Target, script: string, become: boolean): Promise<string> {
  const reply = await target.request({ script, become });
  if (reply.exitCode !== 0) throw new Error(reply.stderr.toString('utf8').trim().split('\n')[0] ?? '');
  return reply.stdout.toString('utf8');
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
