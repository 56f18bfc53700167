import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LvsPlayError } from '../../core/errors.ts';
import { journalDir } from '../../journal/place.ts';
import { findRun } from '../../journal/read.ts';
import { readSteps, requireResults, resumedFrom } from '../../journal/steps.ts';
import type { JournaledRun, RunHeader } from '../../journal/types.ts';
import type { Resumed } from '../../plan/resumed.ts';
import type { CommonOptions } from '../input/options.ts';
import { extraVarsDigest } from './journal.ts';
import { operator } from '../operator.ts';

/** A run that is gone on with. */
export interface RunToResume {
  readonly header: RunHeader;
  readonly options: CommonOptions;
  /** Undefined of a maintenance, which keeps its own state. */
  readonly resumed: Resumed | undefined;
}

/**
 * Finds the run and checks that it can be gone on with, from the folder that it was begun in.
 * @param given the options of `resume` @param force also when files that it was made from have changed
 * @throws LvsPlayError kind `usage` or `input`, before anything is asked of a host
 */
export async function runToResume(wanted: string, given: CommonOptions, force: boolean): Promise<RunToResume> {
  const found = await findRun(journalDir(), wanted);
  // A part of a maintenance is gone on with by the whole of it.
  const run = found.header.partOf === undefined ? found : await findRun(journalDir(), found.header.partOf);
  const { header } = run;
  requireUnfinished(run);
  process.chdir(header.cwd);
  if (!force) await requireInputs(header);
  const options = optionsOf(header, given);
  requireExtraVars(header, given);
  if (header.command === 'maintain') return { header, options, resumed: undefined };
  const lines = await readSteps(journalDir(), header.id);
  requireResults(header.id, lines);
  return { header, options, resumed: resumedFrom(header.id, lines) };
}

function requireUnfinished({ header, end, alive }: JournaledRun): void {
  const refuse = (message: string, hint: string): LvsPlayError => new LvsPlayError({ code: 'not-resumable', kind: 'usage', message: `run ${header.id} ${message}`, hint });
  if (alive) throw refuse('is still at work', 'wait for it');
  if (end?.result === 'ok') throw refuse('is done', 'there is nothing to go on with');
  if (header.command === 'rollback') throw refuse('is a rollback', `roll back again: lvs-play rollback ${header.of ?? ''}`);
  if (header.inputs.length === 0 && header.command !== 'maintain') throw refuse('had not begun', 'run it again');
}

async function requireInputs({ id, inputs }: RunHeader): Promise<void> {
  const changed: string[] = [];
  for (const { path, sha256 } of inputs) {
    const now = await readFile(path).then((bytes) => createHash('sha256').update(bytes).digest('hex'), () => 'gone');
    if (now !== sha256) changed.push(now === 'gone' ? `${path} is gone` : `${path} changed`);
  }
  if (changed.length === 0) return;
  throw new LvsPlayError({ code: 'inputs-changed', kind: 'input', message: `run ${id} was made from other files: ${changed.join('; ')}`, hint: 'put them back; or --force goes on with the files as they are now' });
}

function requireExtraVars({ id, options: { extraVarsDigest: digest } }: RunHeader, given: CommonOptions): void {
  const values = given.extraVars.filter((value) => !value.startsWith('@'));
  if (digest === undefined ? values.length === 0 : extraVarsDigest(values, digest.split(':')[0] ?? '') === digest) return;
  throw new LvsPlayError({
    code: 'extra-vars-differ',
    kind: 'usage',
    message: digest === undefined ? `run ${id} had no -e name=value` : `run ${id} had other -e name=value, which the journal does not keep`,
    hint: 'give the same ones in the same order: what stands on a command line may be a secret',
  });
}

function optionsOf({ options: saved, reason }: RunHeader, given: CommonOptions): CommonOptions {
  const { inventories, limit, tags, skipTags, startAtTask, forks, user, become, becomeUser } = saved;
  return {
    ...given,
    ...{ inventories, limit, tags, skipTags, startAtTask, forks, user, become, becomeUser },
    privateKey: given.privateKey ?? saved.privateKey,
    vaultPasswordFiles: given.vaultPasswordFiles.length > 0 ? given.vaultPasswordFiles : saved.vaultPasswordFiles,
    extraVars: [...saved.extraVarFiles, ...given.extraVars.filter((value) => !value.startsWith('@'))],
    reason: given.reason ?? reason,
  };
}

/** Whose run it was, where that is somebody else's. */
export function resumedWords({ header }: RunToResume): string {
  const whose = header.owner === operator() ? '' : ` of ${header.owner}`;
  return `going on with run ${header.id}${whose}: ${header.line}`;
}
