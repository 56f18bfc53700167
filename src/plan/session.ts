import { randomBytes } from 'node:crypto';
import { LvsPlayError } from '../core/errors.ts';
import type { FactPatch, FactRequest, StaleFacts } from '../facts/contract.ts';
import { gatherScript, parseGather } from '../facts/gather.ts';
import { type Answer, FactStore } from '../facts/store.ts';
import type { Target } from '../transport/target.ts';

/** A question and the privilege it is asked with: a file that root reads may be closed to the user who logged in. */
export interface Question {
  readonly request: FactRequest;
  readonly become: boolean;
}

/** One host of a run: its open target and what is known of it, by privilege. */
export class HostSession {
  readonly target: Target;
  readonly #stores = new Map<boolean, FactStore>();

  constructor(target: Target) {
    this.target = target;
  }

  /** What is known under a privilege. An immutable value: planning patches its own copy. */
  store(become: boolean): FactStore {
    return this.#stores.get(become) ?? FactStore.empty;
  }

  /** Everything that is known, by privilege. */
  answers(): readonly (Answer & { readonly become: boolean })[] {
    return [...this.#stores].flatMap(([become, store]) => store.answers().map((answer) => ({ ...answer, become })));
  }

  /** Asks what is not known yet: one request for each privilege concerned, none when all is known. */
  async ask(questions: readonly Question[]): Promise<void> {
    for (const become of [false, true]) {
      const missing = this.store(become).missing(questions.filter((question) => question.become === become).map((question) => question.request));
      if (missing.length === 0) continue;
      const nonce = newNonce();
      const reply = await this.target.request({ script: gatherScript(missing, nonce), become });
      try {
        // The store as it is by now: another task may have asked in the meantime.
        this.#stores.set(become, this.store(become).merged(parseGather(reply.stdout, missing, nonce)));
      } catch (cause) {
        throw new LvsPlayError({
          code: 'facts-unreadable',
          kind: 'host',
          host: this.target.host,
          message: `${this.target.host}: ${cause instanceof Error ? cause.message : String(cause)}${stderrTail(reply.stderr)}`,
          cause,
        });
      }
    }
  }

  /** Opens the connection and its shell, and that of the become user. @throws LvsPlayError when that fails */
  async reach(become: boolean): Promise<void> {
    const nonce = newNonce();
    const reply = await this.target.request({ script: `echo ${nonce}`, become });
    if (reply.exitCode === 0 && reply.stdout.toString('utf8').trim() === nonce) return;
    throw new LvsPlayError({ code: 'shell-unusable', kind: 'host', host: this.target.host, message: `${this.target.host}: its shell does not answer as it is asked${stderrTail(reply.stderr)}` });
  }

  /** Steps were carried out: these answers are doubtful now, under every privilege. */
  markStale(stale: readonly StaleFacts[]): void {
    for (const [become, store] of this.#stores) this.#stores.set(become, store.stale(stale));
  }
}

/** What a dry run expects to be known: starts as a session's stores and is patched as the plan goes on. */
export class PredictedFacts {
  readonly #session: HostSession;
  readonly #stores: Map<boolean, FactStore>;
  readonly #doubts: StaleFacts[] = [];

  constructor(session: HostSession) {
    this.#session = session;
    this.#stores = new Map([false, true].map((become) => [become, session.store(become)]));
  }

  store(become: boolean): FactStore {
    return this.#stores.get(become) ?? FactStore.empty;
  }

  /** Asks the host what was never asked; what is predicted stays. */
  async learn(questions: readonly Question[]): Promise<void> {
    const missing = questions.filter(({ request, become }) => this.store(become).missing([request]).length > 0);
    if (missing.length === 0) return;
    await this.#session.ask(missing);
    for (const [become, store] of this.#stores) this.#stores.set(become, this.#session.store(become).doubted(this.#doubts).merged(store));
  }

  /** A planned task changes something: what it expects of the answers, and which of them its steps make doubtful, also ones that are only asked later. */
  change(expected: readonly FactPatch[], stale: readonly StaleFacts[]): void {
    this.#doubts.push(...stale);
    for (const [become, store] of this.#stores) this.#stores.set(become, store.patched(expected).doubted(stale));
  }
}

/** Unpredictable, so that no output of a host can imitate a frame. */
export function newNonce(): string {
  return randomBytes(12).toString('hex');
}

function stderrTail(stderr: Buffer): string {
  const line = stderr.toString('utf8').trim().split('\n').at(-1) ?? '';
  return line === '' ? '' : ` (${line})`;
}
