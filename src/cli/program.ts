import { Command, CommanderError } from 'commander';
import { messageOf } from '../core/errors.ts';
import { missingIn } from '../observe/missing.ts';
import { namesOfMissing } from '../observe/words.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { commandOf, hasOption } from './hint-options.ts';
import { printError, printResult, processSecrets, resultsPrinted } from './output.ts';
import { COMMANDS } from './registry.ts';
import { toolVersion } from './version.ts';

/** One call of the tool. @param args without the program's own name @returns its exit code */
export async function runTool(args: readonly string[]): Promise<number | string | undefined> {
  const before = resultsPrinted();
  let program: Command | undefined;
  try {
    program = await buildProgram(args);
    await program.parseAsync(args, { from: 'user' });
    return process.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (args.includes('--json') && resultsPrinted() === before) printUnknown(error);
    printError(error, program !== undefined && hasOption(commandOf(program, args), '--verbose') ? verbosity(args) : undefined);
    return exitCodeOf(error);
  }
}

async function buildProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('lvs-play')
    .description('Deploy, prove and maintain Linux Virtual Server clusters over SSH')
    .version(toolVersion(), '--version')
    .showHelpAfterError('(lvs-play COMMAND --help shows the options)')
    .addHelpText('after', '\nExit codes: 0 ok, 1 wrong file or plan, 2 a host failed or gave no usable answer, 4 unreachable, 5 wrong usage, 8 verification failed, 130 interrupted')
    .exitOverride();
  const operands = args.filter((arg) => !arg.startsWith('-'));
  const wanted = operands[0] === 'help' ? operands[1] : operands[0];
  for (const { name, alias, summary, load } of COMMANDS) {
    const command = wanted !== undefined && [name, alias].includes(wanted) ? await load() : new Command(name).description(summary);
    inheritSettings(command, program);
    program.addCommand(command);
  }
  return program;
}

/** Who asked for a document gets one also where hosts that gave no answer keep everything from being said: it names them. */
function printUnknown(error: unknown): void {
  const missing = missingIn(error);
  if (missing.length === 0) return;
  printResult(processSecrets.mask(`${JSON.stringify({ version: 1, unknown: namesOfMissing(missing), verdict: null, error: messageOf(error) }, null, 2)}\n`));
}

function inheritSettings(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheritSettings(child, command);
}

function verbosity(args: readonly string[]): number {
  const flags = args.filter((arg) => /^-v+$/.test(arg) || arg === '--verbose');
  return flags.reduce((sum, flag) => sum + (flag === '--verbose' ? 1 : flag.length - 1), 0);
}
