import { randomBytes } from 'node:crypto';
import { Command, Option } from 'commander';
import { LvsPlayError } from '../../core/errors.ts';
import type { SourceKind } from '../../import/sources.ts';
import type { LiveHost } from '../../import/live.ts';
import type { Note } from '../../import/types.ts';
import type { RunInput } from '../../plan/input.ts';
import type { Site } from '../../plan/site.ts';
import type { Target } from '../../transport/target.ts';
import { observe } from '../../observe/ask.ts';
import { known as answersOf } from '../../observe/missing.ts';
import { commonOptions, withConnection, withInventory, type CommonOptions, type RawOptions } from '../input/options.ts';
import { printProgress, printResult, processSecrets } from '../output.ts';

interface ImportFlags extends RawOptions {
  readonly from?: readonly string[];
  readonly as?: SourceKind;
  readonly withSecrets?: true;
}

/** `lvs-play import FILE...` or `--from HOST,...`: the inventory on stdout, the report on stderr; exit code 1 when the inventory needs mending first. */
export function importCommand(): Command {
  return withConnection(withInventory(new Command('import').description('make an inventory of keepalived.conf, ipvsadm -Sn, scripts, or of live hosts')))
    .argument('[files...]', 'FILE, HOST=FILE or HOST@ADDRESS=FILE; the host is the one that the file belongs to')
    .option('--from <hosts>', 'ask these hosts, of -i or by name', (value: string, before: readonly string[] | undefined) => [...(before ?? []), ...value.split(',').map((host) => host.trim()).filter((host) => host !== '')])
    .addOption(new Option('--as <kind>', 'what the files are, instead of going by their content').choices(['keepalived', 'ipvsadm', 'script', 'sysctl', 'iptables', 'nft']))
    .option('--with-secrets', 'write passwords into the inventory, to be vaulted, instead of placeholders')
    .option('--json', 'print the report as one JSON document on stderr')
    .addHelpText('after', '\nExamples:\n  lvs-play import lvs1@192.168.0.8=lvs_dr.sh rs1@192.168.0.18=lvs_dr_rs.sh > hosts.yml\n  lvs-play import --from lvs1,lvs2,rs1,rs2 -i plain.yml > hosts.yml')
    .action(async (files: string[], flags: ImportFlags) => {
      process.exitCode = await importSources(files, flags);
    });
}

async function importSources(files: readonly string[], flags: ImportFlags): Promise<number> {
  const options = commonOptions(flags, process.env);
  const from = flags.from ?? [];
  if (files.length === 0 && from.length === 0) {
    throw new LvsPlayError({ code: 'no-source', kind: 'usage', message: 'nothing to import', hint: 'name files (lvs-play import keepalived.conf), or hosts (lvs-play import --from lvs1,lvs2)' });
  }
  if (from.length > 0) {
    const { enterLabIfNeeded } = await import('../../lab/enter.ts');
    const inside = await enterLabIfNeeded(options.inventories);
    if (inside !== undefined) return inside;
  }
  const [{ importAll }, { formatReport }, { secretsOfDraft }, { EXIT }] = await Promise.all([import('../../import/import.ts'), import('../../import/report-text.ts'), import('../../import/secrets.ts'), import('../exit.ts')]);
  const { live, known } = from.length === 0 ? { live: [], known: new Map<string, string>() } : await askHosts(from, options);
  const done = await importAll({ files, as: flags.as, live, known, withSecrets: flags.withSecrets === true });
  for (const secret of secretsOfDraft(done.merged)) processSecrets.add(secret);
  printResult(done.text);
  printProgress(processSecrets.mask(options.json ? `${JSON.stringify({ version: 1, sound: done.sound, notes: done.notes satisfies readonly Note[] }, null, 2)}\n` : formatReport(done.notes)));
  return done.sound ? EXIT.ok : EXIT.error;
}

/** One request for each host. Without an inventory a host is reached by its name, as ssh does it. */
async function askHosts(hosts: readonly string[], options: CommonOptions): Promise<{ live: LiveHost[]; known: Map<string, string> }> {
  const [{ openSite }, { liveScript, parseLive }, { parseIp }] = await Promise.all([import('../input/open-site.ts'), import('../../import/live.ts'), import('../../lvs/model/ip.ts')]);
  const { readConnection } = await import('../input/run-input.ts');
  const known = new Map<string, string>();
  const nonce = randomBytes(12).toString('hex');
  const opened = options.inventories.length === 0 ? await withoutInventory(await readConnection(options)) : await openSite(options);
  try {
    const addressOf = (host: string): string | undefined => {
      const vars = opened.site?.inventory.hosts.get(host)?.vars;
      const written = vars?.get('lvs_address')?.value ?? vars?.get('ansible_host')?.value ?? host;
      return typeof written === 'string' ? parseIp(written)?.address : undefined;
    };
    for (const host of hosts) {
      if (opened.site !== undefined && !opened.site.inventory.hosts.has(host)) throw new LvsPlayError({ code: 'unknown-host', kind: 'usage', message: `no host is called "${host}"`, hint: 'lvs-play inventory --graph shows the hosts; without -i hosts are reached by their names' });
      const address = addressOf(host);
      if (address !== undefined) known.set(host, address);
    }
    const seen = await observe(hosts, opened.target, (host) => {
      const name = parseIp(host) === undefined ? host : undefined;
      return { script: liveScript(nonce), read: (output) => parseLive(name, known.get(host), output, nonce, host) };
    }, { forks: options.forks });
    // An inventory without them would be taken for the whole.
    const answers = answersOf(seen.judge((all) => all), 'no inventory was made: what the hosts have');
    return { live: hosts.flatMap((host) => answers.get(host) ?? []), known: new Map([...known].filter(([name]) => parseIp(name) === undefined)) };
  } finally {
    await opened.close();
  }
}

async function withoutInventory({ connector, connectionOf }: Pick<RunInput, 'connector' | 'connectionOf'>): Promise<{ site: Site | undefined; target: (host: string) => Promise<Target>; close: () => Promise<void> }> {
  const targets = new Map<string, Promise<Target>>();
  return Promise.resolve({
    site: undefined,
    target: (host) => {
      const target = targets.get(host) ?? connector.connect(connectionOf(host, {}));
      targets.set(host, target);
      return target;
    },
    close: async () => {
      await Promise.allSettled([...targets.values()].map(async (target) => (await target).close()));
    },
  });
}
