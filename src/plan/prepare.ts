import path from 'node:path';
import { LvsPlayError, throwCollected } from '../core/errors.ts';
import { isJsonObject } from '../core/json.ts';
import { mapLimited } from '../core/pool.ts';
import { secretsOf } from '../lvs/host/director.ts';
import { type CompiledRun, compileRun, CONTROLLER } from './compile/compile.ts';
import type { Emit, RunInput } from './input.ts';
import type { InstantiateServices, TaskInstance } from './compile/instantiate.ts';
import { liveRequests } from './live.ts';
import { askOutline, type HostOutline, type HostPlay, outlineHost, planHost } from './plan-host.ts';
import { Scopes } from './scope.ts';
import { type HostAnswer, Sessions } from './sessions.ts';
import type { Plan, PlannedTask } from './types.ts';

/** A run whose hosts have been asked and whose plan is made: what `apply` starts from. */
export interface PreparedRun {
  readonly compiled: CompiledRun;
  readonly services: InstantiateServices;
  readonly outlines: ReadonlyMap<string, HostOutline>;
  readonly plan: Plan;
  readonly sessions: Sessions;
  /** Everything that hosts answered while the plan was made. */
  readonly answers: readonly HostAnswer[];
}

/**
 * Reads everything, asks every host once, and decides what would change. Writes nothing anywhere.
 * @throws LvsPlayError kind `input` when playbook, variables or topology are wrong: no host has been asked then
 */
export async function prepareRun(input: RunInput, options: { dryRun: boolean; id?: string }, emit: Emit): Promise<PreparedRun> {
  const compiled = compileRun(input);
  const { playbook, inventory, engine, secrets } = input;
  for (const secret of compiled.site.topology === undefined ? [] : secretsOf(compiled.site.topology)) secrets.add(secret);
  const scopes = new Scopes({
    site: compiled.site,
    extraVars: input.extraVars,
    engine,
    dryRun: options.dryRun,
    playbookDir: path.dirname(path.resolve(playbook.file)),
  });
  const services = { site: compiled.site, scopes, engine, become: input.become, secrets, inputs: input.inputs };
  const sessions = new Sessions(input, scopes);
  emit({
    at: Date.now(),
    type: 'run-started',
    command: options.dryRun ? 'plan' : 'deploy',
    ...(options.id === undefined ? {} : { run: options.id }),
    playbook: playbook.file,
    inventory: inventory.source,
    hosts: compiled.hosts,
  });
  for (const text of compiled.warnings) emit({ at: Date.now(), type: 'message', level: 'warning', text });
  try {
    const outlines = await outlineHosts(compiled, services, sessions);
    const lost = { unreachable: {} as Record<string, string>, failed: {} as Record<string, string> };
    const rows = new Map<string, HostRows>();
    const changes = () => [...rows.values()].some((byPlay) => [...byPlay.values()].flat().some((row) => row.changes.length > 0 || row.status === 'deferred'));
    const planServices = { ...services, resumed: input.resumed, idleReason: (instance: TaskInstance) => idleReason(instance, input, changes()) };
    const planOne = async (host: string): Promise<void> => {
      emit({ at: Date.now(), type: 'host-gathering', host });
      const outline = outlines.get(host);
      if (outline === undefined) return;
      try {
        await askOutline(outline, sessions.of, liveRequests(compiled.site.topology, host));
        rows.set(host, await planHost(outline, sessions.of, planServices));
      } catch (error) {
        if (!(error instanceof LvsPlayError) || error.kind === 'input') throw error;
        const state = error.kind === 'unreachable' ? 'unreachable' : 'failed';
        lost[state][host] = secrets.mask(error.message);
        emit({ at: Date.now(), type: 'host-lost', state, host, message: secrets.mask(error.message), ...(error.hint === undefined ? {} : { hint: error.hint }) });
      }
    };
    // The controller's tasks come last: whether they are due may depend on what changes elsewhere.
    await mapLimited(compiled.hosts.filter((host) => host !== CONTROLLER), input.forks, planOne);
    if (compiled.hosts.includes(CONTROLLER)) await planOne(CONTROLLER);
    const plan = planOf(input, compiled, rows, lost);
    emit({ at: Date.now(), type: 'plan-made', hosts: compiled.hosts.map((host) => countsOf(host, [...(rows.get(host)?.values() ?? [])].flat())) });
    return { compiled, services, outlines, plan, sessions, answers: await sessions.answers() };
  } catch (error) {
    await sessions.close();
    throw error;
  }
}

async function outlineHosts(compiled: CompiledRun, services: InstantiateServices, sessions: Sessions): Promise<ReadonlyMap<string, HostOutline>> {
  const outlines = new Map<string, HostOutline>();
  const errors = new Map<string, LvsPlayError>();
  for (const host of compiled.hosts) {
    try {
      sessions.check(host);
      outlines.set(host, await outlineHost(host, hostPlays(compiled, host), services));
    } catch (error) {
      if (!(error instanceof LvsPlayError)) throw error;
      // The same mistake in a playbook shows on every host; it is told once.
      errors.set(`${error.message} ${JSON.stringify(error.position ?? host)}`, error);
    }
  }
  throwCollected([...errors.values()]);
  return outlines;
}

function hostPlays(compiled: CompiledRun, host: string): HostPlay[] {
  return compiled.plays.flatMap((play, index) => {
    const batch = play.batches.find((hosts) => hosts.includes(host));
    return batch === undefined ? [] : [{ index, play, batch }];
  });
}

type HostRows = ReadonlyMap<number, readonly PlannedTask[]>;

/** A controller action such as verification proves a change; without one it is left to its own command. */
export function idleReason(instance: TaskInstance, input: RunInput, somethingChanged: boolean): string | undefined {
  if (somethingChanged || instance.work.kind !== 'ready' || !input.controllerActions.has(instance.task.module)) return undefined;
  const { args } = instance.work;
  return isJsonObject(args) && args['always'] === true ? undefined : 'nothing changed';
}

function planOf(input: RunInput, compiled: CompiledRun, rows: ReadonlyMap<string, HostRows>, lost: Pick<Plan, 'unreachable' | 'failed'>): Plan {
  return {
    version: 1,
    createdAt: new Date().toISOString(),
    playbook: input.playbook.file,
    inventory: input.inventory.source,
    plays: compiled.plays.map(({ play, batches }, index) => ({
      name: play.name,
      batches,
      tasks: batches.flat().flatMap((host) => rows.get(host)?.get(index) ?? []),
    })),
    ...lost,
  };
}

function countsOf(host: string, rows: readonly PlannedTask[]): { host: string; tasks: number; changes: number } {
  return { host, tasks: rows.length, changes: rows.reduce((sum, row) => sum + row.changes.length, 0) };
}
