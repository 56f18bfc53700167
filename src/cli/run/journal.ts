import { randomBytes, scryptSync } from 'node:crypto';
import { journalDir } from '../../journal/place.ts';
import { startOf } from '../../journal/process.ts';
import type { RunCommand, RunOptions } from '../../journal/types.ts';
import { JournalWriter } from '../../journal/write.ts';
import type { CommonOptions } from '../input/options.ts';
import { operator } from '../operator.ts';
import { toolVersion } from '../version.ts';

/** A run about to begin, as its journal shall know it. */
export interface RunIntent {
  readonly id: string;
  readonly command: RunCommand;
  readonly playbook: string;
  readonly options: CommonOptions;
  /** The run that this one goes on with or takes back. */
  readonly of?: string;
  /** In place of the command and its playbook, where nobody typed these. */
  readonly line?: string;
  /** The maintenance that it is a part of. */
  readonly partOf?: string;
}

/** Opens the journal of a run. @throws LvsPlayError when it cannot be written */
export function openJournal({ id, command, playbook, options, of, line, partOf }: RunIntent): JournalWriter {
  return new JournalWriter(journalDir(), {
    version: 1,
    id,
    command,
    line: line ?? commandLine(command, playbook),
    playbook,
    owner: operator(),
    reason: options.reason,
    allowed: [],
    started: new Date().toISOString(),
    pid: process.pid,
    pidStarted: startOf(process.pid),
    cwd: process.cwd(),
    tool: toolVersion(),
    options: runOptions(options),
    inputs: [],
    planDigest: undefined,
    changing: [],
    of,
    partOf,
  });
}

/** What people type, without values of variables, which may be secrets. */
function commandLine(command: RunCommand, playbook: string): string {
  return `${command} ${playbook}`;
}

function runOptions(options: CommonOptions): RunOptions {
  const { inventories, limit, tags, skipTags, startAtTask, forks, user, become, becomeUser, privateKey, vaultPasswordFiles } = options;
  const isFile = (value: string): boolean => value.startsWith('@');
  const given = options.extraVars.filter((value) => !isFile(value));
  return {
    ...{ inventories, limit, tags, skipTags, startAtTask, forks, user, become, becomeUser, privateKey, vaultPasswordFiles },
    extraVarFiles: options.extraVars.filter(isFile),
    extraVarsDigest: given.length === 0 ? undefined : extraVarsDigest(given, randomBytes(16).toString('hex')),
  };
}

/** Slow to guess from, as values may be secrets. `SALT:HASH`, hexadecimal. */
export function extraVarsDigest(given: readonly string[], salt: string): string {
  return `${salt}:${scryptSync(JSON.stringify(given), salt, 32).toString('hex')}`;
}
