import type { HostRecap, RunEvent } from '../core/events.ts';
import { LvsPlayError, type ErrorKind } from '../core/errors.ts';

/** The exit codes of every command; scripts rely on them. */
export const EXIT = { ok: 0, error: 1, hostFailed: 2, changes: 2, unreachable: 4, usage: 5, verification: 8, interrupted: 130 } as const;

const BY_KIND: Readonly<Record<ErrorKind, number>> = {
  usage: EXIT.usage,
  input: EXIT.error,
  machine: EXIT.error,
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
export function runExitCode(run: { readonly recap: Readonly<Record<string, HostRecap>>; readonly interrupted: boolean; readonly errors: readonly LvsPlayError[] }, events: readonly RunEvent[]): number {
  if (run.interrupted) return EXIT.interrupted;
  const [error] = run.errors;
  if (error !== undefined) return exitCodeOf(error);
  const hosts = Object.values(run.recap);
  const failed = Object.keys(run.recap).filter((host) => (run.recap[host]?.failed ?? 0) > 0);
  const modulesOf = (host: string) => events.flatMap((event) => (event.type === 'task-finished' && event.host === host && event.outcome.status === 'failed' ? [event.task.module] : []));
  // A host may have failed before its first task: then no module is to blame.
  if (failed.length > 0 && failed.every((host) => modulesOf(host).join() === 'lvs_verify')) return EXIT.verification;
  if (failed.length > 0) return EXIT.hostFailed;
  return hosts.some((host) => host.unreachable > 0) ? EXIT.unreachable : EXIT.ok;
}
