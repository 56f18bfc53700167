import { closeSync, openSync, writeSync } from 'node:fs';
import type { RunEvent } from '../../core/events.ts';
import { LvsPlayError, messageOf } from '../../core/errors.ts';
import { eventLine } from '../../report/documents.ts';
import { plainReporter } from '../../report/terminal/plain.ts';
import type { Reporter } from '../../report/terminal/reporter.ts';
import type { CommonOptions } from '../input/options.ts';
import { colorOn, isLiveTerminal, printProgress, printResult } from '../output.ts';

/** Follows a run for everybody who wants to know: the operator on stderr, `--events`, and the documents at the end. */
export interface Follower {
  readonly events: readonly RunEvent[];
  readonly emit: (event: RunEvent) => void;
  readonly notice: (text: string) => void;
  /** Lets go of the screen while something else is on it. */
  quiet<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** @throws LvsPlayError kind `usage` when the file of `--events` cannot be written */
export async function followRun(options: CommonOptions): Promise<Follower> {
  const events: RunEvent[] = [];
  const log = eventLog(options.events);
  const progress = await progressReporter(options);
  return {
    events,
    emit: (event) => {
      events.push(event);
      log.write(eventLine(event));
      progress.handle(event);
    },
    notice: (text) => {
      progress.notice(text);
    },
    quiet: (work) => progress.quiet(work),
    close: async () => {
      await progress.close();
      log.close();
    },
  };
}

async function progressReporter(options: CommonOptions): Promise<Reporter> {
  const style = { color: colorOn(process.stderr), diff: options.diff, verbose: options.verbose > 0 };
  if (!isLiveTerminal(process.stderr)) return plainReporter(printProgress, style);
  const { terminalReporter } = await import('../../report/terminal/terminal.ts');
  return terminalReporter(process.stderr, style);
}

function eventLog(file: string | undefined): { write: (line: string) => void; close: () => void } {
  if (file === undefined) return { write: () => undefined, close: () => undefined };
  if (file === '-') return { write: printResult, close: () => undefined };
  try {
    const descriptor = openSync(file, 'w');
    return {
      // Written at once, so that a run that is killed leaves what it had told.
      write: (line) => writeSync(descriptor, line),
      close: () => {
        closeSync(descriptor);
      },
    };
  } catch (cause) {
    throw new LvsPlayError({ code: 'events-file', kind: 'usage', message: `--events ${file}: ${messageOf(cause)}`, cause });
  }
}
