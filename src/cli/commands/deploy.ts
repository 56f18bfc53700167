import { Command } from 'commander';
import { commonOptions, withPlaybook, type RawOptions } from '../input/options.ts';

/** `lvs-play deploy PLAYBOOK`: carries a playbook out; with `--check` it is `plan`. */
export function deployCommand(): Command {
  return withPlaybook(new Command('deploy').description('carry out a playbook'))
    .option('-C, --check', 'plan only: say what would change, and change nothing')
    .option('-D, --diff', 'show the differences of files')
    .action(async (playbook: string, raw: RawOptions) => {
      const options = commonOptions(raw, process.env);
      const { runPlaybook } = await import('../run/run.ts');
      process.exitCode = await runPlaybook(options.check ? 'plan' : 'deploy', playbook, options);
    });
}
