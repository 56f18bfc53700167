import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { RunEvent } from '../core/events.ts';
import { exitStatus, startCommand } from '../lab/process.ts';
import type { Lab } from '../lab/lab.ts';
import type { Beat } from '../pulse/types.ts';

/** How a command of the tool ended. */
export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** lvs-play itself, run in the lab's network as an operator would run it. */
export interface OwnTool {
  /** @param onEvent sees every event of `--events -`; `kill` ends the process at once, hard */
  run(args: readonly string[], onEvent?: (event: RunEvent) => 'kill' | undefined): Promise<ToolResult>;
  /** Clients that ask all the while. */
  pulse(args: readonly string[], tell: (beat: Beat) => void): RunningPulse;
}

export interface RunningPulse {
  /** It could not begin, or broke off. */
  readonly over: () => boolean;
  /** Sends no more and waits for what is under way. */
  end(): Promise<void>;
}

/** @param signal ends whatever runs; @param journal where its runs are kept: a rehearsal is none of the operator's own */
export function ownTool(lab: Lab, journal: string, signal: AbortSignal): OwnTool {
  const start = (args: readonly string[]) => {
    const [, script = ''] = process.argv;
    const argv = lab.runCommand(['setpriv', '--pdeathsig', 'KILL', process.execPath, ...process.execArgv, script, ...args]);
    return startCommand(argv, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CI: 'true', NO_COLOR: '1', LVS_PLAY_JOURNAL: journal, LVS_PLAY_INVENTORY: '' } });
  };
  return {
    run: (args, onEvent) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const begun = Date.now();
        const child = start(args);
        const abort = (): void => void child.kill('SIGKILL');
        signal.addEventListener('abort', abort);
        const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
        child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
        child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
        if (onEvent !== undefined) {
          eachLine(child, (event) => {
            if (onEvent(event as RunEvent) === 'kill') child.kill('SIGKILL');
          });
        }
        child.on('error', reject);
        child.on('close', (code, ended) => {
          signal.removeEventListener('abort', abort);
          if (signal.aborted) reject(signal.reason as Error);
          else resolve({ code: exitStatus(code, ended), stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), seconds: (Date.now() - begun) / 1000 });
        });
      }),
    pulse: (args, tell) => {
      const child = start(args);
      let over = false;
      const closed = new Promise<void>((resolve) => {
        for (const event of ['close', 'error']) {
          child.on(event, () => {
            over = true;
            resolve();
          });
        }
      });
      child.stderr?.resume();
      eachLine(child, (beat) => { tell(beat as Beat); });
      const abort = (): void => void child.kill('SIGKILL');
      signal.addEventListener('abort', abort);
      return {
        over: () => over,
        end: async () => {
          child.kill('SIGTERM');
          await closed;
          signal.removeEventListener('abort', abort);
        },
      };
    },
  };
}

/** Lines of JSON, as they come. */
function eachLine({ stdout }: ChildProcess, tell: (value: unknown) => void): void {
  if (stdout === null) return;
  createInterface({ input: stdout }).on('line', (line) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      // The last one of a process that was killed is cut off.
      return;
    }
    tell(value);
  });
}
