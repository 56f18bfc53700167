import { InputErrors, LvsPlayError } from '../core/errors.ts';
import type { ChangeView } from '../core/events.ts';
import { formatEndpoint } from '../lvs/model/ip.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { hostNames } from '../observe/words.ts';
import type { TaskInstance } from '../plan/compile/instantiate.ts';
import { changedInputs, changedState, changedTasks, sameChanges, sameOutcome, untimely } from '../plan/saved/compare.ts';
import { appliedBy, noteApplied } from '../plan/saved/file.ts';
import { Fingerprints } from '../plan/saved/fingerprint.ts';
import { type ExtraVarsGiven, keptChanges, shownPlan } from '../plan/saved/make.ts';
import type { SavedPlan } from '../plan/saved/types.ts';
import type { PlannedTask } from '../plan/types.ts';
import { viewChange } from '../plan/view.ts';
import type { KeptRun, RunKeeper } from './keeper.ts';

/** A saved plan on its way to being carried out. */
export interface PlanToApply {
  /** Where it lies; whether it was carried out is noted beside it. */
  readonly file: string;
  readonly plan: SavedPlan;
  /** Version of this tool. */
  readonly tool: string;
  readonly extraVars: ExtraVarsGiven;
}

/**
 * Refuses a plan that is stale, with everything that changed; then lets each task do what the plan lists and nothing else.
 */
export function savedPlanKeeper(to: PlanToApply): RunKeeper {
  const rows = new Map(to.plan.plan.plays.flatMap((play) => play.tasks).map((row) => [rowId(row.host, row.task.id), row]));
  const open = new Set([...rows.values()].filter((row) => row.status === 'deferred' || row.predicted || row.doubtful === true).map((row) => row.host));
  const prints = new Fingerprints(to.plan.salt);
  let noted: Promise<void> | undefined;
  return {
    name: 'saved plan',
    begin: async (run) => {
      const reasons = await reasonsAgainst(to, run, prints);
      if (reasons.length > 0) throw stale(to, reasons);
    },
    beforeSteps: async (run, instance, changes) => {
      const views = changes.map((change) => viewChange(change, run.input.secrets, instance.task.noLog));
      if (!isPlanned(instance, await keptChanges(views, prints), rows, open)) {
        throw new LvsPlayError({
          code: 'not-in-plan',
          kind: 'host',
          host: instance.host,
          message: `the plan does not say this: ${changes.length === 0 ? instance.task.module : views.map((change) => change.path).join(', ')}; nothing of it was done`,
          hint: 'something changed while the plan was carried out: look at it, and plan again',
        });
      }
      noted ??= noteApplied(to.file, to.plan, run.id, new Date());
      await noted;
    },
  };
}

/** Everything that forbids to carry the plan out; empty: it is as it was. */
async function reasonsAgainst({ file, plan, tool, extraVars }: PlanToApply, run: KeptRun, prints: Fingerprints): Promise<string[]> {
  const { input, prepared } = run;
  const applied = await appliedBy(file, plan);
  const inputs = await changedInputs(plan, { inputs: input.inputs.list(), extraVars });
  // Another playbook asks other questions: what it asks besides is no news.
  const known = (line: string) => inputs.length === 0 || !/ (?:is asked now|was asked for the plan), and /.test(line);
  const { secrets } = input;
  const state = (await changedState(plan, { answers: prepared.answers, names: serverNames(prepared.compiled.site.topology), secrets })).filter(known);
  const lost = (['unreachable', 'failed'] as const).flatMap((kind) => {
    const hosts = Object.keys(prepared.plan[kind]);
    return hosts.length === 0 ? [] : [`${hostNames(hosts)} ${hosts.length === 1 ? 'is' : 'are'} ${kind} now`];
  });
  const reasons = [
    ...(applied === undefined ? [] : [`it was carried out at ${applied.at} already, by run ${applied.run}`]),
    ...untimely(plan, { now: new Date(), tool }),
    ...inputs,
    ...lost,
    ...state.filter((line) => !Object.keys(prepared.plan.unreachable).some((host) => line.startsWith(`${host}: `))),
  ];
  // What the tasks would do otherwise follows from these.
  return reasons.length > 0 ? reasons : changedTasks(plan.plan, await shownPlan(prepared.plan, secrets, prints));
}

function stale({ file }: PlanToApply, reasons: readonly string[]): LvsPlayError {
  const error = (message: string, hint?: string) => new LvsPlayError({ code: 'stale-plan', kind: 'input', message, ...(hint === undefined ? {} : { hint }) });
  const [first = '', ...others] = reasons;
  if (others.length === 0) return error(`${file} is not carried out: ${first}`, 'look at what changed, and plan again');
  const last = others.pop() ?? '';
  return new InputErrors([error(`${file} is not carried out: ${first}`), ...others.map((reason) => error(reason)), error(last, 'look at what changed, and plan again')]);
}

/** Real servers by what an IPVS table calls them. */
function serverNames(topology: Topology | undefined): ReadonlyMap<string, string> {
  const servers = [...(topology?.services.values() ?? [])].flatMap((service) => service.realServers);
  return new Map(servers.map(({ host, address, port }) => [formatEndpoint(address, port), host]));
}

function isPlanned(instance: TaskInstance, views: readonly ChangeView[], rows: ReadonlyMap<string, PlannedTask>, open: ReadonlySet<string>): boolean {
  const { host, task, ref } = instance;
  const row = rows.get(rowId(host, ref.id)) ?? rows.get(rowId(host, task.id));
  // Which handlers a deferred or predicted task will call, only the run tells: the plan says so.
  if (row === undefined) return ref.handler && open.has(host);
  if (row.status === 'deferred') return true;
  // A plan lists no changes of a task that says it makes none; that it does something, it does list.
  if (task.changedWhen?.value === false) return row.status !== 'ok' || row.doubtful === true;
  if (row.status === 'runs') return sameChanges(row.changes, views, true);
  if (row.predicted || row.doubtful === true) return sameOutcome(row.changes, views);
  return row.status === 'change' && sameChanges(row.changes, views, false);
}

function rowId(host: string, task: string): string {
  return JSON.stringify([host, task]);
}
