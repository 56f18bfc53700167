import { Command } from 'commander';
import { commonOptions, type RawOptions, withChange, withLogin } from '../input/options.ts';

/** `lvs-play resume RUN`: goes on with a run that was killed, interrupted or failed. */
export function resumeCommand(): Command {
  const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];
  return withChange(withLogin(new Command('resume').description('go on with a run that was killed, interrupted or failed, after its last finished task').argument('<run>', 'its id, the beginning of it, or last')))
    .option('-e, --extra-vars <vars>', 'what was given on its command line, again', collect)
    .option('--vault-password-file <file>', 'in place of those of the run; may be given again', collect)
    .option('-D, --diff', 'show the differences of files')
    .option('--force', 'also when playbook, inventory or other files have changed since')
    .action(async (wanted: string, raw: RawOptions & { readonly force?: true }) => {
      const { runToResume } = await import('../run/resume.ts');
      const resume = await runToResume(wanted, commonOptions(raw, {}), raw.force === true);
      const go = resume.header.command === 'maintain' ? (await import('../maintain/maintain.ts')).resumeMaintenance : (await import('../run/run.ts')).resumeRun;
      process.exitCode = await go(resume);
    });
}
