import { startLvsPlay, type CliResult } from './support.ts';

/**
 * Runs the tool and sends it a signal as soon as it says something.
 * @param until what is waited for between the text and the signal
 * @throws Error when it never says it
 */
export async function interruptedAt(args: readonly string[], env: Record<string, string>, text: string, signal: NodeJS.Signals, until: () => Promise<unknown> = () => Promise.resolve()): Promise<CliResult> {
  const seen: string[] = [];
  const run = startLvsPlay(args, {
    env,
    onStderr: (soFar) => {
      if (seen.length > 0 || !soFar.includes(text)) return;
      seen.push(text);
      void until().finally(() => run.kill(signal));
    },
  });
  const result = await run.result;
  // The kernel takes a moment to end what was killed before.
  if (result.stderr.includes('is still at work')) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return interruptedAt(args, env, text, signal, until);
  }
  if (seen.length === 0) throw new Error(`it never said "${text}":\n${result.stderr}`);
  return result;
}
