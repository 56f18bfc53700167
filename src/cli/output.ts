import { readFileSync } from 'node:fs';
import { SecretMask } from '../core/secrets.ts';
import { formatError } from '../report/error-text.ts';
import { wantsColor } from '../report/terminal/style.ts';

/** Secrets met by this process; nothing it prints about an error shows them. */
export const processSecrets = new SecretMask();

/** Results go to stdout, alone; everything that is said about them goes to stderr. */
export function printResult(text: string): void {
  if (text !== '') printed += 1;
  process.stdout.write(text);
}

let printed = 0;

/** How many pieces of results were printed up to now. */
export function resultsPrinted(): number {
  return printed;
}

export function printProgress(text: string): void {
  process.stderr.write(text);
}

export function colorOn(stream: NodeJS.WriteStream): boolean {
  return wantsColor(process.env, stream.isTTY);
}

/** Whether rows that move are wanted: not in a log, and not on a terminal that cannot. */
export function isLiveTerminal(stream: NodeJS.WriteStream): boolean {
  const ci = process.env['CI'];
  return stream.isTTY && (ci === undefined || ci === '' || ci === 'false') && process.env['TERM'] !== 'dumb';
}

/** @param verbose how many -v were given; undefined: the command has no such option */
export function printError(error: unknown, verbose: number | undefined): void {
  const stack = verbose === undefined ? 'always' : verbose >= 3 ? 'asked' : 'on-request';
  printProgress(processSecrets.mask(formatError(error, { color: colorOn(process.stderr), source: readSource, stack })));
}

function readSource(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** A reader that goes away (`| head`) must not end a deploy in the middle: what is left to print is dropped. */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
    });
  }
}

/** Resolves when all that was printed has left the process. */
export async function flushOutput(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => {
          if (stream.destroyed || !stream.writable) resolve();
          else stream.write('', () => { resolve(); });
        }),
    ),
  );
}
