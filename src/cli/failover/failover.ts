import { LvsPlayError, messageOf } from '../../core/errors.ts';
import { hostState } from '../../core/host-state.ts';
import { newRunId } from '../../core/run-id.ts';
import { drill, type DrillKind, type DrillMeans } from '../../failover/drill.ts';
import { failBack, failOver } from '../../failover/failover.ts';
import { membersOf } from '../../failover/look.ts';
import { FAILOVER_RULES } from '../../failover/preflight.ts';
import { type FailoverReport, reportLines } from '../../failover/report.ts';
import { GUARD_RULES } from '../../impact/types.ts';
import type { RunHeader } from '../../journal/types.ts';
import { labOfInventories } from '../../lab/enter.ts';
import { Locks } from '../../lock/hold.ts';
import { EXPIRY_SECONDS } from '../../lock/types.ts';
import { movedWith } from '../../lvs/failover/topology.ts';
import { withHands } from '../drain/drain.ts';
import type { OpenHands } from '../drain/hands.ts';
import { requireAll } from '../../observe/missing.ts';
import { EXIT, exitCodeOfHosts } from '../exit.ts';
import type { CommonOptions } from '../input/options.ts';
import { canAsk, confirm } from '../input/prompt.ts';
import { openJournal } from '../run/journal.ts';
import { requireWindow } from '../run/keepers.ts';
import { operator } from '../operator.ts';
import { printProgress, printResult, processSecrets } from '../output.ts';
import { labMeans, liveDrill } from './drills.ts';
import { failoverHands } from './hands.ts';

/** Rules of failovers that --allow takes. */
export const ALLOWED_RULES: readonly string[] = [...new Set([...FAILOVER_RULES, ...GUARD_RULES])];

export interface FailoverFlags {
  readonly to: string | undefined;
  readonly until: string | null;
  /** Seconds. */
  readonly syncWait: number;
}

/** `failover`, from the command line to the exit code. */
export async function failOverPair(pair: string, options: CommonOptions, { to, until, syncWait }: FailoverFlags): Promise<number> {
  return withHands(options, async (open) => {
    const report = await failOver(failoverHands(open), { pair, to, until, syncWait, by: operator(), reason: options.reason ?? '', allow: options.allow });
    printReport(report, options);
    if (report.moved && until === null) printProgress(`give it back with: lvs-play failback ${pair}\n`);
    return codeOf(report, options);
  }, { rules: ALLOWED_RULES });
}

/** `failback`, from the command line to the exit code. */
export async function failBackPair(pair: string, options: CommonOptions, { syncWait }: Pick<FailoverFlags, 'syncWait'>): Promise<number> {
  return withHands(options, async (open) => {
    const report = await failBack(failoverHands(open), { pair, syncWait, by: operator(), allow: options.allow });
    printReport(report, options);
    return codeOf(report, options);
  }, { rules: ALLOWED_RULES });
}

/** `failover PAIR --drill`, from the command line to the exit code. */
export async function drillPair(pair: string, options: CommonOptions, { kind, syncWait, yes }: { readonly kind: DrillKind; readonly syncWait: number; readonly yes: boolean }): Promise<number> {
  requireWindow(options);
  return withHands(options, async (open) => {
    const { topology } = open.hands;
    const hosts = membersOf(topology, movedWith(topology, pair));
    const means = await meansOf(kind, pair, options, yes, open);
    // Before anything is locked or journaled: harm needs everybody's answer.
    requireAll(await failoverHands(open).lookAtPairs(movedWith(topology, pair)), `who holds ${pair}`);
    const journal = openJournal({ id: newRunId(new Date()), command: 'drill', playbook: '', options, line: `failover ${pair} --drill ${kind}` });
    const end = (result: 'ok' | 'failed', message?: string): void => {
      journal.end({ version: 1, at: new Date().toISOString(), result, message, recap: {} });
    };
    try {
      const report = await whileLocked(hosts, journal.header, open, (cameBack) => drill(failoverHands(open), { pair, syncWait, by: operator(), allow: options.allow }, mendedWith(means, cameBack)));
      end('ok');
      printReport(report, options);
      return codeOf(report, options);
    } catch (error) {
      end('failed', processSecrets.mask(messageOf(error)));
      throw error;
    } finally {
      journal.close();
    }
  }, { rules: ALLOWED_RULES });
}

function mendedWith(means: DrillMeans, mended: (host: string) => Promise<void>): DrillMeans {
  return {
    ...means,
    mend: async (host) => {
      await means.mend(host);
      await mended(host);
    },
  };
}

/** Keeps runs off the directors while one of them is harmed. @param work is told how to say that a host is back @throws LvsPlayError when one is locked */
async function whileLocked<T>(hosts: readonly string[], { id, owner, line, reason }: RunHeader, { hands, opened }: OpenHands, work: (cameBack: (host: string) => Promise<void>) => Promise<T>): Promise<T> {
  const locks = new Locks(
    { version: 1, id, owner, command: line, reason, since: new Date().toISOString(), expiry: EXPIRY_SECONDS, lasts: undefined },
    { root: hostState(process.env), tell: (level, _host, text) => { hands.say(level, text); }, signal: hands.signal },
  );
  await locks.take(hosts.map((host) => ({ host, target: () => opened.target(host), become: true, own: true })));
  try {
    return await work((host) => locks.cameBack(host));
  } finally {
    if (locks.lost !== undefined) hands.say('warning', locks.lost.message);
    await locks.release();
  }
}

/** In a lab nothing is asked; a real cluster is harmed only by who says that it is meant. @throws LvsPlayError kind `usage` */
async function meansOf(kind: DrillKind, pair: string, { inventories }: CommonOptions, yes: boolean, { opened }: OpenHands): Promise<DrillMeans> {
  const lab = labOfInventories(inventories);
  if (lab !== undefined) return labMeans(kind, lab.name, opened.target);
  const { means, warning, askable } = liveDrill(kind, pair, opened.target);
  if (yes || (askable && canAsk() && (await confirm(`${warning}. Do it?`)))) return means;
  throw new LvsPlayError({ code: 'not-confirmed', kind: 'usage', message: `this is a real cluster: ${warning}`, hint: askable && canAsk() ? 'nothing was done' : 'say that it is meant: --yes; or play it in a lab (lvs-play lab up)' });
}

/** A member that was allowed to be missing is not needed. */
function codeOf({ missing }: FailoverReport, { allow }: CommonOptions): number {
  return allow.includes('director-unreachable') ? EXIT.ok : (exitCodeOfHosts(missing) ?? EXIT.ok);
}

function printReport(report: FailoverReport, { json }: CommonOptions): void {
  printResult(processSecrets.mask(json ? `${JSON.stringify(report, null, 2)}\n` : `${reportLines(report).join('\n')}\n`));
}
