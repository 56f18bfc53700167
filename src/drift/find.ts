import { LvsPlayError } from '../core/errors.ts';
import { shellQuote } from '../core/text/quote.ts';
import { keepalivedFact } from '../facts/system/keepalived.ts';
import type { UnitState } from '../facts/system/unit.ts';
import type { Emit, RunInput } from '../plan/input.ts';
import { type PreparedRun, prepareRun } from '../plan/prepare.ts';
import type { Target } from '../transport/target.ts';
import { driftOfPlan } from './layers.ts';
import { desiredState, fileOf, withRuns } from './since.ts';
import type { DriftItem, DriftReport } from './types.ts';

/** Where else a report looks. */
export interface DriftSources {
  /** Folder of the journal. */
  readonly journal: string;
  /** As they were given. */
  readonly inventories: readonly string[];
  readonly cwd: string;
}

/**
 * Compares every host with what the playbook wants, layer by layer, and finds out since when. Changes nothing. One request for each host, as a plan, and one more for
 * hosts with differences in files.
 */
export async function findDrift(input: RunInput, sources: DriftSources, emit: Emit): Promise<DriftReport> {
  const prepared = await prepareRun(input, { dryRun: true }, emit);
  try {
    const { plan } = prepared;
    const dated = await withFileTimes(driftOfPlan(plan), async (host) => (await prepared.sessions.get(host)).target);
    return {
      playbook: plan.playbook,
      inventory: plan.inventory,
      hosts: prepared.compiled.hosts.filter((host) => host !== 'localhost'),
      desired: await desiredState({ playbook: input.playbook.file, inventories: sources.inventories, inputs: input.inputs.list(), cwd: sources.cwd }, sources.journal),
      items: await withRuns(dated, sources, sources.journal),
      notCompared: notCompared(prepared),
      unreachable: plan.unreachable,
      failed: plan.failed,
    };
  } finally {
    await prepared.sessions.close();
  }
}

/** A keepalived that runs and did not tell what it does. */
function notCompared({ answers }: PreparedRun): DriftReport['notCompared'] {
  const active = new Set(answers.flatMap(({ host, fact, key, value }) => (fact.name === 'unit' && key === 'keepalived.service' && (value as UnitState).active ? [host] : [])));
  const silent = answers.filter(({ host, fact, value }) => fact.name === keepalivedFact.name && value === null && active.has(host)).map(({ host }) => host);
  return [...new Set(silent)].map((host) => ({ host, what: 'keepalived did not tell what it runs: neither that nor what it filled in the kernel was compared' }));
}

async function withFileTimes(items: readonly DriftItem[], target: (host: string) => Promise<Target>): Promise<DriftItem[]> {
  const times = new Map<string, string>();
  for (const host of new Set(items.map((item) => item.host))) {
    const files = [...new Set(items.flatMap((item) => (item.host === host ? (fileOf(item.change.path) ?? []) : [])))];
    const told = files.length === 0 ? [] : await changeTimes(await target(host), files);
    for (const [index, file] of files.entries()) {
      const seconds = Number(told[index]);
      if (seconds > 0) times.set(`${host} ${file}`, new Date(seconds * 1000).toISOString());
    }
  }
  return items.map((item) => ({ ...item, since: { ...item.since, changed: times.get(`${item.host} ${fileOf(item.change.path) ?? ''}`) } }));
}

/** Of each file seconds since the epoch; `0`: it is not there. The time of the last change of content or attributes: that of the content alone can be set to anything. */
async function changeTimes(target: Target, files: readonly string[]): Promise<readonly string[]> {
  try {
    const reply = await target.request({ script: files.map((file) => `stat -c %Z -- ${shellQuote(file)} 2>/dev/null || echo 0`).join('\n'), become: true });
    return reply.stdout.toString('utf8').trim().split('\n');
  } catch (error) {
    // When it came about is worth less than that it did.
    if (error instanceof LvsPlayError) return [];
    throw error;
  }
}
