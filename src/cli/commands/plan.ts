import { Command } from 'commander';
import { commonOptions, withPlaybook, type RawOptions } from '../input/options.ts';

/** `lvs-play plan PLAYBOOK`: the dry run, with the full differences. */
export function planCommand(): Command {
  return withPlaybook(new Command('plan').description('what a deploy would change, with every difference; changes nothing')).action(async (playbook: string, raw: RawOptions) => {
    const { runPlaybook } = await import('../run.ts');
    process.exitCode = await runPlaybook('plan', playbook, { ...commonOptions(raw, process.env), diff: true });
  });
}
