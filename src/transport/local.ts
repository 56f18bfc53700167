import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { userInfo } from 'node:os';
import { LvsPlayError } from '../core/errors.ts';
import type { ShellEnd, ShellStreams } from './channel.ts';
import { ShellTarget } from './shell-target.ts';
import type { Session } from './shell-target.ts';
import type { HostConnection, Target } from './target.ts';

const CLOSE_GRACE_MS = 2000;
/** A background process may hold the output streams open after the shell is gone; then they are not waited for. */
const DRAIN_MS = 300;

/** The controller itself as a target (`ansible_connection: local`): the same shells as over ssh, without a connection. */
export function localTarget(connection: HostConnection): Target {
  return new ShellTarget(connection, () => Promise.resolve(localSession(connection.host)));
}

function localSession(host: string): Session {
  const children = new Set<ChildProcessWithoutNullStreams>();
  return {
    user: userInfo().username,
    exec: async (command) => {
      const { child, streams } = await startShell(host, command);
      children.add(child);
      void streams.ended.then(() => children.delete(child));
      return streams;
    },
    failure: () => undefined,
    close: async () => {
      const running = [...children];
      const ended = Promise.all(running.map((child) => childEnd(child)));
      const timer = setTimeout(() => {
        running.forEach(killGroup);
      }, CLOSE_GRACE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * Starts a command line under /bin/sh in a process group of its own, so that Ctrl-C on the controller's terminal does not
 * cut the step in hand short.
 */
async function startShell(host: string, command: string): Promise<{ child: ChildProcessWithoutNullStreams; streams: ShellStreams }> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: 'pipe', detached: true });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      reject(new LvsPlayError({ code: 'shell-ended', kind: 'host', host, message: `cannot start /bin/sh: ${error.message}`, cause: error }));
    });
  });
  child.on('error', () => undefined);
  return {
    child,
    streams: {
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      ended: childEnd(child),
      kill: () => {
        killGroup(child);
      },
    },
  };
}

/** Resolves when a child has ended and its output was delivered. */
function childEnd(child: ChildProcessWithoutNullStreams): Promise<ShellEnd> {
  return new Promise((resolve) => {
    const finish = (): void => {
      resolve({ exitCode: child.exitCode ?? undefined, signal: child.signalCode ?? undefined });
    };
    if (child.exitCode !== null || child.signalCode !== null) {
      finish();
      return;
    }
    child.once('close', finish);
    child.once('exit', () => setTimeout(finish, DRAIN_MS));
  });
}

function killGroup(child: ChildProcessWithoutNullStreams): void {
  try {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Gone already, or a sudo that belongs to root: it ends with its stdin.
    child.stdin.destroy();
  }
}
