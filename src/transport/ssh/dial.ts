import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { LvsPlayError } from '../../core/errors.ts';
import { lastLine } from '../frame.ts';
import type { SshSettings } from './config.ts';
import { connectTimeout, connectionClosed, dialError } from '../unreachable.ts';

/** A byte stream to a server's sshd, however it got there. */
export interface Wire {
  readonly stream: Duplex;
  /** What the way itself says of its end (a ProxyCommand's last words); undefined when nothing. */
  lastWords(): string | undefined;
  /** Resolves when the last words are all there, once the stream has ended. */
  ended(): Promise<void>;
  /** Ends what carries the stream. Never throws. */
  close(): Promise<void>;
}

/** @throws LvsPlayError kind `unreachable` */
export function dialTcp(host: string, settings: SshSettings, timeoutMs: number, signal: AbortSignal): Promise<Wire> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: settings.hostName,
      port: settings.port,
      // A frame is one small write that must not wait for an acknowledgement.
      noDelay: true,
      ...(settings.addressFamily === undefined ? {} : { family: settings.addressFamily }),
      ...(settings.bindAddress === undefined ? {} : { localAddress: settings.bindAddress }),
    });
    const fail = (error: LvsPlayError): void => {
      done();
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => {
      fail(connectTimeout(host, settings, 'did not answer'));
    }, timeoutMs);
    const onAbort = (): void => {
      fail(connectionClosed(host));
    };
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort);
    socket.on('error', (error) => {
      fail(dialError(host, settings, error));
    });
    socket.once('connect', () => {
      done();
      resolve({
        stream: socket,
        lastWords: () => undefined,
        ended: () => Promise.resolve(),
        close: () => {
          socket.destroy();
          return Promise.resolve();
        },
      });
    });
  });
}

/** A ProxyCommand that has closed its stdout may live on, or leave something behind that does. */
const LAST_WORDS_MS = 1000;

/** Starts a ProxyCommand, whose stdin and stdout are the connection; ended by its process group. */
export function dialProxyCommand(host: string, command: string): Promise<Wire> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: 'pipe', detached: true });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-2048);
  });
  // Its stdout may end before what it says on stderr is read, and before its exit code is known.
  const over = new Promise<void>((resolve) => child.once('close', () => { resolve(); }));
  const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
  stream.on('error', () => undefined);
  const close = (): Promise<void> => {
    stream.destroy();
    try {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It ended by itself in between.
    }
    return Promise.resolve();
  };
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new LvsPlayError({ code: 'proxy-failed', kind: 'unreachable', host, message: `${host}: cannot start the ProxyCommand: ${error.message}`, cause: error }));
    });
    child.once('spawn', () => {
      resolve({ stream, lastWords: () => lastLine(stderr) ?? (child.exitCode === null ? undefined : `exit code ${String(child.exitCode)}`), ended: () => Promise.race([over, delay(LAST_WORDS_MS, undefined, { ref: false })]), close });
    });
  });
}

/** A jump host of ProxyJump: `[user@]host[:port]`, `[v6]:port` or an ssh:// URI. */
export interface Jump {
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
}

/** @throws LvsPlayError kind `input` */
export function parseJump(inventoryHost: string, text: string): Jump {
  const match = /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^@:/]+|[^@/]*:[^@/]*:[^@/]*))(?::(\d+))?\/?$/.exec(text.trim());
  const host = match?.[2] ?? match?.[3];
  if (match === null || host === undefined || host === '' || host.startsWith('-')) {
    throw new LvsPlayError({ code: 'ssh-arguments', kind: 'input', host: inventoryHost, message: `${inventoryHost}: ProxyJump ${JSON.stringify(text)} is not [user@]host[:port]` });
  }
  return { user: match[1], host, port: match[4] === undefined ? undefined : Number(match[4]) };
}
