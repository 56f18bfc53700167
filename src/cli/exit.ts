import type { HostRecap, RunEvent } from '../core/events.ts';
import { LvsPlayError, type ErrorKind } from '../core/errors.ts';

/** The exit codes of every command; scripts rely on them. */
export const EXIT = { ok: 0, error: 1, hostFailed: 2, changes: 2, unreachable: 4, usage: 5, verification: 8, interrupted: 130 } as const;

const BY_KIND: Readonly<Record<ErrorKind, number>> = {
  usage: EXIT.usage,
  input: EXIT.error,
  internal: EXIT.error,
  host: EXIT.hostFailed,
  unreachable: EXIT.unreachable,
  verification: EXIT.verification,
  interrupted: EXIT.interrupted,
};

export function exitCodeOf(error: unknown): number {
  return error instanceof LvsPlayError ? BY_KIND[error.kind] : EXIT.error;
}

/** How a run ended, as an exit code: what an operator must look at first decides. Pure. */
export function runExitCode(run: { readonly recap: Readonly<Record<string, HostRecap>>; readonly interrupted: boolean }, events: readonly RunEvent[]): number {
  if (run.interrupted) return EXIT.interrupted;
  const hosts = Object.values(run.recap);
  // A task that lost its host is told as failed, but the host counts as unreachable.
  const failures = events.filter((event) => event.type === 'task-finished').filter(({ host, outcome }) => outcome.status === 'failed' && (run.recap[host]?.failed ?? 0) > 0);
  if (failures.length > 0 && failures.every(({ task }) => task.module === 'lvs_verify')) return EXIT.verification;
  if (hosts.some((host) => host.failed > 0)) return EXIT.hostFailed;
  return hosts.some((host) => host.unreachable > 0) ? EXIT.unreachable : EXIT.ok;
}
