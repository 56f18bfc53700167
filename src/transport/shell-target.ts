import { LvsPlayError, messageOf } from '../core/errors.ts';
import { shellQuote } from '../core/text/quote.ts';
import { BECOME_INIT, becomeStart, explainBecomeEnd } from './become.ts';
import { ShellChannel } from './channel.ts';
import type { ChannelCounters, ChannelOptions, ShellEnd, ShellPast, ShellStreams } from './channel.ts';
import { lastLine } from './frame.ts';
import { connectionClosed, connectionLost } from './unreachable.ts';
import type { HostConnection, ShellReply, ShellRequest, Target, TargetStats } from './target.ts';

/** A way to a machine once it is open. */
export interface Session {
  /** Who logged in. */
  readonly user: string;
  /** Starts a command line through the login shell, without a terminal. */
  exec(command: string): Promise<ShellStreams>;
  /** Why the way broke, once it has. */
  failure(): LvsPlayError | undefined;
  /** Ends it in order, by force after 2 s. Never throws. */
  close(): Promise<void>;
}

/** Opens the way; called once. The signal gives it up. @throws LvsPlayError kind `unreachable` */
export type OpenSession = (signal: AbortSignal) => Promise<Session>;

/** More than a session takes to close; someone may be typing a passphrase for a session that still opens. */
const CLOSE_LIMIT_MS = 3000;

/**
 * A Target over any way that can start a command: opens it at the first request, keeps one long-lived sh for the user who
 * logged in and one for the become user (and the same again for the side lane), each only when it is asked for. What has failed stays failed until it is `reset`:
 * nothing is tried a second time behind the caller's back (a wrong sudo password would lock the account).
 */
export class ShellTarget implements Target {
  readonly host: string;
  readonly #connection: HostConnection;
  readonly #openSession: OpenSession;
  readonly #login: ChannelCounters = { requests: 0, bytesSent: 0, bytesReceived: 0 };
  readonly #become: ChannelCounters = { requests: 0, bytesSent: 0, bytesReceived: 0 };
  #connections = 0;
  #session: Promise<Session> | undefined;
  /** By privilege and lane. */
  readonly #shells = new Map<string, Promise<ShellChannel>>();
  #channels: ShellChannel[] = [];
  #abort = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(connection: HostConnection, openSession: OpenSession) {
    this.host = connection.host;
    this.#connection = connection;
    this.#openSession = openSession;
  }

  async request(request: ShellRequest): Promise<ShellReply> {
    const timeoutMs = request.timeoutMs ?? this.#connection.commandTimeoutMs;
    try {
      const channel = await this.#channel(request.become === true, request.lane ?? 'main');
      return await channel.request(request.script, timeoutMs);
    } catch (error) {
      if (error instanceof LvsPlayError) {
        if (error.code === 'command-timeout') void this.close();
        throw error;
      }
      throw connectionLost(this.host, messageOf(error));
    }
  }

  stats(): TargetStats {
    return {
      connections: this.#connections,
      requests: this.#login.requests,
      becomeRequests: this.#become.requests,
      bytesSent: this.#login.bytesSent + this.#become.bytesSent,
      bytesReceived: this.#login.bytesReceived + this.#become.bytesReceived,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async reset(): Promise<void> {
    const ended = this.#end();
    this.#shells.clear();
    this.#channels = [];
    this.#session = undefined;
    this.#closed = undefined;
    this.#abort = new AbortController();
    await ended;
  }

  async #channel(become: boolean, lane: 'main' | 'side'): Promise<ShellChannel> {
    if (this.#closed !== undefined) throw connectionClosed(this.host);
    this.#session ??= this.#open();
    const opening = this.#session;
    const session = await opening;
    if (this.#session !== opening) throw connectionClosed(this.host);
    const other = become && this.#connection.become.user !== session.user;
    const key = `${other ? 'become' : 'login'} ${lane}`;
    const shell = this.#shells.get(key) ?? (other ? this.#startBecome(session) : this.#startLogin(session));
    this.#shells.set(key, shell);
    return await shell;
  }

  async #open(): Promise<Session> {
    const session = await this.#openSession(this.#abort.signal);
    this.#connections += 1;
    return session;
  }

  async #startLogin(session: Session): Promise<ShellChannel> {
    const { host, shell } = this.#connection;
    const streams = await session.exec(`exec ${shellQuote(shell)}`);
    return this.#add(session, {
      host,
      streams,
      counters: this.#login,
      explain: (end, past) => session.failure() ?? explainShellEnd(host, shell, end, past),
    });
  }

  async #startBecome(session: Session): Promise<ShellChannel> {
    const { host, shell, become } = this.#connection;
    const { command, gate } = becomeStart(host, become.user, shell, become.password);
    const streams = await session.exec(command);
    return this.#add(session, {
      host,
      streams,
      counters: this.#become,
      init: BECOME_INIT,
      ...(gate === undefined ? {} : { gate }),
      explain: (end, past) => session.failure() ?? (past.started ? explainShellEnd(host, shell, end, past) : explainBecomeEnd(host, become.user, become.password, end, past.stderr)),
    });
  }

  async #add(session: Session, options: ChannelOptions): Promise<ShellChannel> {
    const channel = new ShellChannel(options);
    const isCurrent = (await this.#session) === session;
    if (isCurrent) this.#channels.push(channel);
    if (!isCurrent || this.#closed !== undefined) channel.close(connectionClosed(this.host));
    return channel;
  }

  async #end(): Promise<void> {
    this.#abort.abort();
    for (const channel of this.#channels) channel.close(connectionClosed(this.host));
    // A way that never opened is no matter here: whoever asked for it has the error.
    const closed = this.#session?.then(
      (session) => session.close(),
      () => undefined,
    );
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_LIMIT_MS);
    });
    await Promise.race([closed, limit]);
    clearTimeout(timer);
  }
}

/** The error for a shell that ended by itself, from what it wrote outside of frames. */
function explainShellEnd(host: string, shell: string, end: ShellEnd, past: ShellPast): LvsPlayError {
  if (end.exitCode === undefined && end.signal === undefined) {
    return connectionLost(host, undefined);
  }
  const how = end.exitCode === undefined ? `by signal ${end.signal ?? '?'}` : `with exit code ${String(end.exitCode)}`;
  // What a script had written may be a secret; what comes before the first script is the system's.
  const said = lastLine(past.stderr) ?? (past.started ? undefined : lastLine(past.stdout));
  return new LvsPlayError({
    code: 'shell-ended',
    kind: 'host',
    host,
    message: `the shell ${shell} on ${host} ended ${how}${said === undefined ? '' : `: ${said}`}`,
    hint: 'the login must be able to run a POSIX shell without a terminal; ansible_shell_executable names another one',
  });
}
