import { Command, InvalidArgumentError } from 'commander';
import { LvsPlayError } from '../../core/errors.ts';
import { suggest } from '../../core/suggest.ts';
import { commonOptions, requireInventory, withConnection, withInventory, type RawOptions } from '../input/options.ts';
import type { OpenSite } from '../input/open-site.ts';
import { printResult, processSecrets } from '../output.ts';

interface VerifyFlags extends RawOptions {
  readonly from?: string;
  readonly requests: number;
  readonly path?: string;
  readonly settle: number;
  /** --no-hosts makes it false. */
  readonly hosts: boolean;
}

/** `lvs-play verify`: looks at the cluster from outside; exit code 8 when something is off. */
export function verifyCommand(): Command {
  return withConnection(withInventory(new Command('verify').description('prove from outside that the virtual services work; exit code 8 when they do not')))
    .option('--from <host>', 'look from this inventory host, which must be outside the cluster; default: from here')
    .option('--requests <number>', 'requests sent to each virtual service', wholeNumber, 20)
    .option('--path <path>', 'page asked for by HTTP; one larger than a packet proves more', '/')
    .option('--settle <seconds>', 'wait this long for VRRP and health checks to come to rest', wholeNumber, 0)
    .option('--no-hosts', 'leave out what hosts say of themselves: who listens there, and the rules of lint --live')
    .option('--json', 'print the report as one JSON document')
    .action(async (flags: VerifyFlags) => {
      process.exitCode = await verify(flags);
    });
}

async function verify(flags: VerifyFlags): Promise<number> {
  const options = commonOptions(flags, process.env);
  requireInventory(options);
  const { enterLabIfNeeded } = await import('../../lab/enter.ts');
  const inside = await enterLabIfNeeded(options.inventories);
  if (inside !== undefined) return inside;
  const [{ openSite }, { runVerification }, { formatVerification }, { noTopology }, { EXIT }] = await Promise.all([
    import('../input/open-site.ts'),
    import('../../verify/run.ts'),
    import('../../verify/format.ts'),
    import('../verify-action.ts'),
    import('../exit.ts'),
  ]);
  const { interruptible } = await import('../interrupt.ts');
  const opened = await openSite(options);
  try {
    const { topology } = opened.site;
    if (topology === undefined) throw noTopology();
    const vantage = await vantageOf(flags.from, opened);
    const more = flags.hosts ? await (await import('../verify-hosts.ts')).checkHosts(opened, options.forks) : [];
    const report = await interruptible((signal) =>
      runVerification({ servers: flags.hosts, more, topology, target: opened.target, vantage, requests: flags.requests, path: flags.path, settle: flags.settle, signal }),
    );
    printResult(processSecrets.mask(options.json ? `${JSON.stringify(report, null, 2)}\n` : formatVerification(report)));
    return report.ok ? EXIT.ok : EXIT.verification;
  } finally {
    await opened.close();
  }
}

async function vantageOf(from: string | undefined, { site, target }: OpenSite) {
  if (from === undefined) {
    const { controllerVantage } = await import('../../verify/controller-vantage.ts');
    return controllerVantage(await target('localhost'));
  }
  const host = site.inventory.hosts.get(from);
  const near = suggest(from, site.inventory.hosts.keys());
  if (host === undefined) throw usage(`--from: no host is called "${from}"`, near === undefined ? 'lvs-play inventory --graph shows the hosts' : `did you mean ${near}?`);
  if (site.topology?.directors.has(from) === true || site.topology?.realServers.has(from) === true) {
    throw usage(`--from: ${from} is part of the cluster: it would not see what a client sees`, 'choose a host that is neither director nor real server');
  }
  const { hostVantage } = await import('../../verify/host-vantage.ts');
  return hostVantage(from, await target(from));
}

function usage(message: string, hint: string): LvsPlayError {
  return new LvsPlayError({ code: 'bad-vantage', kind: 'usage', message, hint });
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number > 100_000) throw new InvalidArgumentError('It must be a whole number, at most 100000.');
  return number;
}
