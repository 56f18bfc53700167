import type { KeptRun, RunEnding, RunKeeper } from '../apply/keeper.ts';
import { LvsPlayError, messageOf } from '../core/errors.ts';
import { mapLimited } from '../core/pool.ts';
import { type SavedState, savedStateFact } from '../facts/system/saved-state.ts';
import type { Change } from '../modules/contract.ts';
import type { TaskInstance } from '../plan/compile/instantiate.ts';
import { newNonce } from '../plan/session.ts';
import { Sessions } from '../plan/sessions.ts';
import { collectTouched, keysOfInstance, type Touched } from './collect.ts';
import { askSave, noteScript, saveScript } from './hosts.ts';
import type { UndoKey } from './kinds/contract.ts';
import { ALWAYS, covers, mergeKeys } from './keys.ts';
import type { Observation } from '../observe/observation.ts';
import { askGuards, type GuardAnswer, guardText, silentText } from './reach.ts';

export interface UndoOptions {
  /** Seconds after which hosts restore themselves unless they are told not to; undefined: no dead man's switch. */
  readonly confirmWithin: number | undefined;
  /** After a good run too, somebody has to say `confirm`. */
  readonly byHand: boolean;
  /** Looks from outside whether clients are served. @returns why not; undefined: they are, or there is nothing to look at */
  readonly verify: (run: KeptRun) => Promise<string | undefined>;
  /** For tests: where hosts keep it all. */
  readonly root?: string;
}

/** The way out where the run took longer than it was given. */
const LONGER = 'run it again with a longer --confirm-within; lvs-play history -i INVENTORY tells what each host restored';

/** One host of the run, as far as its state is saved. */
interface Kept {
  touched: Touched;
  armed: boolean;
}

/**
 * Saves the state of every host before the first change, and brings it back when the run was to be confirmed and could not be. Hosts that are not changed are
 * not touched.
 */
