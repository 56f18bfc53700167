import { LvsPlayError } from '../core/errors.ts';
import type { Target } from '../transport/target.ts';

/** A host that says nothing for so long cannot be waited for by those who look again and again; milliseconds. */
export const ANSWER_MS = 15_000;

/**
 * For looks that go on without a host.
 * @returns undefined: it cannot be reached now; the next question tries anew. @throws what `ask` throws for any other reason, another host key above all
 */
export async function reached<T>(target: Target, ask: (target: Target) => Promise<T>): Promise<T | undefined> {
  try {
    return await ask(target);
  } catch (error) {
    if (!(error instanceof LvsPlayError) || (error.kind !== 'unreachable' && error.code !== 'command-timeout') || error.code.startsWith('host-key')) throw error;
    await target.reset();
    return undefined;
  }
}
