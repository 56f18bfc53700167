import { Command } from 'commander';
import { commonOptions, type RawOptions, withChange, withLogin } from '../input/options.ts';

/** `lvs-play apply FILE`: carries a saved plan out, if nothing has changed since. */
export function applyCommand(): Command {
  return withChange(withLogin(new Command('apply').description('carry out a saved plan; refused when anything that it was made from has changed').argument('<plan>', 'file of plan -o')))
    .option('-e, --extra-vars <vars>', 'what was given to plan on its command line, again', (value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
    .option('--vault-password-file <file>', 'in place of those of the plan; may be given again', (value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
    .option('-D, --diff', 'show the differences of files')
    .action(async (file: string, raw: RawOptions) => {
      const { applyPlan } = await import('../run/run.ts');
      process.exitCode = await applyPlan(file, commonOptions(raw, {}));
    });
}
