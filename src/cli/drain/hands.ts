import { setTimeout as delay } from 'node:timers/promises';
import { limitsOf } from '../../apply/guards.ts';
import { LvsPlayError } from '../../core/errors.ts';
import { keepalivedVersions, lookAt } from '../../drain/look.ts';
import type { DrainHands, RunOutcome, RunWork } from '../../drain/hands.ts';
import { GUARD_RULES } from '../../impact/types.ts';
import { sharesOf } from '../../lvs/drain/shares.ts';
import { checksOf, type Topology } from '../../lvs/model/topology.ts';
import { unknown } from '../../observe/missing.ts';
import type { Missing } from '../../observe/observation.ts';
import { hostNames, namesOfMissing } from '../../observe/words.ts';
import type { Plan } from '../../plan/types.ts';
import { connectionLost } from '../../transport/unreachable.ts';
import { requestOnce } from '../../verify/controller-vantage.ts';
import { exitCodeOf } from '../exit.ts';
import { openCluster } from '../input/open-cluster.ts';
import type { OpenSite } from '../input/open-site.ts';
import type { CommonOptions } from '../input/options.ts';
import type { Connection } from '../input/run-input.ts';
import { isLiveTerminal, printProgress, processSecrets } from '../output.ts';
import { keepPlays } from './plays.ts';
import { planPart, runPart } from '../run/run.ts';

/** A site in hand, and how much may be out of it. */
export interface OpenHands {
  readonly hands: DrainHands;
  readonly opened: OpenSite;
  /** See GuardLimits. */
  readonly removedShare: number;
  readonly close: () => Promise<void>;
}

/** Opens what a drain works with. Passwords are asked for once, however many runs it takes. @throws LvsPlayError kind `input`; no host is connected yet */
export async function openHands(options: CommonOptions, signal: AbortSignal, partOf?: string): Promise<OpenHands> {
  const { topology, inventory, extraVars, connection, opened } = await openCluster(options);
  const removedShare = limitsOf({ inventory, extraVars }).removedShare;
  return { hands: handsOf({ topology, opened, options, connection, signal, partOf }), opened, removedShare, close: () => opened.close() };
}

interface Means {
  readonly topology: Topology;
  readonly opened: OpenSite;
  readonly options: CommonOptions;
  readonly connection: Connection;
  readonly signal: AbortSignal;
  /** The maintenance that all its runs are parts of. */
  readonly partOf: string | undefined;
}

function handsOf(means: Means): DrainHands {
  const { topology, opened, options, connection, signal, partOf } = means;
  const line = new StatusLine();
  const parts = { ...(partOf === undefined ? {} : { partOf }), connection, options: { ...options, json: false, events: undefined, tags: [], skipTags: [], startAtTask: undefined, check: false } };
  return {
    topology,
    look: (hosts) => lookAt({ topology, target: opened.target }, hosts),
    versions: (hosts) => keepalivedVersions({ topology, target: opened.target }, hosts),
    run: async (work) => {
      line.clear();
      return runWork(work, parts, signal);
    },
    plan: async (plays) => {
      const { plan } = await planPart({ ...parts, options: { ...parts.options, limit: [] }, playbookFile: await keepPlays(plays) });
      const missing = missingInPlan(plan);
      if (missing.length > 0) throw unknown(`what would change on ${hostNames(namesOfMissing(missing))}`, missing);
      return plan.plays.flatMap((play) => play.tasks.flatMap((row) => row.changes.map(({ path: what }) => `${row.host} ${what}`)));
    },
    checkDirectly: (host) => checkDirectly(topology, host),
    say: (level, text) => {
      line.clear();
      printProgress(processSecrets.mask(`${level === 'warning' ? 'warning: ' : ''}${text}\n`));
    },
    progress: (text) => {
      line.show(processSecrets.mask(text));
    },
    now: () => Date.now(),
    sleep: async (milliseconds) => {
      await delay(milliseconds, undefined, { signal }).catch(() => undefined);
    },
    signal,
    // A window keeps work from being begun; what was taken is given back at any hour.
    insisting: () => handsOf({ ...means, options: { ...options, window: undefined }, signal: new AbortController().signal }),
  };
}

async function runWork({ line, what, allow }: RunWork, parts: { readonly options: CommonOptions; readonly connection: Connection; readonly partOf?: string }, signal: AbortSignal): Promise<RunOutcome> {
  try {
    const playbookFile = 'plays' in what ? await keepPlays(what.plays) : what.playbook;
    const options = { ...parts.options, limit: 'plays' in what ? [] : what.limit, allow: allow.filter((rule) => (GUARD_RULES as readonly string[]).includes(rule)) };
    const { id, code, result } = await runPart({ ...parts, options, line, playbookFile, signal });
    const bad = Object.entries(result.recap).flatMap(([host, { failed, unreachable }]) => (failed + unreachable > 0 ? [host] : []));
    const lost = Object.entries(result.recap).filter(([host, { unreachable }]) => unreachable > 0 && !(host in result.plan.unreachable)).map(([host]): Missing => ({ host, kind: 'unreachable', error: connectionLost(host, undefined) }));
    return { id, code, errors: result.errors, bad, missing: [...missingInPlan(result.plan), ...lost] };
  } catch (error) {
    if (!(error instanceof LvsPlayError)) throw error;
    return { id: undefined, code: exitCodeOf(error), errors: [error], bad: [] };
  }
}

/** Hosts that gave no answer when a plan was made. */
function missingInPlan({ unreachable, failed }: Plan): Missing[] {
  const of = (kind: Missing['kind'], hosts: Readonly<Record<string, string>>): Missing[] => Object.entries(hosts).map(([host, message]) => ({ host, kind, error: new LvsPlayError({ code: 'host-unreadable', kind: kind === 'unreachable' ? 'unreachable' : 'host', host, message }) }));
  return [...of('unreachable', unreachable), ...of('failed', failed)];
}

const ANSWER_MS = 5000;

/** Its HTTP health checks, asked from here. Only an answer that is none of the expected ones speaks against it: from here there may be no way to it. */
async function checkDirectly(topology: Topology, host: string): Promise<string | undefined> {
  for (const { service, server } of sharesOf(topology, host)) {
    for (const check of checksOf(service, server)) {
      if (check.type !== 'http' || check.virtualHost !== undefined) continue;
      for (const url of check.urls) {
        const port = check.port ?? server.port;
        const { status } = await requestOnce({ kind: 'http', scheme: 'http', address: check.address ?? server.address, port, path: url.path }, ANSWER_MS);
        if (status !== 0 && !accepted(status, url.status)) return `answers ${url.path} on port ${String(port)} with HTTP ${String(status)}, which its health check refuses`;
      }
    }
  }
  return undefined;
}

/** @param ranges as keepalived writes them; none: 200 */
function accepted(status: number, ranges: readonly string[]): boolean {
  return (ranges.length === 0 ? ['200'] : ranges).some((range) => {
    const [low = 0, high = low] = range.split('-').map(Number);
    return status >= low && status <= high;
  });
}

/** One line that is written over, on a terminal; nothing elsewhere. */
class StatusLine {
  #shown = false;

  show(text: string): void {
    if (!isLiveTerminal(process.stderr)) return;
    const width = process.stderr.columns;
    printProgress(`\r\u001B[2K${text.length >= width ? `${text.slice(0, width - 2)}…` : text}`);
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) printProgress('\r\u001B[2K');
    this.#shown = false;
  }
}
