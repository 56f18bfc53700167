import { EXIT } from './exit.ts';
import { printProgress } from './output.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs something that ends early when asked: the first Ctrl-C (or TERM, HUP) fires the signal, so that the step in hand is finished; the second one
 * ends the process at once.
 * @param notice tells the operator that the first one was heard
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, notice: (text: string) => void = printNotice): Promise<T> {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
    notice('interrupted: finishing the step in hand; once more ends at once');
  };
  return withSignals(onSignal, () => work(controller.signal));
}

/** Runs something that changes nothing: the first Ctrl-C ends the process. */
export async function endedBySignals<T>(work: () => Promise<T>): Promise<T> {
  return withSignals(() => process.exit(EXIT.interrupted), work);
}

/** Runs something while the process's signals mean something else. */
export async function withSignals<T>(onSignal: (signal: NodeJS.Signals) => void, work: () => Promise<T>): Promise<T> {
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return await work();
  } finally {
    for (const name of SIGNALS) process.removeListener(name, onSignal);
  }
}

function printNotice(text: string): void {
  printProgress(`\n${text}\n`);
}
