import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';
import { hostState } from '../../core/host-state.ts';
import { journalDir } from '../../journal/place.ts';
import { findRun, inventoriesOf, listRuns } from '../../journal/read.ts';
import type { JournaledRun, RunHeader } from '../../journal/types.ts';
import type { CommonOptions } from '../input/options.ts';
import { runPlaybook } from './run.ts';

/** `rollback`, from the command line to the exit code: a run of its own, with a play for the hosts that the other run changed. */
export async function rollback(wanted: string, options: CommonOptions, force: boolean): Promise<number> {
  // Who works on several clusters means the last run of this one.
  const { header } = await findRun(journalDir(), wanted, inventoriesOf({ cwd: process.cwd(), options }));
  if (header.command === 'maintain') throw new LvsPlayError({ code: 'not-one-run', kind: 'usage', message: `${header.id} is a maintenance: it is made of runs`, hint: 'lvs-play history lists them; roll back the one that is meant' });
  const later = (await listRuns(journalDir())).filter((run) => run.header.id > header.id && run.header.command !== 'maintain' && run.end?.result !== 'refused' && sameHosts(run.header, header));
  // Kept beside the journal: a resume of the rollback reads it again.
  const folder = path.join(journalDir(), '..', 'rollbacks');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, `rollback-${header.id}.yml`);
  await writeFile(file, JSON.stringify(rollbackPlays(header.id, header.changing, { root: hostState(process.env), force, later: later.map(inWords) }), null, 2), { mode: 0o600 });
  return runPlaybook(options.check ? 'plan' : 'deploy', file, options);
}

function sameHosts(one: RunHeader, other: RunHeader): boolean {
  const inventories = inventoriesOf(other);
  return one.changing.some((host) => other.changing.includes(host)) && inventoriesOf(one).some((file) => inventories.includes(file));
}

function inWords({ header }: JournaledRun): string {
  return `${header.id} (${header.line} by ${header.owner})`;
}

/** One batch: what the directors of a pair share has to come back on both in the same moment. Pure. */
function rollbackPlays(run: string, hosts: readonly string[], options: { readonly root: string; readonly force: boolean; readonly later: readonly string[] }): unknown {
  return [
    {
      name: `Back to the state before run ${run}`,
      hosts: hosts.join(':'),
      gather_facts: false,
      become: true,
      any_errors_fatal: true,
      tasks: [{ name: 'Restore what was saved', lvs_restore: { run, ...options } }],
    },
  ];
}
