import { Command } from 'commander';
import { LvsPlayError } from '../../core/errors.ts';
import { commonOptions, type RawOptions, requireInventory, withConnection, withInventory } from '../input/options.ts';

/** `lvs-play confirm RUN`: what the run changed stays. */
export function confirmCommand(): Command {
  return withConnection(withInventory(new Command('confirm').description("keep what a run with --confirm-within changed: disarms its hosts' guards").argument('<run>', 'its id')))
    .option('--json', 'print one JSON document on stdout')
    .action(async (run: string, raw: RawOptions) => {
      process.exitCode = await confirm(run, raw);
    });
}

async function confirm(run: string, raw: RawOptions): Promise<number> {
  if (!/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(run)) throw new LvsPlayError({ code: 'unknown-run', kind: 'usage', message: `${run} is no id of a run`, hint: 'the run told its id; lvs-play history lists them' });
  const options = commonOptions(raw, process.env);
  requireInventory(options);
  const { enterLabIfNeeded } = await import('../../lab/enter.ts');
  const inside = await enterLabIfNeeded(options.inventories);
  if (inside !== undefined) return inside;
  const [{ openSite }, { chosenHosts }, { askGuards, guardText }, { hostState }, { printResult, processSecrets }, { EXIT }] = await Promise.all([
    import('../input/open-site.ts'),
    import('../ask-hosts.ts'),
    import('../../undo/reach.ts'),
    import('../../core/host-state.ts'),
    import('../output.ts'),
    import('../exit.ts'),
  ]);
  const opened = await openSite(options);
  try {
    const asked = await askGuards(await chosenHosts(opened, options), opened.target, { run, words: 'disarm', become: () => true, root: hostState(process.env) });
    const answers = asked.filter(({ state }) => state !== 'absent');
    if (answers.length === 0) throw new LvsPlayError({ code: 'unknown-run', kind: 'host', message: `no host knows run ${run}`, hint: 'is it the inventory of that run?' });
    printResult(processSecrets.mask(options.json ? `${JSON.stringify({ version: 1, run, hosts: answers }, null, 2)}\n` : answers.map((answer) => `${guardText(answer)}\n`).join('')));
    if (answers.some(({ state }) => state === 'restored' || state === 'restoring')) return EXIT.hostFailed;
    return answers.some(({ state }) => state === 'unreachable') ? EXIT.unreachable : EXIT.ok;
  } finally {
    await opened.close();
  }
}
