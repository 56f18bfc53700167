import { Command, InvalidArgumentError } from 'commander';
import { commonOptions } from '../input/options.ts';
import { type RawDrain, type RawRamp, withDrainWork, withRamp, withWaiting } from './drain.ts';

interface RawMaintain extends Omit<RawDrain, 'until'>, RawRamp {
  readonly playbook?: string;
  readonly serial: readonly string[];
  readonly reboot?: true;
}

/** `lvs-play maintain HOST...`: drains, works, gives back, batch after batch. */
export function maintainCommand(): Command {
  return withRamp(withWaiting(withDrainWork(new Command('maintain').description('take real servers or directors out, work on them, bring them back, batch after batch, without losing a request').argument('<hosts...>', 'hosts, groups or patterns'))))
    .option('--playbook <file>', 'what is done on them while they are drained')
    .option('--reboot', 'restart them, after the playbook')
    .option('--serial <sizes>', 'how many at a time: a number, a share (25%), or a list of them', sizes, ['1'])
    .action(async (hosts: string[], raw: RawMaintain) => {
      const { maintainHosts } = await import('../maintain/maintain.ts');
      const { playbook, serial, timeout, onTimeout, ramp, hold } = raw;
      process.exitCode = await maintainHosts(hosts, commonOptions(raw, process.env), { playbook, serial, reboot: raw.reboot === true, timeout, onTimeout, persistence: raw.persistence ?? null, ramp, hold });
    });
}

function sizes(text: string): readonly string[] {
  const list = text.split(',').map((size) => size.trim());
  if (!list.every((size) => /^(?:[1-9]\d*|(?:[1-9]\d?|100)%)$/.test(size))) throw new InvalidArgumentError('It must be a number of hosts, a share such as 25%, or a list of them.');
  return list;
}