export function undoKeeper(options: UndoOptions): RunKeeper {
  const hosts = new Map<string, Kept>();
  /** Hosts whose user may not save anything. */
  const without = new Set<string>();
  let changed = false;
  let proved = false;
  /** When the first host was armed, by this machine's clock that never steps: milliseconds. */
  let armedAt: number | undefined;

  async function save(run: KeptRun, host: string, touched: Touched): Promise<void> {
    const known = hosts.get(host);
    const keys = mergeKeys(known?.touched.keys ?? [], touched.keys);
    const unitFiles = mergeUnitFiles(known?.touched.unitFiles ?? new Map(), touched.unitFiles);
    const merged = { keys, unitFiles, commands: [...(known?.touched.commands ?? []), ...touched.commands], become: touched.become || known?.touched.become === true };
    const { target } = await run.prepared.sessions.get(host);
    const record = { version: 1, run: run.id, host, hosts: run.changing, keys: keys.map(({ kind, key }) => ({ kind, key })), unitFiles: Object.fromEntries(unitFiles), commands: merged.commands } as const;
    const armSeconds = known?.armed === true ? undefined : options.confirmWithin;
    const said = await askSave(target, saveScript({ run: run.id, keys, unitFiles }, record, newNonce(), armSeconds, options.root), merged.become);
    if (/^unprivileged$/m.test(said)) {
      without.add(host);
      if (options.confirmWithin !== undefined) throw notRoot(host);
      say(run, 'warning', `${host}: nothing is saved for a rollback, as the run is not root there`, host);
      return;
    }
    const other = /^other-name (.*)$/m.exec(said)?.[1];
    if (other !== undefined) {
      without.add(host);
      if (options.confirmWithin !== undefined) throw twoNames(host, other);
      say(run, 'warning', `${host} is the same machine as ${other}: nothing is saved for a rollback under its second name`, host);
      return;
    }
    hosts.set(host, { touched: merged, armed: known?.armed === true || armSeconds !== undefined });
    if (armSeconds !== undefined) armedAt ??= performance.now();
    if (/^armed until-reboot$/m.test(said)) say(run, 'warning', `${host}: the dead man's switch does not outlive a reboot there: systemd cannot have a unit of ours`, host);
  }

  const isOver = (): boolean => armedAt !== undefined && performance.now() - armedAt > (options.confirmWithin ?? 0) * 1000;
  const become = (host: string): boolean => hosts.get(host)?.touched.become === true;

  /** Connections of their own: the run's may be cut, or be the last that still works. */
  async function anew<T>(run: KeptRun, work: (reach: (host: string) => ReturnType<Sessions['get']>) => Promise<T>): Promise<T> {
    const sessions = new Sessions(run.input, run.prepared.services.scopes);
    try {
      return await work((host) => sessions.get(host));
    } finally {
      await sessions.close();
    }
  }

  function ask(run: KeptRun, words: 'disarm' | 'restore revert'): Promise<Observation<GuardAnswer>> {
    const armed = [...hosts].filter(([, kept]) => kept.armed).map(([host]) => host);
    return anew(run, (reach) => askGuards(armed, async (host) => (await reach(host)).target, { run: run.id, words, become, root: options.root }));
  }

  async function revert(run: KeptRun, why: string, kind: 'host' | 'verification'): Promise<never> {
    say(run, 'warning', `${why}: the state before comes back on ${[...hosts.keys()].join(', ')}`);
    const answers = await ask(run, 'restore revert');
    answers.each((answer) => { say(run, 'info', guardText(answer), answer.host); });
    const silent = silentText(answers);
    for (const text of silent) say(run, 'warning', run.input.secrets.mask(text));
    const amiss = answers.each((answer) => (answer.state !== 'restored' || answer.restored.result !== 'restored' ? [guardText(answer)] : [])).flat();
    throw new LvsPlayError({
      code: 'reverted',
      kind,
      ...(isOver() ? { hint: LONGER } : {}),
      message: run.input.secrets.mask(`${why}; ${amiss.length + silent.length === 0 ? 'every host is as it was before' : [...amiss, ...silent].join('; ')}`),
    });
  }

  /** @returns why the run cannot be confirmed */
  async function doubt(run: KeptRun): Promise<string | undefined> {
    const lost = await anew(run, async (reach) => {
      const found: string[] = [];
      await mapLimited([...hosts.keys()], run.input.forks, async (host) => {
        try {
          await (await reach(host)).reach(become(host));
        } catch (error) {
          found.push(messageOf(error));
        }
      });
      return found;
    });
    if (lost.length > 0) return `no new connection: ${lost.join('; ')}`;
    if (proved) return undefined;
    try {
      return await options.verify(run);
    } catch (error) {
      if (!(error instanceof LvsPlayError)) throw error;
      return error.message;
    }
  }

  async function settle(run: KeptRun, ending: RunEnding): Promise<void> {
    const limit = `lvs-play confirm ${run.id}`;
    if (!changed) {
      await ask(run, 'disarm');
      return;
    }
    if (ending.interrupted) {
      say(run, 'warning', `interrupted: each host restores its state within ${String(options.confirmWithin)} s of the run's begin; ${limit} keeps what was done`);
      return;
    }
    if (!ending.good) await revert(run, ending.error instanceof Error ? ending.error.message : (ending.stopped ?? 'the run failed'), 'host');
    // Hosts that restored themselves in the meantime would be found not to be as the topology says.
    if (isOver()) await revert(run, 'the time was up before the run had ended', 'host');
    const why = await doubt(run);
    if (why !== undefined) await revert(run, `verification failed: ${run.input.secrets.mask(why)}`, 'verification');
    if (options.byHand) {
      say(run, 'warning', `to be confirmed by hand: ${limit}, within ${String(options.confirmWithin)} s of the run's begin; else each host restores its state`);
      return;
    }
    const answers = await ask(run, 'disarm');
    const open = [...answers.each((answer) => (answer.state === 'confirmed' ? [] : [guardText(answer)])).flat(), ...silentText(answers)];
    if (open.length === 0) {
      say(run, 'info', `confirmed on ${[...hosts.keys()].join(', ')}`);
      return;
    }
    throw new LvsPlayError({ code: 'not-confirmed', kind: 'host', message: run.input.secrets.mask(`not confirmed: ${open.join('; ')}`), hint: `${limit}, or roll the others back` });
  }

  return {
    name: 'undo',
    begin: async (run) => {
      const failures: unknown[] = [];
      await mapLimited([...run.changing], run.input.forks, async (host) => {
        try {
          const touched = collectTouched(run.prepared, host);
          const restored = savedTouched(run, host);
          await save(run, host, { ...touched, keys: mergeKeys(touched.keys, restored.keys), unitFiles: mergeUnitFiles(touched.unitFiles, restored.unitFiles) });
        } catch (error) {
          failures.push(error);
        }
      });
      if (failures.length === 0) return;
      if (options.confirmWithin !== undefined) await ask(run, 'disarm');
      throw failures[0];
    },
    beforeSteps: async (run, instance, changes) => {
      if (instance.onController) return;
      // What is begun now would come on top of what hosts have restored.
      if (isOver()) throw new LvsPlayError({ code: 'time-up', kind: 'host', host: instance.host, message: `the time to confirm was up before the run had ended: ${instance.host} is not changed any more`, hint: LONGER });
      const keys = keysToSave(instance, changes);
      const known = hosts.get(instance.host);
      if (!without.has(instance.host) && (known === undefined || !covers(known.touched.keys, keys))) {
        await save(run, instance.host, { keys: [...keys, ...ALWAYS], unitFiles: new Map(), commands: [], become: instance.become });
      }
      changed = true;
      proved = false;
    },
    afterTask: (_run, { task }, { outcome }) => {
      if (task.module === 'lvs_verify') proved = outcome.status === 'ok' || outcome.status === 'changed';
      return Promise.resolve();
    },
    end: async (run, ending) => {
      if (options.confirmWithin !== undefined && hosts.size > 0) await settle(run, ending);
      await mapLimited([...hosts], run.input.forks, async ([host, { touched }]) => {
        try {
          const { target } = await run.prepared.sessions.get(host);
          await target.request({ script: noteScript(run.id, options.root), become: touched.become });
        } catch (error) {
          say(run, 'warning', `${host}: the state at the end was not noted: ${run.input.secrets.mask(messageOf(error))}`, host);
        }
      });
    },
  };
}

