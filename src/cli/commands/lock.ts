import { Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../core/text/duration.ts';
import { LvsPlayError } from '../../core/errors.ts';
import { hostState } from '../../core/host-state.ts';
import { mapLimited } from '../../core/pool.ts';
import { askHost } from '../../observe/ask.ts';
import type { Missing } from '../../observe/observation.ts';
import { namesOfMissing, unansweredWords } from '../../observe/words.ts';
import { newRunId } from '../../core/run-id.ts';
import { parseStatus, parseTake, releaseScript, statusScript, takeScript } from '../../lock/script.ts';
import type { HeldLock, LockOwner } from '../../lock/types.ts';
import { isStale, ownerText, stateText } from '../../lock/words.ts';
import { EXIT, exitCodeOfHosts } from '../exit.ts';
import { commonOptions, requireInventory, withConnection, withInventory, type RawOptions } from '../input/options.ts';
import type { OpenSite } from '../input/open-site.ts';
import { operator } from '../operator.ts';
import { printProgress, printResult, processSecrets } from '../output.ts';

interface LockFlags extends RawOptions {
  readonly reason?: string;
  readonly for?: number;
  readonly force?: true;
}

/** `lvs-play lock status | acquire | release`: who works on which host. */
export function lockCommand(): Command {
  const command = new Command('lock').description('see, take and release the locks that keep runs apart');
  const add = (name: string, summary: string): Command => withConnection(withInventory(command.command(name).description(summary))).option('--json', 'print as one JSON document');
  add('status', 'who holds which host').action(act(status));
  add('acquire', 'keep runs off hosts until it is released')
    .requiredOption('--reason <text>', 'why; whoever is refused reads it')
    .option('--for <duration>', 'until then at the latest: 90s, 30m, 2h', duration)
    .action(act(acquire));
  add('release', 'let runs go on')
    .option('--force', "somebody else's lock as well, and that of a run that is at work")
    .action(act(release));
  return command;
}

/** One host's answer: a line for people, and what a document says of it. */
interface Row {
  readonly host: string;
  readonly text: string;
  readonly lock: HeldLock | undefined;
  readonly refused?: true;
}

type Work = (host: string, opened: OpenSite, flags: LockFlags) => Promise<Row>;

function act(work: Work): (flags: LockFlags) => Promise<void> {
  return async (flags) => {
    const options = commonOptions(flags, process.env);
    requireInventory(options);
    const [{ openSite }, { enterLabIfNeeded }, { chosenHosts }] = await Promise.all([import('../input/open-site.ts'), import('../../lab/enter.ts'), import('../ask-hosts.ts')]);
    const inside = await enterLabIfNeeded(options.inventories);
    if (inside !== undefined) {
      process.exitCode = inside;
      return;
    }
    const opened = await openSite(options);
    try {
      const hosts = await chosenHosts(opened, options);
      const missing: Missing[] = [];
      const rows = await mapLimited(hosts, options.forks, async (host): Promise<Row[]> => {
        try {
          return [await work(host, opened, flags)];
        } catch (error) {
          if (!(error instanceof LvsPlayError) || (error.kind !== 'unreachable' && error.kind !== 'host')) throw error;
          missing.push({ host, kind: error.kind === 'unreachable' ? 'unreachable' : 'failed', error });
          return [];
        }
      });
      print(rows.flat(), missing, options.json);
      process.exitCode = exitCodeOfHosts(missing) ?? (rows.flat().some((row) => row.refused === true) ? EXIT.hostFailed : EXIT.ok);
    } finally {
      await opened.close();
    }
  };
}

async function status(host: string, { target }: OpenSite): Promise<Row> {
  const lock = await askHost(host, target, { script: statusScript(hostState(process.env)), read: parseStatus });
  return { host, lock, text: lock === undefined ? 'free' : `locked by ${ownerText(lock.owner)}; ${stateText(lock)}` };
}

async function acquire(host: string, { target }: OpenSite, flags: LockFlags): Promise<Row> {
  const id = `hand-${newRunId(new Date())}`;
  const owner: LockOwner = { version: 1, id, owner: operator(), command: 'by hand', reason: flags.reason, since: new Date().toISOString(), expiry: undefined, lasts: flags.for };
  const reply = await askHost(host, target, { script: takeScript(owner, hostState(process.env)), read: parseTake });
  if (reply.kind === 'unprivileged') throw new LvsPlayError({ code: 'lock-failed', kind: 'host', host, message: `${host} cannot be locked: that needs root`, hint: 'add -b' });
  if (reply.kind === 'held') return { host, lock: reply.lock, refused: true, text: `refused: locked by ${ownerText(reply.lock.owner)}; ${stateText(reply.lock)}` };
  return { host, lock: { owner, age: 0 }, text: 'locked' };
}

async function release(host: string, { target }: OpenSite, flags: LockFlags): Promise<Row> {
  const lock = await askHost(host, target, { script: statusScript(hostState(process.env)), read: parseStatus });
  if (lock === undefined) return { host, lock, text: 'was free' };
  const mayRelease = flags.force === true || isStale(lock) || (lock.owner.expiry === undefined && lock.owner.owner === operator());
  if (!mayRelease) return { host, lock, refused: true, text: `refused without --force: locked by ${ownerText(lock.owner)}; ${stateText(lock)}` };
  await askHost(host, target, { script: releaseScript(lock.owner.id, hostState(process.env)), read: () => undefined });
  return { host, lock: undefined, text: `released: it was locked by ${ownerText(lock.owner)}` };
}

function print(rows: readonly Row[], missing: readonly Missing[], json: boolean): void {
  if (json) {
    printResult(processSecrets.mask(`${JSON.stringify({ version: 1, unknown: namesOfMissing(missing), hosts: rows.map(({ host, lock, text, refused }) => ({ host, lock: lock ?? null, stale: lock !== undefined && isStale(lock), text, refused: refused === true })) }, null, 2)}\n`));
    return;
  }
  const width = Math.max(0, ...rows.map(({ host }) => host.length));
  printResult(processSecrets.mask(rows.map(({ host, text }) => `${host.padEnd(width)}  ${text}\n`).join('')));
  if (missing.length > 0) printProgress(processSecrets.mask(`the locks of others are unknown: ${unansweredWords(missing)}\n`));
  else if (rows.length === 0) printProgress('no host of the inventory matches\n');
}

function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('Write 90s, 30m or 2h.');
  return seconds;
}
