import { Command, InvalidArgumentError } from 'commander';
import { suggest } from '../../core/text/suggest.ts';
import { DRILLS, type DrillName } from '../../rehearse/drills/types.ts';
import { commonOptions, withInventory, withLogin, type RawOptions } from '../input/options.ts';

interface RehearseFlags extends RawOptions {
  readonly drill: readonly DrillName[];
  readonly nodes: number;
  readonly hosts?: string;
  readonly install?: readonly string[];
  readonly name?: string;
  readonly lab?: string;
  readonly keep?: true;
  readonly fromLive?: true;
  readonly report?: string;
}

const NODES = 8;

/** `lvs-play rehearse PLAYBOOK`: a deploy, and the faults that may follow, on a replica of the inventory; exit code 8 when a promise is broken. */
export function rehearseCommand(): Command {
  return withLogin(withInventory(new Command('rehearse').description('deploy to a replica of the inventory on this machine, try faults on it, and say what clients would lose; exit code 8 when a promise is broken').argument('<playbook>', 'playbook file')))
    .option('--drill <names>', `faults that are tried: all, none, or of ${DRILLS.join(', ')}`, drills, [...DRILLS])
    .option('--nodes <number>', 'boot at most so many hosts; larger inventories are sampled', wholeNumber, NODES)
    .option('--hosts <pattern>', 'boot exactly these hosts')
    .option('--install <packages>', 'packages that nodes have from the start, their services disabled: ipvsadm,keepalived,nginx-light', (list: string) => list.split(',').map((name) => name.trim()))
    .option('--name <name>', 'name of the lab; default: one of the inventory\'s own')
    .option('--lab <name>', 'use this lab, which is up, as it is, and leave it up')
    .option('--from-live', 'begin from the present state of the hosts themselves, where they can be reached; they are only read')
    .option('-u, --user <user>', 'with --from-live: log in as this user')
    .option('-b, --become', 'with --from-live: become root by sudo')
    .option('--keep', 'leave the lab up')
    .option('--report <file>', 'write the JSON document there as well')
    .option('--json', 'print the JSON document')
    .action(async (playbook: string, flags: RehearseFlags) => {
      const { runRehearsal } = await import('../rehearsal/rehearsal.ts');
      const { drill, nodes, hosts, install, name, lab, keep, fromLive, report } = flags;
      process.exitCode = await runRehearsal(playbook, { ...commonOptions(flags, process.env), drills: drill, nodes, hosts, install, name, lab, keep: keep ?? false, fromLive: fromLive ?? false, report });
    });
}

/** In the order in which they are made. */
function drills(list: string): readonly DrillName[] {
  const names = list.split(',').map((name) => name.trim());
  if (names.includes('all')) return DRILLS;
  if (names.length === 1 && names[0] === 'none') return [];
  for (const name of names) {
    if (DRILLS.some((known) => known === name)) continue;
    const meant = suggest(name, DRILLS);
    throw new InvalidArgumentError(meant === undefined ? `There are ${DRILLS.join(', ')}; all; none.` : `Did you mean ${meant}?`);
  }
  return DRILLS.filter((drill) => names.includes(drill));
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 3 || number > 1000) throw new InvalidArgumentError('It must be a whole number of at least 3.');
  return number;
}
