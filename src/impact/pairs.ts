import { masterDown } from '../lvs/change/classify.ts';
import { failedOverIn, targetInWords } from '../lvs/failover/record.ts';
import type { HaPair, Topology } from '../lvs/model/topology.ts';
import type { Plan } from '../plan/types.ts';
import type { DirectorView } from './view.ts';
import type { PairImpact } from './types.ts';

/** Seconds that a router waits after a MASTER has said that it goes. */
export function skewTime(advertInt: number, priority: number): number {
  return ((256 - priority) / 256) * advertInt;
}

/** Whether the virtual IPs of pairs move. Pure. */
export function pairImpacts(topology: Topology, directors: readonly DirectorView[], plan: Plan): PairImpact[] {
  return [...topology.pairs.values()].flatMap((pair): PairImpact[] => {
    const members = directors.filter((view) => pair.members.some((member) => member.host === view.touched.host));
    const holder = members.find((view) => pair.vips.some((vip) => view.holds.has(vip.address)));
    const touched = members.some(({ touched: one }) => one.configures || one.stops || one.restarts || one.starts);
    if (!touched) return [];
    const unheard = holder === undefined ? pair.members.map(({ host }) => host).filter((host) => !members.some((view) => view.touched.host === host)) : [];
    if (unheard.length > 0) return [{ pair: pair.name, holder: undefined, unheard, election: null, synchronised: pair.connectionSync !== undefined }];
    const movesTo = pair.preempt ? failedOverTo(pair, plan) : undefined;
    return [{ pair: pair.name, holder: holder?.touched.host, election: electionOf(pair, members, holder), ...(movesTo === undefined || movesTo === holder?.touched.host ? {} : { movesTo }), synchronised: pair.connectionSync !== undefined }];
  });
}

/** Whom a plan's note of a failover, or its end, gives the highest priority. */
function failedOverTo(pair: HaPair, plan: Plan): string | undefined {
  const notes = plan.plays.flatMap((play) => play.tasks.flatMap(({ changes }) => changes.filter(({ path }) => failedOverIn(path) === pair.name)));
  return notes.map(({ after }) => targetInWords(after) ?? pair.members[0]?.host).at(-1);
}

function electionOf(pair: HaPair, members: readonly DirectorView[], holder: DirectorView | undefined): PairImpact['election'] {
  const priority = (host: string): number => pair.members.find((member) => member.host === host)?.priority ?? 100;
  if (holder === undefined) {
    const starting = members.filter((view) => view.touched.starts).map((view) => view.touched.host);
    const first = starting.sort((a, b) => priority(b) - priority(a))[0];
    return first === undefined ? null : { reason: `keepalived starts on ${first}`, seconds: masterDown({ advertInterval: pair.advertInt * 1000, priority: priority(first) }) };
  }
  const { host, stops, restarts, outage } = holder.touched;
  if (outage !== undefined) return { reason: outage.reason, seconds: outage.seconds };
  if (!stops && !restarts) return null;
  const others = pair.members.filter((member) => member.host !== host && members.find((view) => view.touched.host === member.host)?.touched.stops !== true);
  if (others.length === 0) return null;
  // It says goodbye: the others wait for their skew only. The one that waits least takes over.
  return { reason: `keepalived ${stops ? 'stops' : 'restarts'} on ${host}, which holds the virtual IPs`, seconds: Math.min(...others.map((member) => skewTime(pair.advertInt, member.priority))) };
}
