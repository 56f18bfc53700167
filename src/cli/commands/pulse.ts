import { Command, InvalidArgumentError } from 'commander';
import { suggest } from '../../core/text/suggest.ts';
import { LvsPlayError } from '../../core/errors.ts';
import type { Pulse } from '../../pulse/pulse.ts';
import type { PulseReport } from '../../pulse/types.ts';
import { commonOptions, requireInventory, seconds, withInventory, type RawOptions } from '../input/options.ts';
import { printResult } from '../output.ts';

interface PulseFlags extends RawOptions {
  readonly service?: readonly string[];
  readonly every: number;
  readonly for?: number;
  readonly beats?: true;
}

/** `lvs-play pulse`: clients that go on asking the virtual services until they are stopped; then what was lost, and for how long. */
export function pulseCommand(): Command {
  return withInventory(new Command('pulse').description('ask every virtual service again and again, until Ctrl-C; then say what was lost, and for how long'))
    .option('--service <names>', 'only these services', (list: string) => list.split(',').map((name) => name.trim()))
    .option('--every <ms>', 'milliseconds between two requests to one service', milliseconds, 100)
    .option('--for <time>', 'end by itself: 30s, 5m', seconds)
    .option('--json', 'print the reports as one JSON document')
    .option('--beats', 'print every request as a line of JSON instead')
    .action(async (flags: PulseFlags) => {
      process.exitCode = await pulse(flags);
    });
}

async function pulse(flags: PulseFlags): Promise<number> {
  const options = commonOptions(flags, process.env);
  requireInventory(options);
  const { enterLabIfNeeded } = await import('../../lab/enter.ts');
  const inside = await enterLabIfNeeded(options.inventories);
  if (inside !== undefined) return inside;
  const [{ readInventory }, { buildSite }, { createTemplateEngine }, { startPulse }, { clientRequest }, { pulseWords }, { noTopology }] = await Promise.all([
    import('../input/run-input.ts'),
    import('../../plan/site.ts'),
    import('../../template/engine.ts'),
    import('../../pulse/pulse.ts'),
    import('../../verify/judge/requests.ts'),
    import('../../pulse/summary.ts'),
    import('../input/no-topology.ts'),
  ]);
  const { inventory, extraVars } = await readInventory(options);
  const { topology } = buildSite(inventory, extraVars, createTemplateEngine());
  if (topology === undefined) throw noTopology();
  const names = flags.service ?? [...topology.services.keys()];
  for (const name of names) if (!topology.services.has(name)) throw unknownService(name, [...topology.services.keys()]);
  const tell = flags.beats === true ? { tell: (beat: object) => { printResult(`${JSON.stringify({ version: 1, ...beat })}\n`); } } : {};
  const requests = names.flatMap((name) => {
    const service = topology.services.get(name);
    const request = service === undefined ? undefined : clientRequest(service, undefined);
    return request === undefined ? [] : [{ service: name, request, every: flags.every, held: 0, ...tell }];
  });
  if (requests.length === 0) throw new LvsPlayError({ code: 'no-request', kind: 'input', message: 'none of the services can be asked: what to send is known of TCP services with a port only' });
  const reports = await ended(await Promise.all(requests.map((plan) => startPulse(plan))), flags.for);
  if (flags.beats !== true) printResult(options.json ? `${JSON.stringify(reports, null, 2)}\n` : reports.map((report) => `${pulseWords(report)}\n`).join(''));
  return 0;
}

/** Until a signal or the end of the time. */
async function ended(pulses: readonly Pulse[], time: number | undefined): Promise<PulseReport[]> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => { resolve(); });
    if (time !== undefined) setTimeout(resolve, time * 1000);
  });
  return Promise.all(pulses.map((one) => one.end()));
}

function unknownService(name: string, known: readonly string[]): LvsPlayError {
  const near = suggest(name, known);
  return new LvsPlayError({ code: 'unknown-service', kind: 'usage', message: `no virtual service is called ${name}`, hint: near === undefined ? `the services are ${known.join(', ')}` : `did you mean ${near}?` });
}

function milliseconds(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 10 || number > 60_000) throw new InvalidArgumentError('It must be a whole number from 10 to 60000.');
  return number;
}
