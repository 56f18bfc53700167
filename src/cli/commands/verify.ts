import { Command, InvalidArgumentError, Option } from 'commander';
import { LvsPlayError } from '../../core/errors.ts';
import { collect, commonOptions, milliseconds, type RawOptions, seconds, withConnection, withInventory } from '../input/options.ts';
import type { DuringFlags, VerifyFlags } from '../verify/flags.ts';

interface RawVerify extends RawOptions {
  readonly from?: readonly string[];
  readonly requests: number;
  readonly path?: string;
  readonly settle: number;
  /** --no-hosts makes it false. */
  readonly hosts: boolean;
  readonly plan?: string;
  readonly junit?: string;
  readonly evidence?: string;
  readonly checkEvidence?: string;
  readonly watch?: true | number;
  readonly during?: true | string;
  readonly every: number;
  readonly hold: number;
  readonly tolerateGap?: number;
}

/** Seconds. */
const WATCH_EVERY = 30;

/** `lvs-play verify`: looks at the cluster from outside; exit code 8 when something is off. */
export function verifyCommand(): Command {
  return withConnection(withInventory(new Command('verify').description('prove from outside that the virtual services work; exit code 8 when they do not')))
    .argument('[command...]', 'after --: what --during runs')
    .option('--from <pattern>', 'look from these inventory hosts, which must be outside the cluster, or from the controller; may be given again; default: controller', collect)
    .option('--requests <number>', 'requests sent to each virtual service from each vantage', wholeNumber, 20)
    .option('--path <path>', 'page asked for by HTTP; one larger than a packet proves more', '/')
    .option('--settle <seconds>', 'wait this long for VRRP and health checks to come to rest', wholeNumber, 0)
    .option('--no-hosts', 'leave out what hosts say of themselves: who listens there, which way answers take, and the rules of lint --live')
    .option('--plan <playbook>', 'prove also that a run of this playbook would change nothing')
    .option('--json', 'print the report as one JSON document; with --watch a line each')
    .option('--junit <file>', "write the report as JUnit's XML; - for stdout")
    .option('--evidence <file>', 'write what was found, about what, by whom and when, with a digest')
    .addOption(new Option('--check-evidence <file>', 'say whether a file of --evidence is as it was written').conflicts(['watch', 'during', 'evidence', 'junit']))
    .addOption(new Option('--watch [time]', `look again and again, every ${String(WATCH_EVERY)}s or as given, and tell what changes`).argParser((text: string) => seconds(text)).conflicts('during'))
    .option('--during [command]', 'verify, run this (a line for sh, or words after --) while clients go on asking, and verify again')
    .option('--every <time>', 'with --during: between two requests to a service', milliseconds, 20)
    .option('--hold <number>', 'with --during: connections that are held open to each service', wholeNumber, 10)
    .option('--tolerate-gap <time>', 'with --during: requests may be lost for so long at a stretch: 500ms, 3s', milliseconds)
    .action(async (words: readonly string[], raw: RawVerify) => {
      const { verify, verifyEvidence } = await import('../verify/verify.ts');
      process.exitCode = raw.checkEvidence === undefined ? await verify(commonOptions(raw, process.env), flagsOf(raw, words)) : await verifyEvidence(raw.checkEvidence);
    });
}

/** @throws LvsPlayError kind `usage` */
function flagsOf(raw: RawVerify, words: readonly string[]): VerifyFlags {
  const { from = [], requests, path, settle, hosts, plan, junit, evidence, watch } = raw;
  if (raw.json === true && junit === '-') throw usage('--json and --junit - both print a document on stdout', 'write one of them to a file');
  return { from, requests, path, settle, hosts, plan, junit, evidence, watch: watch === true ? WATCH_EVERY : watch, during: duringOf(raw, words) };
}

function duringOf({ during, every, hold, tolerateGap }: RawVerify, words: readonly string[]): DuringFlags | undefined {
  if (during === undefined) {
    if (words.length > 0) throw usage(`${words.join(' ')}: verify takes no operands`, 'a command to run in between is given with --during');
    return undefined;
  }
  if (during === true && words.length === 0) throw usage('--during: what to run is missing', "write --during 'COMMAND', or --during -- COMMAND WORDS");
  if (during !== true && words.length > 0) throw usage('--during: one command, please', 'either a line for sh, or words after --');
  return { argv: during === true ? words : ['sh', '-c', during], every, hold, tolerated: tolerateGap };
}

function usage(message: string, hint: string): LvsPlayError {
  return new LvsPlayError({ code: 'bad-verify', kind: 'usage', message, hint });
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number > 100_000) throw new InvalidArgumentError('It must be a whole number, at most 100000.');
  return number;
}
