import { assess } from '../../apply/guards.ts';
import { makePlan, runDeploy, type RunResult } from '../../apply/run.ts';
import { messageOf } from '../../core/errors.ts';
import { endBefore } from '../../journal/keeper.ts';
import { enterLabIfNeeded } from '../../lab/enter.ts';
import { newRunId } from '../../core/run-id.ts';
import type { Emit, RunInput } from '../../plan/input.ts';
import type { SavedPlan } from '../../plan/saved/types.ts';
import { deployJson, eventLine, planJson } from '../../report/documents.ts';
import type { Weight } from '../../report/plan/impact.ts';
import { countPlan, formatPlan } from '../../report/plan/plan-text.ts';
import { formatRecap, formatStats } from '../../report/recap.ts';
import { createStyle } from '../../report/terminal/style.ts';
import { EXIT, runExitCode } from '../exit.ts';
import { followRun, type Follower } from './follow.ts';
import { endedBySignals, interruptible } from '../interrupt.ts';
import { openJournal } from './journal.ts';
import { keepersOf } from './keepers.ts';
import { printListings } from './listings.ts';
import { type CommonOptions, requireInventory, requireReason } from '../input/options.ts';
import { type RunToResume, resumedWords } from './resume.ts';
import { colorOn, printError, printProgress, printResult, processSecrets } from '../output.ts';
import { type Connection, plainScreen, readRunInput, type Screen } from '../input/run-input.ts';
import { type LoadedPlan, loadPlan, planToApply, requireDirectory, requireExtraVars, savePlan, type SaveOptions } from './saved-plan.ts';

/** `deploy` and `plan`, from the command line to the exit code. @param save of a plan: where it is kept */
export async function runPlaybook(command: 'deploy' | 'plan', playbookFile: string, options: CommonOptions, save?: SaveOptions): Promise<number> {
  requireReason(options);
  if (await printListings(playbookFile, options)) return EXIT.ok;
  requireInventory(options);
  const inside = await enterLabIfNeeded(options.inventories);
  return inside ?? run({ command, playbookFile, options, save });
}

/** `apply`, from the command line to the exit code. @param given what the plan does not keep */
export async function applyPlan(file: string, given: CommonOptions): Promise<number> {
  const loaded = await loadPlan(file, given);
  requireReason(loaded.options);
  requireDirectory(loaded);
  requireExtraVars(loaded);
  const inside = await enterLabIfNeeded(loaded.options.inventories);
  return inside ?? run({ command: 'apply', playbookFile: loaded.plan.command.playbook, options: loaded.options, loaded });
}

/** `resume` of a run, from what the journal knows of it to the exit code. */
export async function resumeRun(resume: RunToResume): Promise<number> {
  requireReason(resume.options);
  const inside = await enterLabIfNeeded(resume.options.inventories);
  if (inside !== undefined) return inside;
  printProgress(`${resumedWords(resume)}\n`);
  return run({ command: 'resume', playbookFile: resume.header.playbook, options: resume.options, resume });
}

/** One run, from its files to the exit code. */
interface Run {
  readonly command: 'deploy' | 'plan' | 'apply' | 'resume';
  readonly playbookFile: string;
  readonly options: CommonOptions;
  readonly save?: SaveOptions | undefined;
  /** Of an apply. */
  readonly loaded?: LoadedPlan;
  /** Of a resume. */
  readonly resume?: RunToResume;
  /** Of a part of a larger work: see PartOfWork. */
  readonly id?: string;
  readonly line?: string;
  readonly partOf?: string;
  readonly connection?: Connection;
  readonly signal?: AbortSignal;
}

async function run(task: Run): Promise<number> {
  const { options } = task;
  const { result, follower } = await perform(task);
  report(result, follower, options);
  for (const error of result.errors) printError(error, options.verbose);
  return exitCode(task.command, result, follower, options);
}

/** A run as part of something larger, which reports for itself. */
export interface PartOfWork {
  /** As the journal names it. */
  readonly line: string;
  readonly playbookFile: string;
  readonly options: CommonOptions;
  readonly connection: Connection;
  /** The larger work, where it is in the journal. */
  readonly partOf?: string;
  /** Ends it early; the larger work listens to the operator. */
  readonly signal: AbortSignal;
}

/** Carries out a part of a larger work. @throws LvsPlayError for what is wrong before a host is asked */
export async function runPart({ signal, ...part }: PartOfWork): Promise<{ readonly id: string; readonly code: number; readonly result: RunResult }> {
  const id = newRunId(new Date());
  const { result, follower } = await perform({ command: 'deploy', id, signal, ...part });
  return { id, result, code: runExitCode(result, follower.events) };
}

