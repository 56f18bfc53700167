import { makePlan, runDeploy, type RunResult } from '../apply/run.ts';
import { messageOf } from '../core/errors.ts';
import { endBefore } from '../journal/keeper.ts';
import { enterLabIfNeeded } from '../lab/enter.ts';
import { newRunId } from '../core/run-id.ts';
import type { Emit, RunInput } from '../plan/input.ts';
import { deployJson, eventLine, planJson } from '../report/documents.ts';
import { countPlan, formatPlan } from '../report/plan-text.ts';
import { formatRecap, formatStats } from '../report/recap.ts';
import { createStyle } from '../report/style.ts';
import { EXIT, runExitCode } from './exit.ts';
import { followRun, type Follower } from './follow.ts';
import { endedBySignals, interruptible } from './interrupt.ts';
import { openJournal } from './journal.ts';
import { keepersOf } from './keepers.ts';
import { printListings } from './listings.ts';
import { requireInventory, type CommonOptions } from './input/options.ts';
import { colorOn, printError, printProgress, printResult, processSecrets } from './output.ts';
import { plainScreen, readRunInput, type Screen } from './input/run-input.ts';

/** `deploy` and `plan`, from the command line to the exit code. */
export async function runPlaybook(command: 'deploy' | 'plan', playbookFile: string, options: CommonOptions): Promise<number> {
  if (await printListings(playbookFile, options)) return EXIT.ok;
  requireInventory(options);
  const inside = await enterLabIfNeeded(options.inventories);
  if (inside !== undefined) return inside;
  const run: { follower?: Follower } = {};
  const screen: Screen = {
    quiet: (work) => run.follower?.quiet(work) ?? work(),
    warn: (text, host) => {
      if (run.follower === undefined) plainScreen.warn(text, host);
      else run.follower.emit({ at: Date.now(), type: 'message', level: 'warning', host, text: processSecrets.mask(text) });
    },
  };
  const input = await readRunInput(playbookFile, options, screen);
  run.follower = await followRun(options);
  return carryOut(command, input, run.follower, options);
}

async function carryOut(command: 'deploy' | 'plan', input: RunInput, follower: Follower, options: CommonOptions): Promise<number> {
  try {
    const result = await engine(command, input, follower, options);
    await follower.close();
    report(command, result, follower, options);
    for (const error of result.errors) printError(error, options.verbose);
    return exitCode(command, result, follower, options);
  } catch (error) {
    await follower.close();
    throw error;
  }
}

async function engine(command: 'deploy' | 'plan', input: RunInput, follower: Follower, options: CommonOptions): Promise<RunResult> {
  if (command === 'plan') return endedBySignals(() => makePlan(input, follower.emit));
  const id = newRunId(new Date());
  const journal = openJournal({ id, command, playbook: input.playbook.file, options });
  const emit: Emit = (event) => {
    journal.line(eventLine(event));
    follower.emit(event);
  };
  try {
    const result = await interruptible((signal) => runDeploy(input, emit, signal, { id, keepers: keepersOf(options, journal) }), follower.notice);
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
function report(command: 'deploy' | 'plan', result: RunResult, follower: Follower, options: CommonOptions): void {
  if (options.json) printResult(`${JSON.stringify(command === 'plan' ? planJson(result.plan, result) : deployJson(follower.events), null, 2)}\n`);
  const machineOutput = options.json || options.events === '-';
  const print = machineOutput ? printProgress : printResult;
  const color = colorOn(machineOutput ? process.stderr : process.stdout);
  const style = createStyle(color);
  if (command === 'plan' && !options.json) print(formatPlan(result.plan, { diff: options.diff, color }));
  if (command === 'deploy') print(`\n${formatRecap(result.recap, style)}`);
  if (options.stats) print(`\n${formatStats(result.stats, style)}`);
}

function exitCode(command: 'deploy' | 'plan', result: RunResult, follower: Follower, options: CommonOptions): number {
  const code = runExitCode(result, follower.events);
  if (command === 'deploy' || code !== EXIT.ok || !options.detailedExitcode) return code;
  const counts = countPlan(result.plan);
  return counts.changes > 0 || counts.deferred > 0 ? EXIT.changes : EXIT.ok;
}
