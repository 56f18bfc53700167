import type { Command } from 'commander';

/** Pure: the command, or the sub-command of one, that the words call; values of options do not matter, as a sub-command is named before its operands. */
export function commandOf(program: Command, args: readonly string[]): Command {
  let command = program;
  for (const word of args.filter((arg) => !arg.startsWith('-'))) {
    const next = command.commands.find((candidate) => candidate.name() === word || candidate.aliases().includes(word));
    if (next === undefined) break;
    command = next;
  }
  return command;
}

/** Pure: whether a command takes an option, by either of its names: `-v`, `--verbose`. */
export function hasOption(command: Command, flag: string): boolean {
  return command.options.some((option) => option.short === flag || option.long === flag);
}
