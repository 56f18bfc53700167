import type { Json } from '../../core/json.ts';
import { shownCommand } from '../../evidence/command-line.ts';
import { maskedJson, topologyDigest } from '../../evidence/digest.ts';
import { evidenceText } from '../../evidence/evidence.ts';
import { junitOf } from '../../evidence/junit.ts';
import { EVIDENCE_FORMAT, EVIDENCE_VERSION } from '../../evidence/types.ts';
import type { PulseReport } from '../../pulse/types.ts';
import { printable } from '../../report/terminal/style.ts';
import { formatVerification } from '../../verify/format.ts';
import type { VerificationReport } from '../../verify/types.ts';
import { operator } from '../operator.ts';
import { printProgress, printResult, processSecrets } from '../output.ts';
import { replaceFile } from '../replace-file.ts';
import { toolVersion } from '../version.ts';
import type { VerifyFlags } from './flags.ts';
import type { Means } from './look.ts';

const mask = (text: string): string => processSecrets.mask(text);

/** Whether stdout is a document's: then what is for people goes to stderr. */
export function takesStdout({ options, flags }: { readonly options: { readonly json: boolean }; readonly flags: Pick<VerifyFlags, 'junit'> }): boolean {
  return options.json || flags.junit === '-';
}

/** Prints one report, and writes the files that were asked for. @param text for people, in place of the whole table; @param line the document on one line. @throws LvsPlayError kind `usage` when a file cannot be written */
export async function publish(means: Means, found: { readonly report: VerificationReport; readonly pulses: readonly PulseReport[] }, { text, line = false }: { readonly text?: string; readonly line?: boolean } = {}): Promise<void> {
  const { options, flags } = means;
  // Masked before it is written in any form: what is escaped would not be found.
  const report = masked(found.report);
  const pulses = masked(found.pulses);
  await writeFiles(means, report, pulses);
  const junit = flags.junit === '-' ? junitOf(report) : '';
  const document = { ...report, ...(flags.during === undefined ? {} : { pulses }) };
  const json = options.json ? `${line ? JSON.stringify(document) : JSON.stringify(document, null, 2)}\n` : '';
  if (junit !== '' || json !== '') printResult(`${json}${junit}`);
  const shown = text ?? formatVerification(report);
  if (options.json || shown === '') return;
  const print = junit === '' ? printResult : printProgress;
  print(printable(mask(shown)));
}

async function writeFiles({ topology, options, flags }: Means, report: VerificationReport, pulses: readonly PulseReport[]): Promise<void> {
  if (flags.junit !== undefined && flags.junit !== '-') await replaceFile('--junit', flags.junit, junitOf(report));
  if (flags.evidence === undefined) return;
  const evidence = {
    format: EVIDENCE_FORMAT,
    version: EVIDENCE_VERSION,
    tool: toolVersion(),
    operator: operator(),
    command: shownCommand(process.argv.slice(2)),
    inventory: { files: options.inventories, topology: topologyDigest(topology, mask) },
    begun: report.begun,
    ended: report.ended,
    vantages: report.from,
    report,
    pulses,
  } as const;
  await replaceFile('--evidence', flags.evidence, evidenceText(evidence, mask));
}

function masked<T>(value: T): T {
  return maskedJson(JSON.parse(JSON.stringify(value)) as Json, mask) as T;
}
