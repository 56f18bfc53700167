import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LvsPlayError } from '../../core/errors.ts';
import { journalDir } from '../../journal/place.ts';
import { inventoriesOf, listRuns } from '../../journal/read.ts';
import type { JournaledRun } from '../../journal/types.ts';
import { enterLabIfNeeded } from '../../lab/enter.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import { formatStatus, type History } from '../../report/status.ts';
import { createStyle, printable } from '../../report/terminal/style.ts';
import { lookAtDirectors } from '../../status/look.ts';
import { formatMetrics } from '../../status/metrics.ts';
import { unknownHosts } from '../../drift/types.ts';
import { type ClusterStatus, clusterStatus, type DriftCount, withDrift } from '../../status/status.ts';
import { chosenHosts } from '../ask-hosts.ts';
import { isMadeHere } from '../drain/plays.ts';
import { defaultPlaybook } from './drift.ts';
import { EXIT, exitCodeOfMissing } from '../exit.ts';
import { openCluster } from '../input/open-cluster.ts';
import type { OpenSite } from '../input/open-site.ts';
import { type CommonOptions, requireInventory } from '../input/options.ts';
import { type Connection, plainScreen, readRunInput } from '../input/run-input.ts';
import { interruptible } from '../interrupt.ts';
import { colorOn, isLiveTerminal, printResult, processSecrets } from '../output.ts';
import { replaceFile } from '../replace-file.ts';

export interface StatusFlags {
  /** Seconds between looks; undefined: one look. */
  readonly watch: number | undefined;
  /** `-` for stdout, or a file; undefined: none. */
  readonly metrics: string | undefined;
  /** Whether hosts are compared with a playbook too; a string: with this one. */
  readonly drift: true | string | undefined;
}

/** `status`, from the command line to the exit code. */
export async function status(options: CommonOptions, { watch, metrics, drift }: StatusFlags): Promise<number> {
  requireInventory(options);
  if (watch !== undefined && drift !== undefined) throw new LvsPlayError({ code: 'drift-watched', kind: 'usage', message: '--drift asks every host for all that a playbook sets: not again and again with --watch', hint: 'leave one of them out' });
  const inside = await enterLabIfNeeded(options.inventories);
  if (inside !== undefined) return inside;
  const { topology, connection, opened } = await openCluster(options);
  try {
    const chosen = new Set(await chosenHosts(opened, options));
    const look = (): Promise<ClusterStatus> => statusOf(topology, opened, chosen);
    if (watch === undefined) {
      const now = drift === undefined ? await look() : withDrift(await look(), await driftCount(drift, options, connection));
      await show(now, options, metrics);
      return exitCodeOfStatus(now);
    }
    return await interruptible((signal) => watched(look, options, { every: watch, metrics }, signal), () => undefined);
  } finally {
    await opened.close();
  }
}

/** What a monitor acts on. Pure. */
function exitCodeOfStatus({ problems, unreachable, failed, drift }: ClusterStatus): number {
  const missing = exitCodeOfMissing({ unreachable: [...unreachable, ...(drift?.unreachable ?? [])], failed: [...failed, ...(drift?.failed ?? [])] });
  if (missing !== undefined) return missing;
  return problems.length > 0 ? EXIT.verification : EXIT.ok;
}

async function statusOf(topology: Topology, { target }: OpenSite, chosen: ReadonlySet<string>): Promise<ClusterStatus> {
  const hosts = [...topology.directors.keys()].filter((host) => chosen.has(host));
  return clusterStatus(topology, await lookAtDirectors(topology, hosts, target), Date.now());
}

/** @param given a playbook, or that of the last run from here */
async function driftCount(given: true | string, options: CommonOptions, connection: Connection): Promise<DriftCount> {
  const playbook = given === true ? ((await lastPlaybook(options)) ?? defaultPlaybook()) : given;
  const { findDrift } = await import('../../drift/find.ts');
  const report = await findDrift(await readRunInput(playbook, { ...options, limit: [] }, plainScreen, connection), { journal: journalDir(), inventories: options.inventories, cwd: process.cwd() }, () => undefined);
  const unknown = unknownHosts(report);
  return { playbook, differences: report.items.length, on: [...new Set(report.items.map(({ host }) => host))], unknown, compared: report.hosts.length - unknown.length, unreachable: Object.keys(report.unreachable), failed: Object.keys(report.failed) };
}

