import { compileRun } from '../../plan/compile/compile.ts';
import { listHosts, listTasks } from '../../playbook/list.ts';
import { requireInventory, type CommonOptions } from '../input/options.ts';
import { printResult } from '../output.ts';
import { readPlaybook, readRunInput } from '../input/run-input.ts';

/** `--syntax-check`, `--list-tasks` and `--list-hosts`: what can be told without asking any host. @returns whether one of them was asked for */
export async function printListings(playbookFile: string, options: CommonOptions): Promise<boolean> {
  if (!options.syntaxCheck && !options.listTasks && !options.listHosts) return false;
  if (options.listHosts) {
    requireInventory(options);
    const input = await readRunInput(playbookFile, { ...options, askPass: false, askBecomePass: false });
    printResult(listHosts(input.playbook, compileRun(input).plays.map((play) => play.batches.flat())));
    if (options.listTasks) printResult(listTasks(input.playbook, options));
    return true;
  }
  const playbook = await readPlaybook(playbookFile);
  printResult(options.listTasks ? listTasks(playbook, options) : `\nplaybook: ${playbook.file}\n`);
  return true;
}
