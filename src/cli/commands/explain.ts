import { Command } from 'commander';
import { LvsPlayError } from '../../core/errors.ts';
import { suggest } from '../../core/text/suggest.ts';
import type { Explanation, Need } from '../../explain/types.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import { observe } from '../../observe/ask.ts';
import type { Missing } from '../../observe/observation.ts';
import { namesOfMissing, unansweredWords } from '../../observe/words.ts';
import type { OpenSite } from '../input/open-site.ts';
import { commonOptions, requireInventory, withConnection, withInventory, type RawOptions } from '../input/options.ts';
import { printProgress, printResult, processSecrets } from '../output.ts';

interface ExplainFlags extends RawOptions {
  readonly live?: true;
}

/** `lvs-play explain [SERVICE]`: a packet's way from client to real server and back; `--live` exits with 8 when something it needs does not hold. */
export function explainCommand(): Command {
  return withConnection(withInventory(new Command('explain').description("a packet's way through a virtual service and back, and what each hop needs")))
    .argument('[service]', 'virtual service; without it they are listed')
    .option('--live', 'ask the hosts which of the needs hold; exit code 8 when one does not')
    .option('--json', 'print one JSON document')
    .action(async (service: string | undefined, flags: ExplainFlags) => {
      process.exitCode = await explain(service, flags);
    });
}

async function explain(name: string | undefined, flags: ExplainFlags): Promise<number> {
  const options = commonOptions(flags, process.env);
  requireInventory(options);
  const live = flags.live === true && name !== undefined;
  if (live) {
    const { enterLabIfNeeded } = await import('../../lab/enter.ts');
    const inside = await enterLabIfNeeded(options.inventories);
    if (inside !== undefined) return inside;
  }
  const [{ openSite }, { explainService }, { formatExplanation }, { noTopology }, { EXIT, exitCodeOfHosts }] = await Promise.all([
    import('../input/open-site.ts'),
    import('../../explain/explain.ts'),
    import('../../explain/format.ts'),
    import('../input/no-topology.ts'),
    import('../exit.ts'),
  ]);
  const opened = await openSite(options);
  try {
    const { topology } = opened.site;
    if (topology === undefined) throw noTopology();
    if (name === undefined) {
      printResult(options.json ? json([...topology.services.keys()]) : listed(topology));
      return EXIT.ok;
    }
    const explained = explainService(topology, serviceNamed(topology, name));
    const { shown, missing } = live ? await asked(explained, opened, options.forks) : { shown: explained, missing: [] };
    printResult(processSecrets.mask(options.json ? json(live ? { ...shown, unknown: namesOfMissing(missing) } : shown) : formatExplanation(shown)));
    if (missing.length > 0) printProgress(processSecrets.mask(`what the hosts are like is unknown where they gave no answer: ${unansweredWords(missing)}\n`));
    const code = exitCodeOfHosts(missing);
    if (code !== undefined) return code;
    return shown.paths.some((path) => path.hops.some((hop) => hop.needs.some(isBroken))) ? EXIT.verification : EXIT.ok;
  } finally {
    await opened.close();
  }
}

function isBroken(need: Need): boolean {
  return need.live?.verdict === 'broken';
}

/** One request for each host. */
async function asked(explained: Explanation, { target }: OpenSite, forks: number): Promise<{ readonly shown: Explanation; readonly missing: readonly Missing[] }> {
  const [{ hostStateScript, parseHostState }, { hostsOf, judgeExplanation, needsOf }] = await Promise.all([import('../../explain/host-state.ts'), import('../../explain/judge.ts')]);
  const needs = needsOf(explained);
  const states = await observe(hostsOf(explained), target, (host) => ({ script: hostStateScript(host, needs), read: (output) => parseHostState(host, output) }), { forks });
  return { shown: judgeExplanation(explained, states), missing: states.missing };
}

function serviceNamed(topology: Topology, name: string) {
  const service = topology.services.get(name);
  if (service !== undefined) return service;
  const near = suggest(name, topology.services.keys());
  throw new LvsPlayError({ code: 'unknown-service', kind: 'usage', message: `no virtual service is called "${name}"`, hint: near === undefined ? `there are ${[...topology.services.keys()].join(', ')}` : `did you mean ${near}?` });
}

function listed(topology: Topology): string {
  const services = [...topology.services.values()];
  const width = Math.max(0, ...services.map(({ name }) => name.length));
  return services.map((one) => `${one.name.padEnd(width)}  ${one.mode}  ${one.match.kind === 'fwmark' ? `fwmark ${String(one.match.mark)}` : `${one.protocol} ${one.vip}:${String(one.port)}`}  on ${one.pair ?? one.directors.join(', ')}\n`).join('');
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
