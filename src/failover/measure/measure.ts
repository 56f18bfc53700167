import { startWatch } from '../../apply/pair/watch.ts';
import { type HolderLog, timelines } from '../../lvs/change/timeline.ts';
import type { VirtualService } from '../../lvs/model/topology.ts';
import { startPulse } from '../../pulse/pulse.ts';
import type { PulsePlan } from '../../pulse/types.ts';
import { clientRequest } from '../../verify/judge/requests.ts';
import { listenForArp } from './arp.ts';
import type { Measuring } from '../hands.ts';
import { type FailoverEyes, membersOf, movingAddresses } from '../look.ts';

/** Between two requests to a service; with several services each waits longer, so that all together are as many. */
const EVERY_MS = 20;
/** Connections that are held open to each HTTP service. */
const HELD = 20;
/** Services whose clients are played: more tell nothing new. */
const MOST_SERVICES = 3;

/** Begins to watch the members of pairs, to play clients of their services, and to listen for gratuitous ARP. It never fails for what cannot be seen: that is said. */
export async function startMeasuring(eyes: FailoverEyes, pairs: readonly string[]): Promise<Measuring> {
  const vips = movingAddresses(eyes.topology, pairs);
  const { plans, untried } = plansFor([...eyes.topology.services.values()].filter(({ pair }) => pair !== undefined && pairs.includes(pair)));
  const begun = Date.now();
  const members = membersOf(eyes.topology, pairs);
  const [watches, arps, pulses] = await Promise.all([
    Promise.all(members.map(async (host) => startWatch(host, await eyes.target(host)))),
    Promise.all(vips.map(listenForArp)),
    Promise.all(plans.map((plan) => startPulse(plan))),
  ]);
  const dead = new Map<string, { readonly at: number; readonly uncertainty: number }>();
  return {
    died: (host, at, uncertainty) => void dead.set(host, { at, uncertainty }),
    end: async () => {
      const [clients, logs, heard] = await Promise.all([
        Promise.all(pulses.map((pulse) => pulse.end())),
        Promise.all(watches.filter((watch) => watch !== undefined).map(async (watch) => {
          const death = dead.get(watch.host);
          // Its own log went with it. Nothing had moved before.
          return death === undefined ? watch.end() : { host: watch.host, from: begun, to: death.at, initial: watch.initial, events: [], uncertainty: death.uncertainty } satisfies HolderLog;
        })),
        Promise.all(arps.map((arp) => arp.end())),
      ]);
      const seen = logs.filter((log) => log !== undefined);
      const unwatched = members.filter((host) => seen.every((log) => log.host !== host));
      return { timelines: timelines(vips, seen, unwatched), clients, untried, arps: heard };
    },
    afterwards: async () => {
      await Promise.all(watches.filter((watch) => watch !== undefined && dead.has(watch.host)).map((watch) => watch?.end() ?? Promise.resolve(undefined)));
    },
  };
}

/** How clients are played. Pure. */
export function plansFor(services: readonly VirtualService[]): { readonly plans: readonly PulsePlan[]; readonly untried: readonly { readonly service: string; readonly why: string }[] } {
  const tried = services.flatMap((service) => {
    const request = clientRequest(service, undefined);
    return request === undefined ? [] : [{ service: service.name, request }];
  });
  const played = tried.slice(0, MOST_SERVICES);
  const names = new Set(tried.map(({ service }) => service));
  return {
    plans: played.map((one) => ({ ...one, every: EVERY_MS * played.length, held: HELD })),
    untried: [
      ...services.filter(({ name }) => !names.has(name)).map(({ name }) => ({ service: name, why: 'its clients cannot be played: it is no TCP service of one port' })),
      ...tried.slice(MOST_SERVICES).map(({ service }) => ({ service, why: `clients of ${String(MOST_SERVICES)} services are played` })),
    ],
  };
}
