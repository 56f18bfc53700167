import ssh2 from 'ssh2';
import type { Client, ClientChannel } from 'ssh2';
import { LvsPlayError, messageOf } from '../../core/errors.ts';
import type { ShellEnd, ShellStreams } from '../channel.ts';
import { decideHostKey } from '../known-hosts/host-key.ts';
import { blobType, entriesFor, judgeHostKey, knownHostsLine, knownHostsName } from '../known-hosts/known-hosts.ts';
import type { KnownHostsStore } from '../known-hosts/store.ts';
import { algorithmOffer } from './algorithms.ts';
import { prepareAuthentication } from './auth.ts';
import type { SshSettings } from './config.ts';
import type { Wire } from './dial.ts';
import { connectTimeout, connectionClosed, connectionLost, dialError, handshakeError } from '../unreachable.ts';
import type { KeyStore } from './keys.ts';

/** What all connections of a run share. */
export interface SshShared {
  readonly knownHosts: KnownHostsStore;
  readonly keys: KeyStore;
  warn(text: string, host: string): void;
}

export interface LoginQuestion {
  /** The inventory's name, for errors. */
  readonly host: string;
  readonly settings: SshSettings;
  readonly identityFile: string | undefined;
  readonly password: string | undefined;
  readonly timeoutMs: number;
}

/** A client that is logged in, and why it broke once it has. */
export interface LoggedIn {
  readonly client: Client;
  readonly failure: () => LvsPlayError | undefined;
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
}

/** Servers give a login two minutes; PAM and name look-ups may take some of them. */
const LOGIN_MS = 60_000;
const KEEPALIVE_SECONDS = 15;
/** A background process may keep a channel open after its shell is gone; then it is not waited for. */
const DRAIN_MS = 300;

/**
 * Checks the host key and logs in over a wire that is already there.
 * @throws LvsPlayError kind `unreachable`
 */
export async function login(question: LoginQuestion, wire: Wire, shared: SshShared, signal: AbortSignal): Promise<LoggedIn> {
  const { host, settings, timeoutMs } = question;
  const [authentication, verifier] = await Promise.all([prepareAuthentication({ ...question, keys: shared.keys }), hostKeyVerifier(question, shared)]);
  if (signal.aborted) throw connectionClosed(host);
  const client = new ssh2.Client();
  let lost: LvsPlayError | undefined;
  let handshaken = false;
  const closed = new Promise<void>((resolve) => client.once('close', resolve));
  return await new Promise<LoggedIn>((resolve, reject) => {
    const fail = (error: LvsPlayError): void => {
      lost ??= verifier.refusal() ?? error;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      // The wire too: a client that was never attached to it would leave it open.
      client.destroy();
      wire.stream.destroy();
      reject(lost);
    };
    const onEnd = (): void => {
      if (handshaken) fail(connectionLost(host, wire.lastWords()));
      else unmade(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    };
    // Which of the wire's end and ssh2's word of it comes first is a matter of chance.
    const isEnd = (error: Error): boolean => error.message === 'Connection lost before handshake';
    /** It ended before it was a connection: what carried it may know why. */
    const unmade = (error: Error): void => {
      void wire.ended().then(() => {
        const words = wire.lastWords();
        fail(words === undefined ? dialError(host, settings, error) : proxyFailed(host, words));
      });
    };
    const onTimeout = (): void => {
      // While a person types a passphrase the clock stands still.
      if (handshaken && shared.keys.waiting > 0) timer = setTimeout(onTimeout, LOGIN_MS);
      else fail(connectTimeout(host, settings, handshaken ? 'did not finish the login' : 'accepted the connection but did not finish the SSH handshake'));
    };
    let timer = setTimeout(onTimeout, timeoutMs);
    const onAbort = (): void => {
      fail(connectionClosed(host));
    };
    signal.addEventListener('abort', onAbort);
    client.once('handshake', () => {
      handshaken = true;
      clearTimeout(timer);
      timer = setTimeout(onTimeout, LOGIN_MS);
    });
    client.on('error', (error: Error & { level?: string }) => {
      // A key that cannot sign: the next one is tried.
      if (error.level === 'agent') return;
      if (error.level === 'client-authentication' || (handshaken && /too many authentication failures/i.test(error.message))) fail(authentication.failure());
      else if (error.level === 'client-timeout') fail(connectionLost(host, `no answer to ${String(settings.serverAliveCountMax)} keepalives`));
      else if (isEnd(error)) onEnd();
      else if (error.level === 'handshake' || error.level === 'protocol') fail(handshaken ? connectionLost(host, error.message) : handshakeError(host, settings, error));
      else if (handshaken) fail(connectionLost(host, error.message));
      else unmade(error);
    });
    client.once('close', onEnd);
    // It may have ended before the client listened, and ssh2 does not take the end of a pipe for the end of the connection.
    wire.stream.once('end', onEnd);
    if (wire.stream.destroyed) {
      onEnd();
      return;
    }
    client.once('ready', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve({ client, closed, failure: () => lost });
    });
    try {
      client.connect({
        sock: wire.stream,
        username: settings.user,
        readyTimeout: 0,
        keepaliveInterval: (settings.serverAliveInterval || KEEPALIVE_SECONDS) * 1000,
        keepaliveCountMax: settings.serverAliveCountMax,
        authHandler: authentication.handler,
        // The callback form: a promise would count as true.
        hostVerifier: verifier.verify,
        algorithms: verifier.algorithms(),
      });
    } catch (error) {
      fail(error instanceof LvsPlayError ? error : handshakeError(host, settings, error));
    }
  });
}

