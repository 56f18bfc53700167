import { missingIn } from '../../observe/missing.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import { judgeConverged } from '../../verify/judge/converged.ts';
import { measuredAt, reachedChecks, reportOf } from '../../verify/report.ts';
import { runVerification } from '../../verify/run.ts';
import type { MeasuredCheck, Vantage, VerificationReport } from '../../verify/types.ts';
import type { OpenSite } from '../input/open-site.ts';
import type { CommonOptions } from '../input/options.ts';
import type { Connection } from '../input/run-input.ts';
import { planPart } from '../run/run.ts';
import type { VerifyFlags } from './flags.ts';
import { checkHosts } from './hosts.ts';

/** What all looks of one command share. */
export interface Means {
  readonly opened: OpenSite;
  readonly topology: Topology;
  readonly connection: Connection;
  readonly vantages: readonly Vantage[];
  readonly options: CommonOptions;
  readonly flags: VerifyFlags;
}

/** One look at everything. @throws LvsPlayError when a vantage cannot be asked; AbortError when `signal` ends it */
export function look(means: Means, signal: AbortSignal, needsAll = false): Promise<VerificationReport> {
  return lookAs(means, signal, false, needsAll);
}

/** The same where a look before this one has been: who gives no answer any more may be on his way back, and a vantage that does not ends nothing. */
export async function lookAgain(means: Means, signal: AbortSignal): Promise<VerificationReport> {
  const begun = Date.now();
  await revive(means);
  try {
    return await lookAs(means, signal, true);
  } catch (error) {
    const missing = missingIn(error);
    if (missing.length === 0) throw error;
    return reportOf(measuredAt(reachedChecks(missing), Date.now()), namesOf(means), begun, Date.now());
  }
}

async function lookAs(means: Means, signal: AbortSignal, patient: boolean, needsAll = false): Promise<VerificationReport> {
  const { opened, topology, vantages, options, flags } = means;
  const begun = Date.now();
  const hosts = flags.hosts ? await checkHosts(opened, options.forks) : [];
  const more = [...hosts, ...(await converged(means))];
  const report = await runVerification({ servers: flags.hosts, more, patient, needsAll, topology, target: opened.target, vantages, requests: flags.requests, path: flags.path, settle: flags.settle, signal });
  return reportOf(report.checks, report.from, begun, Date.parse(report.ended));
}

async function converged({ flags, options, connection }: Means): Promise<MeasuredCheck[]> {
  if (flags.plan === undefined) return [];
  const { plan } = await planPart({ playbookFile: flags.plan, connection, options: { ...options, json: false, events: undefined, limit: [] } });
  return measuredAt([judgeConverged(plan)], Date.now());
}

function namesOf({ vantages }: Means): string[] {
  return vantages.map(({ name }) => name);
}

/** A connection that was lost stays so until it is forgotten: a host may have been restarted. */
async function revive({ opened, topology, vantages }: Means): Promise<void> {
  const hosts = new Set([...topology.directors.keys(), ...topology.realServers.keys(), ...vantages.map(({ name }) => name).filter((name) => opened.site.inventory.hosts.has(name))]);
  await Promise.all(
    [...hosts].map(async (host) => {
      const target = await opened.target(host);
      await target.request({ script: ':' }).catch(() => target.reset());
    }),
  );
}
