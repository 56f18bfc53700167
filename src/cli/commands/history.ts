import { Command, InvalidArgumentError } from 'commander';
import { journalDir } from '../../journal/place.ts';
import { findRun, listRuns, runEvents } from '../../journal/read.ts';
import type { JournaledRun } from '../../journal/types.ts';
import { formatHistory, formatRun, type HistoryRow } from '../../report/history.ts';
import { createStyle } from '../../report/terminal/style.ts';
import { hostState } from '../../core/host-state.ts';
import { type HostRecord, parseRecords, recordsScript } from '../../lock/script.ts';
import { namesOfMissing, unansweredWords } from '../../observe/words.ts';
import { EXIT, exitCodeOfHosts } from '../exit.ts';
import { commonOptions, type RawOptions, withConnection, withInventory } from '../input/options.ts';
import { colorOn, printProgress, printResult, processSecrets } from '../output.ts';

/** `lvs-play history [show RUN]`: the runs of this user on this machine. */
export function historyCommand(): Command {
  const command = withConnection(withInventory(new Command('history')))
    .description('the runs made from here, the newest first; with -i those that the hosts know of, wherever they were made; show RUN: what one was and did')
    .option('-n, --number <count>', 'how many at most', wholeNumber, 20)
    .option('--json', 'print as one JSON document')
    .action(async (flags: HistoryFlags) => {
      if (flags.inventory !== undefined) {
        process.exitCode = await onHosts(flags);
        return;
      }
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

interface HistoryFlags extends RawOptions {
  readonly number: number;
}

/** What the records on hosts tell: one row for each run and host. */
async function onHosts(flags: HistoryFlags): Promise<number> {
  const options = commonOptions(flags, process.env);
  const [{ openSite }, { enterLabIfNeeded }, { askChosen }] = await Promise.all([import('../input/open-site.ts'), import('../../lab/enter.ts'), import('../ask-hosts.ts')]);
  const inside = await enterLabIfNeeded(options.inventories);
  if (inside !== undefined) return inside;
  const opened = await openSite(options);
  try {
    const seen = await askChosen(opened, options, { script: recordsScript(hostState(process.env)), read: parseRecords });
    const { missing } = seen;
    const records = seen.each((list, host) => list.map((record) => ({ host, ...record }))).flat().sort((a, b) => (a.owner.id < b.owner.id ? 1 : -1));
    if (flags.json === true) printResult(document({ records, unreachable: namesOfMissing(missing.filter(({ kind }) => kind === 'unreachable')), unknown: namesOfMissing(missing) }));
    else if (records.length > 0 || missing.length === 0) printResult(formatHistory(records.slice(0, flags.number).map(recordRow), createStyle(colorOn(process.stdout))));
    if (missing.length > 0) printProgress(processSecrets.mask(`what else was run is unknown: ${unansweredWords(missing)}\n`));
    return exitCodeOfHosts(missing) ?? EXIT.ok;
  } finally {
    await opened.close();
  }
}

function recordRow({ host, owner, end, since }: HostRecord & { readonly host: string }): HistoryRow {
  const text = (name: string): string | undefined => (typeof end[name] === 'string' ? end[name] : undefined);
  return { id: owner.id, owner: owner.owner, line: owner.command, reason: owner.reason, started: owner.since, ended: text('at'), result: [text('result') ?? '?', ...(since === undefined ? [] : [since])].join(', '), changing: [host] };
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
    ...(header.partOf === undefined ? [] : [['part of', header.partOf] as const]),
    ...(header.of === undefined ? [] : [[header.command === 'rollback' ? 'takes back' : 'goes on with', header.of] as const]),
    ['made from', `${header.playbook}, ${header.options.inventories.join(', ')} (in ${header.cwd}, lvs-play ${header.tool})`],
    ...(unfinished ? [['go on', `lvs-play resume ${header.id}`] as const] : []),
    ...(header.changing.length === 0 || header.command === 'maintain' ? [] : [['take back', `lvs-play rollback ${header.id}`] as const]),
  ];
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return number;
}
