#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { EXIT, exitCodeOf } from './exit.ts';
import { flushOutput, ignoreClosedPipes, printError } from './output.ts';
import { COMMANDS } from './registry.ts';
import { commandOf, hasOption } from './hint-options.ts';
import { toolVersion } from './version.ts';

process.exitCode = await main(process.argv.slice(2));
await flushOutput();
// A connection that is slow to close must not hold the process.
process.exit();

async function main(args: readonly string[]): Promise<number | string | undefined> {
  ignoreClosedPipes();
  let program: Command | undefined;
  try {
    program = await buildProgram(args);
    await program.parseAsync(args, { from: 'user' });
    return process.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    printError(error, program !== undefined && hasOption(commandOf(program, args), '--verbose') ? verbosity(args) : undefined);
    return exitCodeOf(error);
  }
}

async function buildProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('lvs-play')
    .description('Deploy, prove and maintain Linux Virtual Server clusters over SSH')
    .version(toolVersion(), '--version')
    .showHelpAfterError('(lvs-play COMMAND --help shows the options)')
    .addHelpText('after', '\nExit codes: 0 ok, 1 wrong file or plan, 2 a host failed, 4 unreachable, 5 wrong usage, 8 verification failed, 130 interrupted')
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

function inheritSettings(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheritSettings(child, command);
}

function verbosity(args: readonly string[]): number {
  const flags = args.filter((arg) => /^-v+$/.test(arg) || arg === '--verbose');
  return flags.reduce((sum, flag) => sum + (flag === '--verbose' ? 1 : flag.length - 1), 0);
}
