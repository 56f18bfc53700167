import type { JsonObject } from '../../core/json.ts';
import { type FactReader, type FactRequest, request } from '../../facts/contract.ts';
import { fileFact } from '../../facts/files/file.ts';
import type { Change, StepOutcome } from '../contract.ts';

/** What `command` and `shell` have in common. */
export const runProperties = {
  creates: { type: 'string', pattern: '^/', description: 'A path that the command makes: when it is there, nothing is run.' },
  removes: { type: 'string', pattern: '^/', description: 'A path that the command takes away: when it is not there, nothing is run.' },
  chdir: { type: 'string', pattern: '^/', description: 'Where it runs.' },
  stdin: { type: 'string', description: 'What it reads; a newline is added.' },
} as const;

interface Guards {
  readonly creates?: string | undefined;
  readonly removes?: string | undefined;
}

/** Nobody knows what a command touches. */
export const EVERYTHING_STALE = ['package', 'package_candidate', 'installed_package', 'unit', 'sysctl', 'file', 'firewall', 'content', 'default_route', 'address', 'kernel_module', 'boot', 'ipvs', 'tunnel', 'balance', 'saved_state', 'drains', 'drain_flags', 'failovers', 'keepalived'].map((fact) => ({ fact, key: '*' }));

export function runFacts(args: Guards): FactRequest[] {
  return [args.creates, args.removes].filter((path) => path !== undefined).map((path) => request(fileFact, path));
}

/** Whether its arguments say when there is nothing left to do. */
export function isGuarded({ creates, removes }: Guards): boolean {
  return creates !== undefined || removes !== undefined;
}

/** It runs, unless its guards say that its work is done. */
export function runChanges(args: Guards, facts: FactReader, shown: string): Change[] {
  if (args.creates !== undefined && facts.get(fileFact, args.creates).type !== 'absent') return [];
  if (args.removes !== undefined && facts.get(fileFact, args.removes).type === 'absent') return [];
  return [{ path: 'command', before: null, after: shown }];
}

/** Ansible's words: rc, stdout, stderr and their lines. */
export function runResult(outcomes: readonly StepOutcome[]): { data: JsonObject } {
  const [outcome] = outcomes;
  if (outcome === undefined) return { data: { rc: 0, stdout: '', stderr: '', stdout_lines: [], stderr_lines: [] } };
  const stdout = outcome.stdout.replace(/\n$/, '');
  const stderr = outcome.stderr.replace(/\n$/, '');
  return { data: { rc: outcome.exitCode, stdout, stderr, stdout_lines: linesOf(stdout), stderr_lines: linesOf(stderr) } };
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}
