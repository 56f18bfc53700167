import type { ChildProcess } from 'node:child_process';
import { LvsPlayError } from '../../core/errors.ts';
import { startCommand } from '../process.ts';

export interface Lock {
  /** The process that holds it. */
  readonly pid: number | undefined;
  /** Gives it up, and waits until the holder has ended. Doing so twice is harmless. */
  release(): Promise<void>;
}

export interface LockOptions {
  /** Wait for whoever holds it; otherwise being held is the error `lab-busy`. */
  readonly wait: boolean;
  readonly signal?: AbortSignal | undefined;
  /**
   * A POSIX sh script and its arguments, run under the lock when this process ends without `release()`, however it ends.
   * It must bear being cut off, and being run again.
   */
  readonly lastWill?: { readonly script: string; readonly args: readonly string[] } | undefined;
}

/**
 * Holds a lock that the kernel gives up with its holder, so none is ever stale: a small shell has it by flock(1) and lives in
 * a session of its own, out of a terminal's reach, until the pipe from this process closes.
 */
export function holdLock(file: string, options: LockOptions): Promise<Lock> {
  const will = options.lastWill;
  // The file must be there to be locked; a word on the pipe means that all is well, its end alone means that this process died.
  const script = `echo held; if read -r word; then exit 0; fi\n${will?.script ?? ''}`;
  const wait = options.wait ? [] : ['--nonblock', '--conflict-exit-code', '75'];
  const argv = ['flock', '--exclusive', ...wait, '--no-fork', file, 'sh', '-c', script, 'lvs-play-lab', ...(will?.args ?? [])];
  const child = startCommand(argv, { detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      child.kill('SIGKILL');
    };
    options.signal?.addEventListener('abort', abort, { once: true });
    child.on('error', reject);
    child.on('exit', (code) => {
      options.signal?.removeEventListener('abort', abort);
      if (options.signal?.aborted === true) reject(options.signal.reason as Error);
      else reject(code === 75 ? busy(file) : new LvsPlayError({ code: 'lab-lock', kind: 'machine', message: `cannot lock ${file}`, hint: 'make sure that its folder is writable and that flock (util-linux) is installed' }));
    });
    child.stdin?.on('error', () => undefined);
    child.stdout?.once('data', () => {
      options.signal?.removeEventListener('abort', abort);
      resolve({ pid: child.pid, release: () => release(child) });
    });
  });
}

async function release(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.ref();
    child.once('exit', () => {
      resolve();
    });
    child.stdin?.end('done\n');
  });
}

function busy(file: string): LvsPlayError {
  return new LvsPlayError({ code: 'lab-busy', kind: 'input', message: `another lvs-play is working on this lab (${file} is locked)`, hint: 'wait until it has ended, or end it' });
}
