import { type DriftItem, type DriftLayer, type DriftReport, type RunMark, type Since, unknownHosts } from '../../drift/types.ts';
import { hostNames } from '../../observe/words.ts';
import { changeLines } from './change.ts';
import { lostLines, plural } from './plan-text.ts';
import { createStyle, printable, type Style } from '../terminal/style.ts';

const WORDS: Readonly<Record<DriftLayer, string>> = { disk: 'on disk', running: 'running', kernel: 'kernel' };
const WIDTH = 9;

/** A drift report for people: host by host, layer by layer, what is and what should be, and since when. Pure. */
export function formatDrift(report: DriftReport, options: { readonly diff: boolean; readonly color: boolean }): string {
  const style = createStyle(options.color);
  const lost = lostLines(report, style);
  const notes = [...desiredLines(report, style), ...report.notCompared.map(({ host, what }) => `${style.yellow('not compared:')} [${host}] ${what}`), ...lost];
  const hosts = report.hosts.flatMap((host) => hostBlock(host, report.items.filter((item) => item.host === host), { ...options, style }));
  return [...hosts, ...(notes.length === 0 ? [] : [notes.join('\n')]), countsLine(report, style)].join('\n\n') + '\n';
}

function hostBlock(host: string, items: readonly DriftItem[], options: { readonly diff: boolean; readonly style: Style }): string[] {
  if (items.length === 0) return [];
  const { style } = options;
  const layers = (['disk', 'running', 'kernel'] as const).flatMap((layer) => items.filter((item) => item.layer === layer));
  const lines = layers.flatMap((item) => {
    // What a repair costs is the plan's to tell.
    const { impact: _impact, ...change } = item.change;
    const [head = '', ...diff] = changeLines(change, options);
    const mark = item.predicted ? style.cyan(' (follows from another)') : '';
    const indent = ' '.repeat(WIDTH + 4);
    return [`    ${style.yellow(WORDS[item.layer].padEnd(WIDTH))}${head}${mark}`, `${indent}${style.dim(sinceText(item.since))}`, ...diff.map((line) => indent + line)];
  });
  return [[`  ${style.bold(host)}`, ...lines].join('\n')];
}

function sinceText({ changed, run }: Since): string {
  const last = run === undefined ? undefined : markText(run);
  if (changed !== undefined) return `changed ${timeText(changed)}${last === undefined ? '; no run of this journal set it' : `; last set by ${last}`}`;
  return last === undefined ? 'since when is unknown: no run of this journal set it' : `some time after ${last}`;
}

function desiredLines({ desired: { run, changed } }: DriftReport, style: Style): string[] {
  if (run === undefined || changed.length === 0) return [];
  return [`${style.yellow('desired:')} changed since ${markText(run)}: ${changed.map(printable).join(', ')}; what follows from that was never deployed`];
}

function countsLine(report: DriftReport, style: Style): string {
  const { items, hosts } = report;
  const head = style.bold('Drift:');
  const unknown = unknownHosts(report);
  const compared = hosts.length - unknown.length;
  const unseen = unknown.length === 0 ? '' : `; ${style.red(`unknown on ${hostNames(unknown)}`)}`;
  if (items.length === 0) return compared === 0 && unknown.length > 0 ? `${head} ${style.red(`unknown on ${hostNames(unknown)}`)}` : `${head} none on ${plural(compared, 'host')}${unseen}`;
  const counts = (['disk', 'running', 'kernel'] as const).map((layer) => [WORDS[layer], items.filter((item) => item.layer === layer).length] as const).filter(([, count]) => count > 0);
  return `${head} ${plural(items.length, 'difference')} on ${plural(new Set(items.map((item) => item.host)).size, 'host')} (${counts.map(([words, count]) => `${words}: ${String(count)}`).join(', ')}); lvs-play deploy ${printable(report.playbook)} repairs it${unseen}`;
}

function markText({ id, at, owner }: RunMark): string {
  return `run ${id} by ${printable(owner)}, ${timeText(at)}`;
}

function timeText(iso: string): string {
  return iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
}

/** A drift report as a document. Pure. */
export function driftJson(report: DriftReport, at: string): object {
  const { playbook, inventory, hosts, desired, items, notCompared, unreachable, failed } = report;
  const unknown = unknownHosts(report);
  return {
    version: 2,
    command: 'drift',
    createdAt: at,
    playbook,
    inventory,
    hosts,
    desired: { run: desired.run ?? null, changed: desired.changed },
    drift: items.map(({ host, layer, change: { path, before, after, diff }, task, module, predicted, since }) => ({
      ...{ host, layer, path, is: before, should: after },
      ...(diff === undefined ? {} : { diff }),
      ...{ task, module, predicted, since: { changed: since.changed ?? null, run: since.run ?? null } },
    })),
    // Null: none was found, but not every host was compared in whole.
    verdict: items.length > 0 ? 'drift' : unknown.length > 0 ? null : 'none',
    ...{ unknown, notCompared, unreachable, failed },
  };
}
