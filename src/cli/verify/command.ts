import { spawn } from 'node:child_process';
import { LvsPlayError } from '../../core/errors.ts';
import { exitStatus } from '../../lab/process.ts';

/** A command of the operator's, with the terminal. */
export interface RunningCommand {
  /** Its exit status; 128+N when signal N ended it. @throws LvsPlayError kind `usage` when it cannot be started */
  readonly ended: Promise<number>;
  /** Hands a signal on. A Ctrl-C at the terminal has reached it by itself. */
  readonly signal: (signal: NodeJS.Signals) => void;
}

/** @param documents stdout carries documents: what the command prints there goes to stderr */
export function startOperatorCommand([program = '', ...args]: readonly string[], documents: boolean): RunningCommand {
  const child = spawn(program, args, { stdio: ['inherit', documents ? 2 : 'inherit', 'inherit'] });
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', (cause) => {
      reject(new LvsPlayError({ code: 'during-command', kind: 'usage', message: `--during: ${program} cannot be started: ${cause.message}`, cause }));
    });
    child.on('close', (code, signal) => {
      resolve(exitStatus(code, signal));
    });
  });
  return {
    ended,
    signal: (signal) => {
      if (!(process.stdin.isTTY && signal === 'SIGINT')) child.kill(signal);
    },
  };
}
