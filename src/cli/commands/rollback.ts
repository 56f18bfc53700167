import { Command } from 'commander';
import { commonOptions, type RawOptions, withChange, withConnection, withInventory } from '../input/options.ts';

/** `lvs-play rollback RUN`: the state before a run comes back; with `--check` it is only planned. */
export function rollbackCommand(): Command {
  return withChange(withConnection(withInventory(new Command('rollback').description('bring back what an earlier run changed').argument('<run>', 'its id, the beginning of it, or last: the last run with this inventory'))))
    .option('-C, --check', 'plan only: say what would come back, and change nothing')
    .option('-D, --diff', 'show the differences of files')
    .option('--force', 'also where the same things were changed since')
    .action(async (wanted: string, raw: RawOptions & { readonly force?: true }) => {
      const { rollback } = await import('../run/rollback.ts');
      process.exitCode = await rollback(wanted, commonOptions(raw, process.env), raw.force === true);
    });
}
