import type { HostRecap, RunEvent } from '../core/events.ts';
import { LvsPlayError, type ErrorKind } from '../core/errors.ts';
import type { MissingHost } from '../observe/observation.ts';

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

/** The code of hosts that gave no answer: 4 as soon as one was unreachable, else 2; undefined: all answered. */
export function exitCodeOfMissing({ unreachable, failed }: { readonly unreachable: readonly unknown[]; readonly failed: readonly unknown[] }): number | undefined {
  if (unreachable.length > 0) return EXIT.unreachable;
  return failed.length > 0 ? EXIT.hostFailed : undefined;
}

/** The same of an observation. */
export function exitCodeOfHosts(missing: readonly MissingHost[]): number | undefined {
  return exitCodeOfMissing({ unreachable: missing.filter(({ kind }) => kind === 'unreachable'), failed: missing.filter(({ kind }) => kind === 'failed') });
}

export function exitCodeOf(error: unknown): number {
  return error instanceof LvsPlayError ? BY_KIND[error.kind] : EXIT.error;
}

/** How a run ended, as an exit code: what an operator must look at first decides. Pure. */
export function runExitCode(run: { readonly recap: Readonly<Record<string, HostRecap>>; readonly interrupted: boolean; readonly errors: readonly LvsPlayError[] }, events: readonly RunEvent[]): number {
  if (run.interrupted) return EXIT.interrupted;
  const hosts = Object.values(run.recap);
  // Whatever else there is to say: not every host answered.
  if (hosts.some((host) => host.unreachable > 0)) return EXIT.unreachable;
  const failed = Object.keys(run.recap).filter((host) => (run.recap[host]?.failed ?? 0) > 0);
  const modulesOf = (host: string) => events.flatMap((event) => (event.type === 'task-finished' && event.host === host && event.outcome.status === 'failed' ? [event.task.module] : []));
  const [error] = run.errors;
  // What was wrong on our side says nothing of the hosts.
  if (error !== undefined && (failed.length === 0 || exitCodeOf(error) !== EXIT.error)) return exitCodeOf(error);
  // A host may have failed before its first task: then no module is to blame.
  if (failed.length > 0 && failed.every((host) => modulesOf(host).join() === 'lvs_verify')) return EXIT.verification;
  return failed.length > 0 ? EXIT.hostFailed : EXIT.ok;
}
