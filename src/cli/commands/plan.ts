import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../core/text/duration.ts';
import { commonOptions, withPlaybook, type RawOptions } from '../input/options.ts';

/** `lvs-play plan PLAYBOOK`: the dry run, with the full differences. */
export function planCommand(): Command {
  return withPlaybook(new Command('plan').description('what a deploy would change, with every difference; changes nothing'))
    .option('-o, --out <file>', 'keep the plan, to carry it out with lvs-play apply FILE')
    .option('--expires <duration>', 'how long a kept plan may be carried out: 90m, 24h, 7d', duration, DAY)
    .addOption(new Option('--refresh-only', 'only who diverged from the playbook, as lvs-play drift tells it').conflicts('out'))
    .action(async (playbook: string, raw: RawOptions & { readonly out?: string; readonly expires: number; readonly refreshOnly?: true }) => {
      if (raw.refreshOnly === true) {
        const { reportDrift } = await import('../status/drift.ts');
        process.exitCode = await reportDrift(playbook, commonOptions(raw, process.env));
        return;
      }
      const { runPlaybook } = await import('../run/run.ts');
      const save = raw.out === undefined ? undefined : { file: raw.out, expiresIn: raw.expires };
      process.exitCode = await runPlaybook('plan', playbook, { ...commonOptions(raw, process.env), diff: true }, save);
    });
}

const DAY = 86_400;

function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('It must be a duration such as 90m, 24h or 7d.');
  return seconds;
}
