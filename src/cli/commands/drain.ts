import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../core/text/duration.ts';
import { DEFAULT_RAMP, parseRamp } from '../../lvs/drain/ramp.ts';
import type { DrainWeight } from '../../lvs/drain/record.ts';
import { collect, commonOptions, type RawOptions, seconds, withInventory, withLogin } from '../input/options.ts';

/** What `drain`, `restore` and `maintain` share. */
export function withDrainWork(command: Command): Command {
  return withLogin(withInventory(command))
    .option('-u, --user <user>', 'log in as this user')
    .option('--reason <text>', 'why; kept on the directors, in the journal and in locks')
    .option('--allow <rule>', 'go on all the same, with --reason; the refusal names the rule; may be given again', collect)
    .option('--window <window>', 'refuse to start outside of it: "Sat 02:00-04:00 Europe/Berlin"')
    .option('--json', 'print one JSON document on stdout');
}

export interface RawDrain extends RawOptions {
  readonly timeout: number;
  readonly onTimeout: 'abort' | 'force' | 'continue';
  readonly persistence?: 'wait' | 'expire';
  readonly until?: string;
}

export function withWaiting(command: Command): Command {
  return command
    .option('--timeout <time>', 'for connections to end by themselves: 90s, 10m, 2h', seconds, 600)
    .addOption(new Option('--on-timeout <what>', 'abort: give the weight back; force: count it as drained; continue: wait all the same').choices(['abort', 'force', 'continue']).default('abort'))
    .addOption(new Option('--persistence <what>', 'persistent clients: wait until their templates end, or let them go elsewhere with their next connection; default: as the directors are set').choices(['wait', 'expire']));
}

/** `lvs-play drain HOST...`: no new clients for real servers, and the old ones are waited for. */
export function drainCommand(): Command {
  return withWaiting(withDrainWork(new Command('drain').description('take real servers out of service without cutting a connection').argument('<hosts...>', 'hosts, groups or patterns')))
    .option('--until <time>', 'when it should be over: 2h, or 2026-11-24T06:00:00Z; afterwards it counts as forgotten', until)
    .action(async (hosts: string[], raw: RawDrain) => {
      const { drainHosts } = await import('../drain/drain.ts');
      const { timeout, onTimeout, persistence } = raw;
      process.exitCode = await drainHosts(hosts, commonOptions(raw, process.env), { timeout, onTimeout, persistence, until: raw.until ?? null });
    });
}

/** `lvs-play restore HOST...`: real servers get their weight back, step by step. */
export function restoreCommand(): Command {
  return withRamp(withDrainWork(new Command('restore').description('give drained real servers their weight back, step by step').argument('<hosts...>', 'hosts, groups or patterns'))).action(async (hosts: string[], raw: RawOptions & RawRamp) => {
    const { restoreHosts } = await import('../drain/drain.ts');
    process.exitCode = await restoreHosts(hosts, commonOptions(raw, process.env), { ramp: raw.ramp, hold: raw.hold });
  });
}

export interface RawRamp {
  readonly ramp: readonly DrainWeight[];
  readonly hold: number;
}

export function withRamp(command: Command): Command {
  return command
    .option('--ramp <weights>', 'weights on the way back, numbers or shares', ramp, ramp(DEFAULT_RAMP))
    .option('--hold <time>', 'for how long each weight must hold on every director', seconds, 5);
}

function ramp(text: string): readonly DrainWeight[] {
  const steps = parseRamp(text);
  if (steps === undefined) throw new InvalidArgumentError('It must be weights such as 1,25%,100%.');
  return steps;
}

/** ISO 8601, from a time or a duration. */
export function until(text: string): string {
  const lasts = parseDuration(text);
  const at = lasts === undefined ? (/^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN) : Date.now() + lasts * 1000;
  if (Number.isNaN(at)) throw new InvalidArgumentError('It must be a duration such as 2h, or a time such as 2026-11-24T06:00:00Z.');
  if (at <= Date.now()) throw new InvalidArgumentError('That is over already.');
  return new Date(at).toISOString();
}