/** Of a run by itself: what a drain or a maintenance carries out is not what hosts should be. */
async function lastPlaybook(options: CommonOptions): Promise<string | undefined> {
  const runs = (await runsFromHere(options)).filter(({ header }) => header.partOf === undefined && !isMadeHere(header.playbook));
  return runs.map(({ header }) => header.playbook).find((file) => file !== '' && existsSync(file));
}

async function show(now: ClusterStatus, options: CommonOptions, metrics: string | undefined): Promise<void> {
  if (metrics !== undefined && metrics !== '-') await replaceFile('--metrics', metrics, formatMetrics(now));
  if (metrics === '-') printResult(processSecrets.mask(formatMetrics(now)));
  else if (options.json) printResult(processSecrets.mask(`${JSON.stringify(now, null, 2)}\n`));
  else if (metrics === undefined) printResult(processSecrets.mask(formatStatus(now, createStyle(colorOn(process.stdout)), await lastRun(options))));
}

/** The newest run from here with the same inventory, in words. */
async function lastRun(options: CommonOptions): Promise<string | undefined> {
  const [run] = await runsFromHere(options);
  if (run === undefined) return undefined;
  const { header, end, alive } = run;
  return printable(`${header.id}  ${header.line} by ${header.owner}: ${end?.result ?? (alive ? 'at work' : 'died; lvs-play resume last goes on')}`);
}

async function runsFromHere({ inventories }: CommonOptions): Promise<readonly JournaledRun[]> {
  const own = inventoriesOf({ cwd: process.cwd(), options: { inventories } });
  return (await listRuns(journalDir())).filter(({ header }) => inventoriesOf(header).some((file) => own.includes(file)));
}

/** Looks that a sparkline shows. */
const TRAIL = 24;

/** Looks again and again until the operator ends it. @returns the exit code of the last look */
async function watched(look: () => Promise<ClusterStatus>, options: CommonOptions, { every, metrics }: { readonly every: number; readonly metrics: string | undefined }, signal: AbortSignal): Promise<number> {
  const live = isLiveTerminal(process.stdout) && !options.json && metrics === undefined;
  let history: History = new Map();
  let code: number = EXIT.ok;
  // The alternate screen: what was on the terminal comes back.
  if (live) printResult('\u001B[?1049h\u001B[?25l');
  try {
    while (!signal.aborted) {
      const now = await look();
      code = exitCodeOfStatus(now);
      history = withLook(history, now);
      if (live) printResult(screenOf(processSecrets.mask(formatStatus(now, createStyle(colorOn(process.stdout)), await lastRun(options), history)), now.at, every));
      else if (options.json) printResult(processSecrets.mask(`${JSON.stringify(now)}\n`));
      else await show(now, options, metrics);
      await delay(every * 1000, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    if (live) printResult('\u001B[?25h\u001B[?1049l');
  }
  return code;
}

function withLook(history: History, { services }: ClusterStatus): History {
  return new Map(services.flatMap(({ name, servers }) => servers.map(({ host, active, rate }) => {
    const key = `${name} ${host}`;
    return [key, [...(history.get(key) ?? []), { active: active ?? 0, rate: rate?.connections ?? 0 }].slice(-TRAIL)] as const;
  })));
}

/** One screen: from the top, each line to its end, and nothing below. What does not fit is said. */
function screenOf(text: string, at: string, every: number): string {
  const rows = process.stdout.rows;
  const lines = [`lvs-play status  ${at}  every ${String(every)} s, Ctrl-C ends`, '', ...text.trimEnd().split('\n')];
  const shown = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `... ${String(lines.length - rows + 1)} lines more`];
  return `\u001B[H${shown.map((line) => `${line}\u001B[K`).join('\r\n')}\u001B[J`;
}
