import type { Readable, Writable } from 'node:stream';
import { LvsPlayError } from '../core/errors.ts';
import { FrameScanner, SHELL_INIT, frameText, lastLine, newNonce } from './frame.ts';
import type { ShellReply } from './target.ts';

/** How a shell came to its end. */
export interface ShellEnd {
  /** Undefined when the connection went away before the shell could say. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

/** A running long-lived sh, wherever it is. */
export interface ShellStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the shell has ended and its output was delivered; never rejects. */
  readonly ended: Promise<ShellEnd>;
  /** Ends it at once. Never throws. */
  kill(): void;
}

/** What is known of a shell that has ended. */
export interface ShellPast {
  /** It had begun a frame: it did start. */
  readonly started: boolean;
  /** The last it wrote outside of finished frames. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Counted where the bytes pass. */
export interface ChannelCounters {
  requests: number;
  bytesSent: number;
  bytesReceived: number;
}

/** What a shell needs before it reads frames: sudo asking for its password. A reducer over its output. */
export interface Gate {
  feed(stream: 'stdout' | 'stderr', chunk: Buffer): { readonly send?: string; readonly open?: boolean; readonly failure?: LvsPlayError };
}

export interface ChannelOptions {
  readonly host: string;
  readonly streams: ShellStreams;
  readonly counters: ChannelCounters;
  /** Turns the end of the shell into the error to show. */
  explain(end: ShellEnd, past: ShellPast): LvsPlayError;
  readonly gate?: Gate;
  /** Lines of sh that follow SHELL_INIT, each ended by a newline. */
  readonly init?: string;
}

/**
 * A long-lived sh spoken to in frames, one at a time. It fails once and for all: after a time-out or the end of the shell
 * every further request is refused with the same error.
 */
export class ShellChannel {
  readonly #options: ChannelOptions;
  readonly #stdout = new FrameScanner();
  readonly #stderr = new FrameScanner();
  readonly #opened: Promise<void>;
  #open: () => void = () => undefined;
  #gateOpen: boolean;
  #queue: Promise<unknown> = Promise.resolve();
  #initialised = false;
  #failure: LvsPlayError | undefined;
  #refuse: ((error: LvsPlayError) => void) | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    const { streams } = options;
    this.#gateOpen = options.gate === undefined;
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
    if (this.#gateOpen) this.#open();
    streams.stdout.on('data', (chunk: Buffer) => {
      this.#receive('stdout', this.#stdout, chunk);
    });
    streams.stderr.on('data', (chunk: Buffer) => {
      this.#receive('stderr', this.#stderr, chunk);
    });
    // Errors of a stream (EPIPE, reset) show in `ended`, where there is more to say about them.
    for (const stream of [streams.stdin, streams.stdout, streams.stderr]) stream.on('error', () => undefined);
    void streams.ended.then((end) => {
      this.#fail(options.explain(end, { started: this.#stdout.started, stdout: this.#stdout.noise, stderr: this.#stderr.noise }));
    });
  }

  /** @throws LvsPlayError see Target.request */
  request(script: string, timeoutMs: number): Promise<ShellReply> {
    const nonce = newNonce();
    let text: string;
    try {
      text = frameText(nonce, script);
    } catch (error) {
      return Promise.reject(new LvsPlayError({ code: 'script-nul', kind: 'internal', host: this.#options.host, message: 'a script holds a NUL byte, which no shell can read', cause: error }));
    }
    const run = (): Promise<ShellReply> => this.#exchange(nonce, text, timeoutMs);
    const reply = this.#queue.then(run, run);
    this.#queue = reply.catch(() => undefined);
    return reply;
  }

  /** Refuses what is under way and what follows with `error`, and ends the shell. */
  abort(error: LvsPlayError): void {
    this.#fail(error);
    this.#options.streams.kill();
  }

  /** Refuses what is under way and what follows with `error`, and lets the shell end by itself. */
  close(error: LvsPlayError): void {
    this.#fail(error);
    this.#options.streams.stdin.end();
  }

  async #exchange(nonce: string, text: string, timeoutMs: number): Promise<ShellReply> {
    if (this.#failure !== undefined) throw this.#failure;
    const timer = setTimeout(() => {
      this.abort(this.#timeout(timeoutMs));
    }, timeoutMs);
    try {
      return await new Promise<ShellReply>((resolve, reject) => {
        this.#refuse = reject;
        let stdout: Buffer | undefined;
        let stderr: Buffer | undefined;
        const settle = (exitCode: number): void => {
          if (stdout !== undefined && stderr !== undefined) resolve({ stdout, stderr, exitCode });
        };
        this.#stdout.expect(nonce, (body, status) => {
          stdout = body;
          settle(status);
        });
        this.#stderr.expect(nonce, (body, status) => {
          stderr = body;
          settle(status);
        });
        void this.#opened.then(() => {
          if (this.#failure === undefined) this.#send(text);
        });
      });
    } finally {
      clearTimeout(timer);
      this.#refuse = undefined;
    }
  }

  #send(text: string): void {
    this.#options.counters.requests += 1;
    this.#write(this.#initialised ? text : SHELL_INIT + (this.#options.init ?? '') + text);
    this.#initialised = true;
  }

  #timeout(timeoutMs: number): LvsPlayError {
    const { host } = this.#options;
    return new LvsPlayError({
      code: 'command-timeout',
      kind: 'host',
      host,
      message: `${host} did not answer within ${String(timeoutMs / 1000)} s; the connection was closed`,
      hint: this.#gateOpen
        ? 'what the command started may still run on the host; a higher ansible_command_timeout gives it more time'
        : `sudo neither asked for the password nor started a shell${this.#lastWords()}; try sudo by hand on the host`,
    });
  }

  #lastWords(): string {
    const line = lastLine(this.#stderr.noise);
    return line === undefined ? '' : ` (it said: ${line})`;
  }

  #receive(name: 'stdout' | 'stderr', scanner: FrameScanner, chunk: Buffer): void {
    this.#options.counters.bytesReceived += chunk.length;
    scanner.push(chunk);
    if (this.#gateOpen || this.#options.gate === undefined || this.#failure !== undefined) return;
    const { send, open, failure } = this.#options.gate.feed(name, chunk);
    if (failure !== undefined) {
      this.abort(failure);
      return;
    }
    if (send !== undefined) this.#write(send);
    if (open === true) {
      this.#gateOpen = true;
      this.#open();
    }
  }

  #write(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.#options.counters.bytesSent += bytes.length;
    this.#options.streams.stdin.write(bytes);
  }

  #fail(error: LvsPlayError): void {
    this.#failure ??= error;
    this.#refuse?.(this.#failure);
  }
}
