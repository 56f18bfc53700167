import { setTimeout as delay } from 'node:timers/promises';
import { changesBetween } from '../../verify/changes.ts';
import type { VerificationReport } from '../../verify/types.ts';
import { EXIT } from '../exit.ts';
import { codeOf } from './code.ts';

/** How rounds are made and told. */
export interface Rounds {
  readonly first: (signal: AbortSignal) => Promise<VerificationReport>;
  readonly again: (signal: AbortSignal) => Promise<VerificationReport>;
  /** Seconds between the end of one and the beginning of the next. */
  readonly every: number;
  /** Each report, and what is different from the one before; undefined: it is the first. */
  readonly told: (report: VerificationReport, changes: readonly string[] | undefined) => Promise<void>;
}

/** Verifies again and again until `signal` ends it. A round that it ends counts for nothing. @returns the exit code of the last whole round */
export async function verifyAgainAndAgain({ first, again, every, told }: Rounds, signal: AbortSignal): Promise<number> {
  const over = (): boolean => signal.aborted;
  let before: VerificationReport | undefined;
  while (!over()) {
    try {
      const now = await (before === undefined ? first : again)(signal);
      await told(now, before === undefined ? undefined : changesBetween(before, now));
      before = now;
      await delay(every * 1000, undefined, { signal });
    } catch (error) {
      if (!over()) throw error;
    }
  }
  if (before === undefined) return EXIT.interrupted;
  return codeOf(before);
}
