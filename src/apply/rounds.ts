import type { CompiledPlay } from '../plan/compile/compile.ts';
import type { PlannedTask } from '../plan/types.ts';
import type { Task } from '../playbook/types.ts';

/** A stretch of tasks that hosts go through by themselves, until the next meeting point. */
export interface Stretch {
  readonly play: CompiledPlay;
  readonly hosts: readonly string[];
  readonly tasks: readonly Task[];
  readonly handlers: boolean;
  /**
   * Of a task that changes what HA pairs run. in-turn: one host after the other, in their order; together: these sets of members put it into force at the
   * same moment.
   */
  readonly pair?: 'in-turn' | { readonly together: readonly (readonly string[])[] };
}

/** A batch of `serial`; or several, where members of a pair in different ones have to do something at the same moment. */
export interface Round {
  /** Of its first batch. */
  readonly number: number;
  readonly hosts: readonly string[];
  readonly stretches: readonly Stretch[];
}

/**
 * A play as rounds. Tasks are cut where hosts have to wait for each other: a `run_once` task stands alone, so does one that changes a pair, and handlers run when
 * all is done. Where a pair's change has to be simultaneous, the batches of its members become one round: each batch's tasks up to it in turn, it
 * together, then each batch's rest in turn. So `serial` holds for everything else. Pure.
 * @param planned what the plan says of this play
 */
export function roundsOf(play: CompiledPlay, planned: readonly PlannedTask[]): Round[] {
  const changes = planned.filter((row) => row.pair !== undefined && row.changes.length > 0);
  const inTurn: InTurn = (task, hosts) => changes.some((row) => taskId(row) === task.id && hosts.includes(row.host));
  const together = jointSets(changes);
  const rounds: Round[] = [];
  for (let number = 0; number < play.batches.length; ) {
    const last = lastBatch(play.batches, number, [...together.values()].flat());
    const batches = play.batches.slice(number, last + 1);
    rounds.push({ number, hosts: batches.flat(), stretches: stretchesOf(play, batches, inTurn, together) });
    number = last + 1;
  }
  return rounds;
}

/** Whether a task changes a pair that one of these hosts belongs to. */
type InTurn = (task: Task, hosts: readonly string[]) => boolean;

/** Loop items have ids of their own: `PLAY.TASK.ITEM`. */
function taskId(row: PlannedTask): string {
  return row.task.id.split('.').slice(0, 2).join('.');
}

/** By task: the sets of hosts that change at the same moment. A member alone has nobody to wait for. */
function jointSets(changes: readonly PlannedTask[]): ReadonlyMap<string, readonly (readonly string[])[]> {
  const sets = new Map<string, string[][]>();
  for (const row of changes) {
    if (row.pair?.class !== 'simultaneous' && row.pair?.class !== 'disruptive') continue;
    const { pairs } = row.pair;
    const known = sets.get(taskId(row)) ?? [];
    const mine = changes.filter((other) => taskId(other) === taskId(row) && other.pair?.pairs.some((name) => pairs.includes(name)) === true && other.pair.class === row.pair?.class).map(({ host }) => host);
    if (mine.length > 1 && !known.some((set) => set.some((host) => mine.includes(host)))) known.push([...new Set(mine)]);
    sets.set(taskId(row), known);
  }
  return sets;
}

/** The last batch that has to be in one round with this one: sets that reach further pull in what lies between. */
function lastBatch(batches: CompiledPlay['batches'], first: number, sets: readonly (readonly string[])[]): number {
  let last = first;
  for (let at = first; at <= last; at++) {
    for (const set of sets.filter((hosts) => hosts.some((host) => batches[at]?.includes(host) === true))) {
      last = Math.max(last, batches.findLastIndex((batch) => set.some((host) => batch.includes(host))));
    }
  }
  return last;
}

function stretchesOf(play: CompiledPlay, batches: readonly (readonly string[])[], inTurn: InTurn, together: ReadonlyMap<string, readonly (readonly string[])[]>): Stretch[] {
  const all = batches.flat();
  const setsOf = (task: Task): readonly (readonly string[])[] => (together.get(task.id) ?? []).filter((set) => set.some((host) => all.includes(host)));
  const result: Stretch[] = [];
  let rest = [...play.tasks];
  for (const joint of play.tasks.filter((task) => setsOf(task).length > 0)) {
    const sets = setsOf(joint);
    const before = rest.slice(0, rest.indexOf(joint));
    for (const hosts of batches) result.push(...cut(play, hosts, before, false, inTurn));
    // Who belongs to none of the sets does it by himself, in his order.
    const others = all.filter((host) => !sets.some((set) => set.includes(host)));
    if (others.length > 0) result.push({ play, hosts: others, tasks: [joint], handlers: false, pair: 'in-turn' });
    result.push({ play, hosts: all.filter((host) => !others.includes(host)), tasks: [joint], handlers: false, pair: { together: sets } });
    rest = rest.slice(rest.indexOf(joint) + 1);
  }
  for (const hosts of batches) result.push(...cut(play, hosts, rest, false, inTurn), ...cut(play, hosts, play.handlers, true, inTurn));
  return result;
}

function cut(play: CompiledPlay, hosts: readonly string[], tasks: readonly Task[], handlers: boolean, inTurn: InTurn): Stretch[] {
  const result: (Stretch & { tasks: Task[] })[] = [];
  for (const task of tasks) {
    const last = result.at(-1);
    const pair = inTurn(task, hosts);
    const alone = task.runOnce || pair;
    if (last !== undefined && !alone && last.pair === undefined && last.tasks[0]?.runOnce !== true) last.tasks.push(task);
    else result.push({ play, hosts, tasks: [task], handlers, ...(pair ? { pair: 'in-turn' as const } : {}) });
  }
  return result;
}
