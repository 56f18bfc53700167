import { readFile } from 'node:fs/promises';
import { LvsPlayError, messageOf } from '../../core/errors.ts';
import { checkEvidence } from '../../evidence/evidence.ts';
import { enterLabIfNeeded } from '../../lab/enter.ts';
import type { VerificationReport } from '../../verify/types.ts';
import { EXIT } from '../exit.ts';
import { codeOf } from './code.ts';
import { openCluster } from '../input/open-cluster.ts';
import { type CommonOptions, requireInventory } from '../input/options.ts';
import { interruptible } from '../interrupt.ts';
import { printProgress, printResult } from '../output.ts';
import { verifyDuring } from './during.ts';
import type { VerifyFlags } from './flags.ts';
import { look, lookAgain, type Means } from './look.ts';
import { publish, takesStdout } from './publish.ts';
import { openVantages } from './vantages.ts';
import { verifyAgainAndAgain } from './watch.ts';

/** `verify`, from the command line to the exit code. */
export async function verify(options: CommonOptions, flags: VerifyFlags): Promise<number> {
  requireInventory(options);
  const inside = await enterLabIfNeeded(options.inventories);
  if (inside !== undefined) return inside;
  const { topology, connection, opened } = await openCluster(options);
  try {
    const means: Means = { opened, topology, connection, options, flags, vantages: await openVantages(flags.from, topology, opened) };
    return await verifyWith(means);
  } catch (error) {
    // Nothing was changed: there is nothing to tell.
    if (error instanceof Error && error.name === 'AbortError') return EXIT.interrupted;
    throw error;
  } finally {
    await opened.close();
  }
}

async function verifyWith(means: Means): Promise<number> {
  const { flags, options } = means;
  if (flags.during !== undefined) {
    const found = await verifyDuring(means, flags.during, takesStdout(means));
    await publish(means, found);
    return codeOf(found.report);
  }
  if (flags.watch !== undefined) {
    const every = flags.watch;
    const told = (report: VerificationReport, changes: readonly string[] | undefined): Promise<void> =>
      publish(means, { report, pulses: [] }, { line: options.json, ...(changes === undefined ? {} : { text: changes.map((line) => `${line}\n`).join('') }) });
    return interruptible((signal) => verifyAgainAndAgain({ first: (stop) => look(means, stop), again: (stop) => lookAgain(means, stop), every, told }, signal), () => undefined);
  }
  const report = await interruptible((signal) => look(means, signal));
  await publish(means, { report, pulses: [] });
  return codeOf(report);
}

/** `verify --check-evidence FILE`: whether it is as it was written. @throws LvsPlayError kind `input` for what is no evidence */
export async function verifyEvidence(file: string): Promise<number> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new LvsPlayError({ code: 'no-such-file', kind: 'input', message: `${file} cannot be read: ${messageOf(cause)}`, cause });
  }
  const { intact, words } = checkEvidence(text, file);
  if (intact) printResult(`${words}\n`);
  else printProgress(`${words}\n`);
  return intact ? EXIT.ok : EXIT.error;
}
