import { spawn } from 'node:child_process';
import { accessSync, constants as access } from 'node:fs';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { LvsPlayError } from '../core/errors.ts';

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit status; 128+N when signal N ended it. */
  readonly code: number;
}

export interface CommandOptions {
  /** Written to its stdin, which is closed then; without it stdin is /dev/null. */
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the command with SIGKILL; the promise still resolves with how it ended. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds, then SIGKILL. */
  readonly timeoutMs?: number;
}

/** Exit status as a shell tells it. */
export function exitStatus(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return signal === null ? 1 : 128 + constants.signals[signal];
}

/** The commands live in sbin directories that an ordinary user's PATH lacks. */
export function pathWithSbin(dirs: string | undefined): string {
  const parts = (dirs ?? '/usr/local/bin:/usr/bin:/bin').split(':');
  return [...parts, ...['/usr/local/sbin', '/usr/sbin', '/sbin'].filter((dir) => !parts.includes(dir))].join(':');
}

/** Where a command's program is, as `startCommand` finds it; undefined: not installed. */
export function findProgram(name: string): string | undefined {
  return pathWithSbin(process.env['PATH']).split(':').map((dir) => path.join(dir, name)).find((file) => canUse(file, access.X_OK));
}

/** @param mode R_OK, W_OK, X_OK of node:fs */
export function canUse(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

/** Starts an argv without a shell; programs in sbin are found. `error` is emitted when it cannot be started. */
export function startCommand(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const [program, ...args] = argv;
  if (program === undefined) throw new RangeError('an empty argv is no command');
  const env = options.env ?? process.env;
  return spawn(program, args, { ...options, env: { ...env, PATH: pathWithSbin(env['PATH']) } });
}

function cannotStart(argv: readonly string[], cause: Error): LvsPlayError {
  return new LvsPlayError({ code: 'lab-command-missing', kind: 'machine', message: `cannot start ${argv[0] ?? ''}: ${cause.message}`, hint: 'lvs-play lab doctor names the package that brings it', cause });
}

/** Runs an argv without a shell and gathers what it says. Rejects only when it cannot be started. */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const spawnOptions: SpawnOptions = {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: options.env,
    killSignal: 'SIGKILL',
    timeout: options.timeoutMs,
  };
  return new Promise((resolve, reject) => {
    const child = startCommand(argv, spawnOptions);
    const abort = (): void => void child.kill('SIGKILL');
    options.signal?.addEventListener('abort', abort);
    if (options.signal?.aborted === true) abort();
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A command may end without reading its input; that shows in its exit status.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input);
    child.on('error', (cause) => {
      options.signal?.removeEventListener('abort', abort);
      reject(cannotStart(argv, cause));
    });
    child.on('close', (code, signal) => {
      options.signal?.removeEventListener('abort', abort);
      resolve({ stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), code: exitStatus(code, signal) });
    });
  });
}

/**
 * Runs a command that must succeed; returns its stdout.
 * @throws LvsPlayError `lab-command-failed` with the last line it said
 */
export async function mustRun(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { stdout, stderr, code } = await runCommand(argv, options);
  if (code === 0) return stdout;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  const words = argv.slice(0, 6).join(' ') + (argv.length > 6 ? ' ...' : '');
  throw new LvsPlayError({ code: 'lab-command-failed', kind: 'machine', message: `${words} ended with ${String(code)}${said === '' ? '' : `: ${said}`}`, hint: 'lvs-play lab doctor checks what this machine lacks' });
}

/** Runs in the foreground with the terminal; resolves with its exit status. */
export function runInteractive(argv: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = startCommand(argv, { stdio: 'inherit' });
    const stop = relaySignals(child);
    child.on('error', (cause) => {
      stop();
      reject(cannotStart(argv, cause));
    });
    child.on('close', (code, signal) => {
      stop();
      resolve(exitStatus(code, signal));
    });
  });
}

/**
 * Hands this process's signals on to a child that shares its terminal. At a terminal Ctrl-C reaches both by itself: handing
 * it on as well would count as a second one.
 * @returns undoes it
 */
function relaySignals(child: { kill(signal: NodeJS.Signals): boolean }): () => void {
  const undo = (['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => {
    const fromTerminal = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');
    const relay = (): void => {
      if (!fromTerminal) child.kill(signal);
    };
    process.on(signal, relay);
    return () => process.removeListener(signal, relay);
  });
  return () => {
    for (const remove of undo) remove();
  };
}
