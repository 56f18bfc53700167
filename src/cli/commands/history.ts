import { Command, InvalidArgumentError } from 'commander';
import { journalDir } from '../../journal/place.ts';
import { findRun, listRuns, runEvents } from '../../journal/read.ts';
import type { JournaledRun } from '../../journal/types.ts';
import { formatHistory, formatRun, type HistoryRow } from '../../report/history.ts';
import { createStyle } from '../../report/style.ts';
import { colorOn, printResult } from '../output.ts';

/** `lvs-play history [show RUN]`: the runs of this user on this machine. */
export function historyCommand(): Command {
  const command = new Command('history')
    .description('the runs made from here, the newest first; show RUN: what one was and did')
    .option('-n, --number <count>', 'how many at most', wholeNumber, 20)
    .option('--json', 'print as one JSON document')
    .action(async (flags: { readonly number: number; readonly json?: true }) => {
      const runs = (await listRuns(journalDir())).slice(0, flags.number);
      const style = createStyle(colorOn(process.stdout));
      printResult(flags.json === true ? document({ runs: runs.map(summary) }) : formatHistory(runs.map(rowOf), style));
    });
  command
    .command('show')
    .description('what a run was and did')
    .argument('<run>', 'its id, the beginning of it, or last')
    .option('--json', 'print as one JSON document')
    .action(async (wanted: string, _flags: unknown, self: Command) => {
      const root = journalDir();
      const run = await findRun(root, wanted);
      const events = await runEvents(root, run.header.id);
      // The parent has an option of the same name, and takes it.
      const json = self.optsWithGlobals<{ readonly json?: true }>().json === true;
      printResult(json ? document({ run: summary(run), events }) : formatRun(rowOf(run), detailsOf(run), events, createStyle(colorOn(process.stdout))));
    });
  return command;
}

function document(content: object): string {
  return `${JSON.stringify({ version: 1, ...content }, null, 2)}\n`;
}

function summary(run: JournaledRun): object {
  return { ...run.header, end: run.end ?? null, result: resultOf(run) };
}

function rowOf(run: JournaledRun): HistoryRow {
  const { id, owner, line, reason, started, changing } = run.header;
  return { id, owner, line, reason, started, ended: run.end?.at, result: resultOf(run), changing };
}

function resultOf({ end, alive }: JournaledRun): string {
  return end?.result ?? (alive ? 'at work' : 'died');
}

function detailsOf({ header, end, alive }: JournaledRun): (readonly [string, string])[] {
  const unfinished = end === undefined ? !alive : end.result !== 'ok' && end.result !== 'refused';
  return [
    ...(end?.message === undefined ? [] : [['because', end.message] as const]),
    ...(header.allowed.length === 0 ? [] : [['allowed', header.allowed.join(', ')] as const]),
    ...(header.of === undefined ? [] : [[header.command === 'rollback' ? 'takes back' : 'goes on with', header.of] as const]),
    ['made from', `${header.playbook}, ${header.options.inventories.join(', ')} (in ${header.cwd}, lvs-play ${header.tool})`],
    ...(unfinished ? [['go on', `lvs-play resume ${header.id}`] as const] : []),
    ...(header.changing.length === 0 ? [] : [['take back', `lvs-play rollback ${header.id}`] as const]),
  ];
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return number;
}
