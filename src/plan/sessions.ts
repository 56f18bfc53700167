import type { Json, JsonObject } from '../core/json.ts';
import type { FactDef } from '../facts/contract.ts';
import type { HostConnection, Target } from '../transport/target.ts';
import { CONTROLLER } from './compile/compile.ts';
import type { RunInput } from './input.ts';
import type { TaskInstance } from './compile/instantiate.ts';
import type { Scopes } from './scope.ts';
import { HostSession } from './session.ts';

/** What connecting needs of a run's input. */
export type ConnectionInput = Pick<RunInput, 'engine' | 'secrets' | 'connector' | 'connectionOf'>;

/** What a host said to one question. */
export interface HostAnswer {
  readonly host: string;
  /** Who was asked: the become user of the connection, and whether the question was his. */
  readonly user: string;
  readonly become: boolean;
  readonly fact: FactDef;
  readonly key: string;
  readonly value: Json;
}

/** The open hosts of a run. A host is connected when it is first needed, once for each become user. */
export class Sessions {
  readonly #input: ConnectionInput;
  readonly #scopes: Scopes;
  readonly #open = new Map<string, Map<string, Promise<HostSession>>>();
  readonly #connections = new Map<string, HostConnection>();

  constructor(input: ConnectionInput, scopes: Scopes) {
    this.#input = input;
    this.#scopes = scopes;
  }

  /** The session that an instance's requests go over. Another become user than the host's own needs a connection of its own. */
  readonly of = (instance: TaskInstance): Promise<HostSession> =>
    this.get(instance.onController ? CONTROLLER : instance.host, instance.become ? instance.becomeUser : undefined);

  get(host: string, becomeUser?: string): Promise<HostSession> {
    const connection = this.#connectionOf(host);
    const user = becomeUser ?? connection.become.user;
    const ofHost = this.#open.get(host) ?? new Map<string, Promise<HostSession>>();
    this.#open.set(host, ofHost);
    const session = ofHost.get(user) ?? this.#connect({ ...connection, become: { ...connection.become, user } });
    ofHost.set(user, session);
    return session;
  }

  /** Works out how a host is reached, without reaching for it. @throws LvsPlayError kind `input` for wrong or undefined connection variables */
  check(host: string): void {
    this.#connectionOf(host);
  }

  /** Every open session of a host: a step's stale facts concern them all. */
  async openOf(host: string): Promise<HostSession[]> {
    return fulfilled([...(this.#open.get(host)?.values() ?? [])]);
  }

  /** What every host answered up to now. */
  async answers(): Promise<readonly HostAnswer[]> {
    const found: HostAnswer[] = [];
    for (const [host, ofHost] of this.#open) {
      for (const [user, opening] of ofHost) {
        const [session] = await fulfilled([opening]);
        for (const { def, key, value, become } of session?.answers() ?? []) found.push({ host, user, become, fact: def, key, value });
      }
    }
    return found;
  }

  async targets(): Promise<Target[]> {
    const all = await fulfilled([...this.#open.values()].flatMap((ofHost) => [...ofHost.values()]));
    return all.map((session) => session.target);
  }

  async close(): Promise<void> {
    await Promise.all((await this.targets()).map((target) => target.close()));
  }

  async #connect(connection: HostConnection): Promise<HostSession> {
    return new HostSession(await this.#input.connector.connect(connection));
  }

  #connectionOf(host: string): HostConnection {
    const known = this.#connections.get(host);
    if (known !== undefined) return known;
    const scope = this.#scopes.hostScope(host);
    const written: JsonObject = Object.fromEntries(Object.entries(scope.vars).filter(([name]) => name.startsWith('ansible_')));
    const connection = this.#input.connectionOf(host, this.#input.engine.renderValue(written, scope) as JsonObject);
    for (const secret of [connection.password, connection.become.password]) if (secret !== undefined) this.#input.secrets.add(secret);
    this.#connections.set(host, connection);
    return connection;
  }
}

async function fulfilled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises);
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
