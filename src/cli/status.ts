import { setTimeout as delay } from 'node:timers/promises';
import { journalDir } from '../journal/place.ts';
import { inventoriesOf, listRuns } from '../journal/read.ts';
import { enterLabIfNeeded } from '../lab/enter.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { formatStatus, type History } from '../report/status.ts';
import { createStyle, printable } from '../report/style.ts';
import { lookAtDirector } from '../status/look.ts';
import { formatMetrics } from '../status/metrics.ts';
import { type ClusterStatus, clusterStatus } from '../status/status.ts';
import { chosenHosts } from './ask-hosts.ts';
import { EXIT } from './exit.ts';
import { type OpenSite, openSite } from './input/open-site.ts';
import { type CommonOptions, requireInventory } from './input/options.ts';
import { interruptible } from './interrupt.ts';
import { colorOn, isLiveTerminal, printResult, processSecrets } from './output.ts';
import { replaceFile } from './replace-file.ts';
import { noTopology } from './verify-action.ts';

export interface StatusFlags {
  /** Seconds between looks; undefined: one look. */
  readonly watch: number | undefined;
  /** `-` for stdout, or a file; undefined: none. */
  readonly metrics: string | undefined;
}

/** `status`, from the command line to the exit code. */
export async function status(options: CommonOptions, { watch, metrics }: StatusFlags): Promise<number> {
  requireInventory(options);
  const inside = await enterLabIfNeeded(options.inventories);
  if (inside !== undefined) return inside;
  const opened = await openSite(options);
  try {
    const { topology } = opened.site;
    if (topology === undefined) throw noTopology();
    const chosen = new Set(await chosenHosts(opened, options));
    const look = (): Promise<ClusterStatus> => statusOf(topology, opened, chosen);
    if (watch === undefined) {
      const now = await look();
      await show(now, options, metrics);
      return exitCodeOfStatus(now);
    }
    return await interruptible((signal) => watched(look, options, { every: watch, metrics }, signal), () => undefined);
  } finally {
    await opened.close();
  }
}

/** What a monitor acts on. Pure. */
function exitCodeOfStatus({ problems, unreachable }: ClusterStatus): number {
  if (unreachable.length > 0) return EXIT.unreachable;
  return problems.length > 0 ? EXIT.verification : EXIT.ok;
}

async function statusOf(topology: Topology, { target }: OpenSite, chosen: ReadonlySet<string>): Promise<ClusterStatus> {
  const hosts = [...topology.directors.keys()].filter((host) => chosen.has(host));
  const looks = await Promise.all(hosts.map(async (host) => [host, await lookAtDirector(topology, host, await target(host))] as const));
  return clusterStatus(topology, new Map(looks), Date.now());
}

async function show(now: ClusterStatus, options: CommonOptions, metrics: string | undefined): Promise<void> {
  if (metrics !== undefined && metrics !== '-') await replaceFile('--metrics', metrics, formatMetrics(now));
  if (metrics === '-') printResult(processSecrets.mask(formatMetrics(now)));
  else if (options.json) printResult(processSecrets.mask(`${JSON.stringify(now, null, 2)}\n`));
  else if (metrics === undefined) printResult(processSecrets.mask(formatStatus(now, createStyle(colorOn(process.stdout)), await lastRun(options))));
}

/** The newest run from here with the same inventory, in words. */
async function lastRun({ inventories }: CommonOptions): Promise<string | undefined> {
  const own = inventoriesOf({ cwd: process.cwd(), options: { inventories } });
  const run = (await listRuns(journalDir())).find(({ header }) => inventoriesOf(header).some((file) => own.includes(file)));
  if (run === undefined) return undefined;
  const { header, end, alive } = run;
  return printable(`${header.id}  ${header.line} by ${header.owner}: ${end?.result ?? (alive ? 'at work' : 'died; lvs-play resume last goes on')}`);
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