function keysToSave(instance: TaskInstance, changes: readonly Change[]): readonly UndoKey[] {
  // What it brings back was told when the plan was made.
  return instance.task.module === 'lvs_restore' ? [] : keysOfInstance(instance, changes);
}

/** A rollback touches what the run touched that it rolls back. */
function savedTouched(run: KeptRun, host: string): Pick<Touched, 'keys' | 'unitFiles'> {
  const states = run.prepared.answers.filter((answer) => answer.host === host && answer.fact.name === savedStateFact.name).map(({ value }) => value as SavedState);
  return {
    keys: states.flatMap(({ things }) => things.map(({ kind, key }) => ({ kind: kind as UndoKey['kind'], key }))),
    unitFiles: states.map(({ unitFiles }) => new Map(Object.entries(unitFiles))).reduce<Touched['unitFiles']>(mergeUnitFiles, new Map()),
  };
}

function mergeUnitFiles(one: Touched['unitFiles'], other: Touched['unitFiles']): Touched['unitFiles'] {
  return new Map([...one, ...[...other].map(([unit, files]) => [unit, [...new Set([...(one.get(unit) ?? []), ...files])]] as const)]);
}

function notRoot(host: string): LvsPlayError {
  return new LvsPlayError({ code: 'undo-needs-root', kind: 'host', host, message: `${host}: a dead man's switch needs root, and the run is not root there`, hint: 'add become: true to the play, or -b' });
}

function say(run: KeptRun, level: 'info' | 'warning', text: string, host?: string): void {
  run.emit({ at: Date.now(), type: 'message', level, text, ...(host === undefined ? {} : { host }) });
}

function twoNames(host: string, other: string): LvsPlayError {
  return new LvsPlayError({ code: 'two-names', kind: 'host', host, message: `${host} and ${other} are the same machine: it cannot be armed twice`, hint: 'leave one of them out (-l)' });
}
