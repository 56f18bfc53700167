import { readFile } from 'node:fs/promises';
import { LvsPlayError } from '../../core/errors.ts';
import { readConsole } from './console.ts';

export interface NodeFailure {
  readonly code: 'lab-node-died' | 'lab-timeout' | 'lab-host-key';
  readonly host: string;
  readonly message: string;
  /** Whether its kernel has ended. */
  readonly ended: boolean;
  /** The console's file, and where in it the last start begins, in bytes. */
  readonly console: string;
  readonly from: number;
}

/** What does not answer, why by its console, and the way out. A console that names no cause leaves it to the check of this machine. */
export async function nodeError(failure: NodeFailure): Promise<LvsPlayError> {
  const whole = await readFile(failure.console).catch(() => Buffer.alloc(0));
  return failureText(failure, whole.subarray(failure.from).toString());
}

/** Pure. @param console the text of the node's last start */
export function failureText({ code, host, message, ended }: NodeFailure, console: string): LvsPlayError {
  const { said, cause } = readConsole(console, ended);
  const why = cause === undefined ? '' : `: ${cause.what}`;
  const words = said.length === 0 ? '' : `; its console: ${said.map((line) => line.trim().slice(0, 200)).join(' / ')}`;
  return new LvsPlayError({ code, kind: 'machine', message: `${message}${why}${words}`, hint: cause?.fix ?? 'lvs-play lab doctor checks what this machine lacks', host });
}
