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
  const [{ openSite }, { chosenHosts }, { askGuards, guardText }, { hostState }, { printResult, processSecrets }, { EXIT, exitCodeOfHosts }, { unknown }, { namesOfMissing, unansweredWords }] = await Promise.all([
    import('../input/open-site.ts'),
    import('../ask-hosts.ts'),
    import('../../undo/reach.ts'),
    import('../../core/host-state.ts'),
    import('../output.ts'),
    import('../exit.ts'),
    import('../../observe/missing.ts'),
    import('../../observe/words.ts'),
  ]);
  const opened = await openSite(options);
  try {
    const asked = await askGuards(await chosenHosts(opened, options), opened.target, { run, words: 'disarm', become: () => true, root: hostState(process.env) });
    const { missing } = asked;
    const answers = asked.each((answer) => answer).filter(({ state }) => state !== 'absent');
    if (answers.length === 0 && missing.length > 0) throw unknown(`whether there is a run ${run}, and what became of it,`, missing);
    if (answers.length === 0) throw new LvsPlayError({ code: 'unknown-run', kind: 'host', message: `no host knows run ${run}`, hint: 'is it the inventory of that run?' });
    const silent = missing.length === 0 ? '' : `whether others keep what the run changed is unknown: ${unansweredWords(missing)}; one that was to be confirmed restores itself when the timeout expires\n`;
    printResult(processSecrets.mask(options.json ? `${JSON.stringify({ version: 1, run, hosts: answers, unknown: namesOfMissing(missing) }, null, 2)}\n` : `${answers.map((answer) => `${guardText(answer)}\n`).join('')}${silent}`));
    return exitCodeOfHosts(missing) ?? (answers.some(({ state }) => state === 'restored' || state === 'restoring') ? EXIT.hostFailed : EXIT.ok);
  } finally {
    await opened.close();
  }
}