function proxyFailed(host: string, words: string): LvsPlayError {
  return new LvsPlayError({ code: 'proxy-failed', kind: 'unreachable', host, message: `${host}: the ProxyCommand ended: ${words}`, hint: 'run the ProxyCommand by hand; it must pass bytes to the sshd of the host' });
}

interface Verifier {
  readonly verify: (blob: Buffer, done: (accept: boolean) => void) => void;
  algorithms(): { kex: never[]; cipher: never[]; hmac: never[]; serverHostKey: never[]; compress: never[] };
  refusal(): LvsPlayError | undefined;
}

async function hostKeyVerifier({ host, settings }: LoginQuestion, shared: SshShared): Promise<Verifier> {
  const files = [...settings.userKnownHostsFiles, ...settings.globalKnownHostsFiles];
  const entries = await shared.knownHosts.entries(files);
  const bareName = settings.hostName.toLowerCase();
  const name = settings.hostKeyAlias ?? knownHostsName(bareName, settings.port);
  const knownTypes = entriesFor(entries, name).filter(({ marker }) => marker === undefined).map(({ keyType }) => keyType);
  const offer = algorithmOffer(host, settings.algorithms, knownTypes);
  const file = settings.userKnownHostsFiles[0];
  let refusal: LvsPlayError | undefined;
  return {
    // ssh2's types list the algorithms as literals, and not all that it knows.
    algorithms: () => ({ ...offer, compress: settings.compression ? ['zlib@openssh.com', 'none'] : ['none', 'zlib@openssh.com'] }) as unknown as ReturnType<Verifier['algorithms']>,
    refusal: () => refusal,
    verify: (blob, done) => {
      const key = { type: blobType(blob) ?? 'unknown', blob };
      const verdict = judgeHostKey(entries, name, key, settings.hostKeyAlias === undefined && name !== bareName ? bareName : undefined);
      const decision = decideHostKey(verdict, settings.strictHostKeyChecking, { host, name, address: settings.hostName, port: settings.port, key, file });
      if (decision.action === 'refuse') {
        refusal = decision.error;
        done(false);
        return;
      }
      if (decision.warning !== undefined) shared.warn(decision.warning, host);
      if (!decision.remember || file === undefined) {
        done(true);
        return;
      }
      void shared.knownHosts
        .append(file, knownHostsLine(name, key, settings.hashKnownHosts))
        .catch((error: unknown) => {
          shared.warn(`cannot write the new host key to ${file}: ${messageOf(error)}`, host);
        })
        .then(() => {
          done(true);
        });
    },
  };
}

/** Starts a command line on a client, without a terminal. @throws LvsPlayError when the server opens no channel */
export function execShell(host: string, { client, closed, failure }: LoggedIn, command: string): Promise<ShellStreams> {
  return new Promise((resolve, reject) => {
    const refuse = (error: unknown): void => {
      reject(
        failure() ??
          new LvsPlayError({ code: 'channel-refused', kind: 'host', host, message: `${host}: sshd starts no shell: ${messageOf(error)}`, hint: 'see MaxSessions, ForceCommand and PermitTTY in its sshd_config', cause: error }),
      );
    };
    void closed.then(() => {
      refuse(new Error('the connection was lost'));
    });
    try {
      client.exec(command, (error, channel) => {
        if (error === undefined) resolve(shellStreams(channel, closed));
        else refuse(error);
      });
    } catch (error) {
      refuse(error);
    }
  });
}

function shellStreams(channel: ClientChannel, connectionClosed: Promise<void>): ShellStreams {
  const ended = new Promise<ShellEnd>((resolve) => {
    let end: ShellEnd = { exitCode: undefined, signal: undefined };
    channel.on('exit', (code: number | null, signal?: string) => {
      end = { exitCode: code ?? undefined, signal };
      setTimeout(() => {
        resolve(end);
      }, DRAIN_MS);
    });
    channel.on('close', () => {
      resolve(end);
    });
    void connectionClosed.then(() => {
      resolve(end);
    });
  });
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    ended,
    kill: () => {
      channel.close();
    },
  };
}
