import { Command, Option } from 'commander';
import { commonOptions, type RawOptions, seconds } from '../input/options.ts';
import { until, withDrainWork } from './drain.ts';

interface RawFailover extends RawOptions {
  readonly to?: string;
  readonly until?: string;
  readonly syncWait: number;
  readonly drill?: 'crash' | 'stop' | 'isolate';
  readonly yes?: boolean;
}

/** `lvs-play failover PAIR`: a pair's virtual IPs go to another director, and stay there. */
export function failoverCommand(): Command {
  return withSyncWait(withDrainWork(new Command('failover').description("move a pair's virtual IPs to another director, and measure what it costs").argument('<pair>', 'name of an HA pair')))
    .option('--to <host>', 'the director that takes over; default: the one with the highest priority that can')
    .option('--until <time>', 'when it should be over: 2h, or 2026-11-24T06:00:00Z; afterwards it counts as forgotten', until)
    .addOption(new Option('--drill <what>', 'a game day: do harm to the director that holds it, measure, and mend it again').choices(['crash', 'stop', 'isolate']))
    .option('--yes', 'the harm that a drill does to a real cluster is meant')
    .action(async (pair: string, raw: RawFailover) => {
      const { drillPair, failOverPair } = await import('../failover/failover.ts');
      if (raw.drill !== undefined) {
        process.exitCode = await drillPair(pair, commonOptions(raw, process.env), { kind: raw.drill, syncWait: raw.syncWait, yes: raw.yes === true });
        return;
      }
      process.exitCode = await failOverPair(pair, commonOptions(raw, process.env), { to: raw.to, until: raw.until ?? null, syncWait: raw.syncWait });
    });
}

/** `lvs-play failback PAIR`: the pair goes by the inventory again. */
export function failbackCommand(): Command {
  return withSyncWait(withDrainWork(new Command('failback').description('end a failover: the director with the highest priority takes the virtual IPs back').argument('<pair>', 'name of an HA pair'))).action(async (pair: string, raw: RawFailover) => {
    const { failBackPair } = await import('../failover/failover.ts');
    process.exitCode = await failBackPair(pair, commonOptions(raw, process.env), { syncWait: raw.syncWait });
  });
}

function withSyncWait(command: Command): Command {
  return command.option('--sync-wait <time>', 'for connection sync to catch up', seconds, 10);
}