/** The changes that a part would make; nothing is done or journaled. @throws LvsPlayError when a host cannot be asked */
export async function planPart({ playbookFile, options, connection }: Pick<PartOfWork, 'playbookFile' | 'options' | 'connection'>): Promise<RunResult> {
  const input = await readRunInput(playbookFile, options, plainScreen, connection);
  return makePlan(input, () => undefined);
}

async function perform(task: Run): Promise<{ readonly result: RunResult | PlanMade; readonly follower: Follower }> {
  const { options, playbookFile } = task;
  const shown: { follower?: Follower } = {};
  const screen: Screen = {
    quiet: (work) => shown.follower?.quiet(work) ?? work(),
    warn: (text, host) => {
      if (shown.follower === undefined) plainScreen.warn(text, host);
      else shown.follower.emit({ at: Date.now(), type: 'message', level: 'warning', host, text: processSecrets.mask(text) });
    },
  };
  const read = await readRunInput(playbookFile, options, screen, task.connection);
  const resumed = task.resume?.resumed;
  const input = resumed === undefined ? read : { ...read, resumed };
  const follower = await followRun(options);
  shown.follower = follower;
  try {
    return { result: task.command === 'plan' ? await plan(input, follower, task) : await engine(task, input, follower), follower };
  } finally {
    await follower.close();
  }
}

/** A plan made, weighed, and kept where that was asked for. */
interface PlanMade extends RunResult {
  readonly weight: Weight;
  readonly saved: SavedPlan | undefined;
}

async function plan(input: RunInput, follower: Follower, { options, save }: Run): Promise<PlanMade> {
  return endedBySignals(async () => {
    const result = await makePlan(input, follower.emit);
    const saved = save === undefined ? undefined : await savePlan(result.prepared, input, options, save);
    return { ...result, weight: assess(result.prepared, input, options.allow), saved };
  });
}

async function engine({ command, options, loaded, resume, id = newRunId(new Date()), line, partOf, signal }: Run, input: RunInput, follower: Follower): Promise<RunResult> {
  const journal = openJournal({ id, command: command === 'plan' ? 'deploy' : command, playbook: input.playbook.file, options, ...(resume === undefined ? {} : { of: resume.header.id }), ...(line === undefined ? {} : { line }), ...(partOf === undefined ? {} : { partOf }) });
  const emit: Emit = (event) => {
    journal.line(eventLine(event));
    follower.emit(event);
  };
  try {
    const saved = loaded === undefined ? undefined : await planToApply(loaded, input);
    const work = (stop: AbortSignal): Promise<RunResult> => runDeploy(input, emit, stop, { id, keepers: keepersOf(options, journal, saved) });
    const result = signal === undefined ? await interruptible(work, follower.notice) : await work(signal);
    journal.end(endBefore(result.recap, result.stopped ?? 'nothing was begun'));
    return result;
  } catch (error) {
    journal.end(endBefore({}, processSecrets.mask(messageOf(error))));
    throw error;
  } finally {
    journal.close();
  }
}

/** The result goes to stdout; but when that carries the documents, what is for people goes to stderr. */
function report(result: RunResult | PlanMade, follower: Follower, options: CommonOptions): void {
  const made = 'weight' in result ? result : undefined;
  if (options.json) printResult(`${JSON.stringify(made === undefined ? deployJson(follower.events) : planJson(result.plan, made.weight, result), null, 2)}\n`);
  const machineOutput = options.json || options.events === '-';
  const print = machineOutput ? printProgress : printResult;
  const color = colorOn(machineOutput ? process.stderr : process.stdout);
  const style = createStyle(color);
  if (made !== undefined && !options.json) print(formatPlan(result.plan, { diff: options.diff, color, weight: made.weight }));
  if (made?.saved !== undefined) printProgress(`saved: carry it out with lvs-play apply, until ${made.saved.expiresAt}\n`);
  if (made === undefined) print(`\n${formatRecap(result.recap, style)}`);
  if (options.stats) print(`\n${formatStats(result.stats, style)}`);
}

function exitCode(command: Run['command'], result: RunResult, follower: Follower, options: CommonOptions): number {
  const code = runExitCode(result, follower.events);
  if (command !== 'plan' || code !== EXIT.ok || !options.detailedExitcode) return code;
  const counts = countPlan(result.plan);
  return counts.changes > 0 || counts.deferred > 0 ? EXIT.changes : EXIT.ok;
}
