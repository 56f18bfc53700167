import { Command } from 'commander';
import { commonOptions, type RawOptions, withConnection, withInventory } from '../input/options.ts';

/** `lvs-play drift [PLAYBOOK]`: who diverged from it, on which layer, since when. */
export function driftCommand(): Command {
  return withConnection(withInventory(new Command('drift').argument('[playbook]', 'playbook file; default site.yml, here or in playbooks/')))
    .description('who diverged from the playbook, on which layer (on disk, running, kernel), since when; exit code 2: somebody did')
    .option('-D, --diff', 'show the differences of files')
    .option('--json', 'print one JSON document on stdout')
    .action(async (playbook: string | undefined, raw: RawOptions) => {
      const { reportDrift } = await import('../status/drift.ts');
      process.exitCode = await reportDrift(playbook, commonOptions(raw, process.env));
    });
}
