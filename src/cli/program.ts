import { Command, CommanderError } from 'commander';
import { messageOf } from '../core/errors.ts';
import { missingIn } from '../observe/missing.ts';
import { namesOfMissing } from '../observe/words.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { printError, printResult, processSecrets, resultsPrinted } from './output.ts';
import { toolVersion } from './version.ts';

interface CommandEntry {
  readonly name: string;
  readonly alias?: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Only the command that is called is loaded; the others are known by their summaries. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'deploy', summary: 'carry out a playbook', load: async () => (await import('./commands/deploy.ts')).deployCommand() },
  { name: 'plan', summary: 'what a deploy would change, with every difference; changes nothing', load: async () => (await import('./commands/plan.ts')).planCommand() },
  { name: 'apply', summary: 'carry out a saved plan, if nothing has changed since', load: async () => (await import('./commands/apply.ts')).applyCommand() },
  { name: 'show', summary: 'what a saved plan says', load: async () => (await import('./commands/show.ts')).showCommand() },
  { name: 'drift', summary: 'who diverged from the playbook, on which layer, since when', load: async () => (await import('./commands/drift.ts')).driftCommand() },
  { name: 'status', summary: 'who holds the virtual IPs, who serves, who is drained', load: async () => (await import('./commands/status.ts')).statusCommand() },
  { name: 'verify', summary: 'prove from outside that the virtual services work', load: async () => (await import('./commands/verify.ts')).verifyCommand() },
  { name: 'drain', summary: 'take real servers out of service without cutting a connection', load: async () => (await import('./commands/drain.ts')).drainCommand() },
  { name: 'restore', summary: 'give drained real servers their weight back, step by step', load: async () => (await import('./commands/drain.ts')).restoreCommand() },
  { name: 'maintain', summary: 'drain, work on and restore real servers, batch after batch', load: async () => (await import('./commands/maintain.ts')).maintainCommand() },
  { name: 'failover', summary: "move a pair's virtual IPs to another director, and measure what it costs", load: async () => (await import('./commands/failover.ts')).failoverCommand() },
  { name: 'failback', summary: 'end a failover: the virtual IPs go back', load: async () => (await import('./commands/failover.ts')).failbackCommand() },
  { name: 'explain', summary: "a packet's way through a virtual service, and what each hop needs", load: async () => (await import('./commands/explain.ts')).explainCommand() },
  { name: 'import', summary: 'make an inventory of keepalived.conf, ipvsadm -Sn, scripts, or of live hosts', load: async () => (await import('./commands/import.ts')).importCommand() },
  { name: 'lint', summary: 'find what is wrong with a cluster before clients do', load: async () => (await import('./commands/lint.ts')).lintCommand() },
  { name: 'inventory', summary: 'show hosts, groups and variables', load: async () => (await import('./commands/inventory.ts')).inventoryCommand() },
  { name: 'module', alias: 'modules', summary: 'list the modules, or show the arguments of one', load: async () => (await import('./commands/module.ts')).moduleCommand() },
  { name: 'resume', summary: 'go on with a run that was killed, interrupted or failed', load: async () => (await import('./commands/resume.ts')).resumeCommand() },
  { name: 'rollback', summary: 'bring back what an earlier run changed', load: async () => (await import('./commands/rollback.ts')).rollbackCommand() },
  { name: 'confirm', summary: 'keep what a run with --confirm-within changed', load: async () => (await import('./commands/confirm.ts')).confirmCommand() },
  { name: 'history', summary: 'the runs made from here; show RUN: what one was and did', load: async () => (await import('./commands/history.ts')).historyCommand() },
  { name: 'lock', summary: 'see, take and release the locks that keep runs apart', load: async () => (await import('./commands/lock.ts')).lockCommand() },
  { name: 'pulse', summary: 'ask every virtual service again and again, and say what was lost', load: async () => (await import('./commands/pulse.ts')).pulseCommand() },
  { name: 'rehearse', summary: 'a deploy and the faults that may follow, on a replica of the inventory', load: async () => (await import('./commands/rehearse.ts')).rehearseCommand() },
  { name: 'lab', summary: 'boot a replica of an inventory on this machine, on real kernels', load: async () => (await import('./commands/lab.ts')).labCommand() },
];

/** One call of the tool. @param args without the program's own name @returns its exit code */
export async function runTool(args: readonly string[]): Promise<number | string | undefined> {
  const before = resultsPrinted();
  try {
    const program = await buildProgram(args);
    await program.parseAsync(args, { from: 'user' });
    return process.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (args.includes('--json') && resultsPrinted() === before) printUnknown(error);
    printError(error, verbosity(args));
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
