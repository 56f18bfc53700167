import type { Duplex } from 'node:stream';
import { userInfo } from 'node:os';
import { LvsPlayError, messageOf } from '../../core/errors.ts';
import { KnownHostsStore } from '../known-hosts/store.ts';
import { ShellTarget } from '../shell-target.ts';
import type { Session } from '../shell-target.ts';
import { execShell, login } from './client.ts';
import type { LoggedIn, LoginQuestion, SshShared } from './client.ts';
import { dialProxyCommand, dialTcp, parseJump } from './dial.ts';
import type { Wire } from './dial.ts';
import { KeyStore } from './keys.ts';
import type { AskPassphrase } from './keys.ts';
import { SshConfigReader } from './resolve.ts';
import type { HostConnection, Target } from '../target.ts';
import { connectionClosed } from '../unreachable.ts';

export interface SshOptions {
  readonly home: string;
  readonly passphrase: AskPassphrase | undefined;
  onWarning(text: string, host: string): void;
}

const CLOSE_GRACE_MS = 2000;
const MAX_JUMPS = 8;

/** Targets over ssh2 that share what is read once per run: ssh_config, known_hosts, keys and passphrases. */
export class SshTargets {
  readonly #config: SshConfigReader;
  readonly #shared: SshShared;

  constructor(options: SshOptions) {
    this.#config = new SshConfigReader({ home: options.home, user: userInfo().username });
    this.#shared = { knownHosts: new KnownHostsStore(), keys: new KeyStore(options.passphrase), warn: options.onWarning.bind(options) };
  }

  /** Nothing is sent before the first request. */
  target(connection: HostConnection): Target {
    return new ShellTarget(connection, (signal) => this.#open(connection, signal));
  }

  async #open(connection: HostConnection, signal: AbortSignal): Promise<Session> {
    const { host } = connection;
    const settings = await this.#config.settings({
      host,
      address: connection.address,
      user: connection.user,
      port: connection.port,
      identityFile: connection.privateKeyFile,
      connectTimeoutMs: connection.connectTimeoutMs,
      args: connection.sshArgs,
    });
    // An explicit ConnectTimeout among the arguments comes back here; else it is connectTimeoutMs, rounded up to seconds.
    const timeoutMs = settings.connectTimeout === undefined || settings.connectTimeout === Math.ceil(connection.connectTimeoutMs / 1000) ? connection.connectTimeoutMs : settings.connectTimeout * 1000;
    const question = { host, settings, identityFile: connection.privateKeyFile, password: connection.password, timeoutMs };
    const opened = await this.#logIn(question, configFile(connection.sshArgs), signal, 0);
    return {
      user: settings.user,
      exec: (command) => execShell(host, opened.loggedIn, command),
      failure: () => opened.loggedIn.failure(),
      close: () => opened.close(),
    };
  }

  async #logIn(question: LoginQuestion, config: readonly string[], signal: AbortSignal, depth: number): Promise<{ loggedIn: LoggedIn; close(): Promise<void> }> {
    if (signal.aborted) throw connectionClosed(question.host);
    const wire = await this.#dial(question, config, signal, depth);
    try {
      const loggedIn = await login(question, wire, this.#shared, signal);
      return {
        loggedIn,
        close: async () => {
          await endClient(loggedIn);
          await wire.close();
        },
      };
    } catch (error) {
      await wire.close();
      throw error;
    }
  }

  async #dial(question: LoginQuestion, config: readonly string[], signal: AbortSignal, depth: number): Promise<Wire> {
    const { host, settings, timeoutMs } = question;
    if (settings.proxyJump.length > 0) return await this.#dialJump(question, config, signal, depth);
    if (settings.proxyCommand !== undefined) return await dialProxyCommand(host, settings.proxyCommand);
    return await dialTcp(host, settings, timeoutMs, signal);
  }

  /**
   * Through the last jump host, which is itself reached through those before it. As with OpenSSH, a jump host takes its settings
   * from the configuration file, not from the target's arguments, and its key is checked like any other.
   */
  async #dialJump(question: LoginQuestion, config: readonly string[], signal: AbortSignal, depth: number): Promise<Wire> {
    const { host, settings, timeoutMs } = question;
    const before = settings.proxyJump.slice(0, -1);
    const last = settings.proxyJump.at(-1) ?? '';
    const jump = parseJump(host, last);
    if (jump.host === settings.alias && before.length === 0) return await dialTcp(host, settings, timeoutMs, signal);
    if (depth >= MAX_JUMPS) throw new LvsPlayError({ code: 'proxy-loop', kind: 'input', host, message: `${host}: more than ${String(MAX_JUMPS)} jump hosts: does ${last} jump through itself?`, hint: 'set ProxyJump none for the jump host in ssh_config' });
    const jumpSettings = await this.#config.settings({ host, address: jump.host, user: jump.user, port: jump.port, args: [...config, ...(before.length === 0 ? [] : ['-J', before.join(',')])] });
    const opened = await this.#logIn({ host: `${host} (jump host ${jump.host})`, settings: jumpSettings, identityFile: undefined, password: undefined, timeoutMs }, config, signal, depth + 1).catch((error: unknown) => {
      throw error instanceof LvsPlayError ? forHost(error, host) : error;
    });
    try {
      return { stream: await forward(opened.loggedIn, host, jump.host, settings.hostName, settings.port), lastWords: () => undefined, ended: () => Promise.resolve(), close: () => opened.close() };
    } catch (error) {
      await opened.close();
      throw error;
    }
  }
}

/** The error of a jump host belongs to the host behind it, which is the one in the inventory. */
function forHost(error: LvsPlayError, host: string): LvsPlayError {
  return new LvsPlayError({ code: error.code, kind: error.kind, message: error.message, hint: error.hint, position: error.position, host, cause: error.cause });
}

function forward({ client, failure }: LoggedIn, host: string, jump: string, address: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
      if (error === undefined) {
        resolve(channel);
        return;
      }
      reject(
        failure() ??
          new LvsPlayError({ code: 'no-route', kind: 'unreachable', host, message: `${host}: jump host ${jump} cannot connect to ${address} port ${String(port)}: ${messageOf(error)}`, hint: 'check ansible_host as seen from the jump host, and AllowTcpForwarding in its sshd_config', cause: error }),
      );
    });
  });
}

/** Says goodbye, and stops waiting for an answer after 2 s. */
async function endClient({ client, closed }: LoggedIn): Promise<void> {
  const timer = setTimeout(() => client.destroy(), CLOSE_GRACE_MS);
  client.end();
  await closed;
  clearTimeout(timer);
}

/** The `-F file` of ssh arguments, the one that holds for jump hosts too. */
function configFile(args: readonly string[]): string[] {
  const at = args.findIndex((arg) => arg.startsWith('-F'));
  const arg = args[at];
  if (arg === undefined) return [];
  return arg === '-F' ? ['-F', args[at + 1] ?? 'none'] : [arg];
}
