import { missingHosts } from '../../verify/report.ts';
import type { VerificationReport } from '../../verify/types.ts';
import { EXIT, exitCodeOfHosts } from '../exit.ts';

/** What a script acts on: hosts that gave no answer come first, as without them nothing is proved. Pure. */
export function codeOf({ checks, ok }: VerificationReport): number {
  return exitCodeOfHosts(missingHosts(checks)) ?? (ok === true ? EXIT.ok : EXIT.verification);
}
