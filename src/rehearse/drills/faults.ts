import type { Unit } from '../sample/units.ts';
import { detection, takeover } from './bounds.ts';
import { servedBy, victimOf } from './plan.ts';
import { configuredHolder, holderAtRest, holdersOf, isOut, listeners, type Scene, until } from './scene.ts';
import type { DrillName, Finding, Hit } from './types.ts';

/** A fault in one part of the cluster. */
export interface Fault {
  readonly hit: Hit;
  readonly make: () => Promise<void>;
  /** Waits until the cluster has noticed, or should have. */
  readonly noticed: () => Promise<void>;
  readonly takeBack: () => Promise<void>;
  /** Waits for what a verification does not look at. */
  readonly after: () => Promise<readonly Finding[]>;
}

/** Seconds for a director to be elected, and for all to come to rest on a busy machine, beyond what the configuration says. */
const PATIENCE = 30;
/** Seconds that a fault stays after it was noticed: clients must be served meanwhile. */
export const LINGER = 3;

/** Why a drill cannot be made in a unit. */
export interface NoFault {
  readonly why: string;
  /** It is a fault already. */
  readonly broken?: true;
}

/** The fault of a drill in a unit, as it is to be made now. */
export async function faultOf(scene: Scene, unit: Unit, drill: Exclude<DrillName, 'controller-killed'>): Promise<Fault | NoFault> {
  return drill === 'server-killed' || drill === 'service-stopped' ? serverFault(scene, unit, drill) : directorFault(scene, unit, drill);
}

async function serverFault(scene: Scene, unit: Unit, drill: 'server-killed' | 'service-stopped'): Promise<Fault | NoFault> {
  const host = victimOf(scene.topology, unit);
  if (host === undefined) return { why: 'no real server has a weight' };
  const served = servedBy(scene.topology, unit.services, host).map(({ service }) => service.name);
  if (drill === 'server-killed') {
    return serverSteps(scene, unit, { drill, services: unit.services, host, reached: served, what: host }, () => scene.lab.crash(host), () => scene.lab.boot(host, { signal: scene.signal }));
  }
  const [most] = [...(await listeners(scene, unit, host))].sort(([, a], [, b]) => b.length - a.length);
  if (most === undefined) return { why: `no systemd unit listens on ${host} for ${served.join(', ')}` };
  const [name, reached] = most;
  const systemctl = async (verb: 'start' | 'stop'): Promise<void> => {
    await scene.lab.exec(host, ['systemctl', verb, name], { timeoutMs: 90_000 });
  };
  return serverSteps(scene, unit, { drill, services: unit.services, host, reached, what: `${name} on ${host}` }, () => systemctl('stop'), () => systemctl('start'));
}

function serverSteps(scene: Scene, unit: Unit, hit: Hit, make: () => Promise<void>, takeBack: () => Promise<void>): Fault {
  const bounds = servedBy(scene.topology, hit.reached, hit.host).map(({ service, server }) => detection(service, server, hit.drill === 'server-killed' ? 'host' : 'port', scene.topology.bfd)?.seconds ?? 0);
  return {
    hit,
    make,
    noticed: async () => {
      await until(scene, Math.max(0, ...bounds) + PATIENCE / 3, () => isOut(scene, unit, hit.host, hit.reached));
    },
    takeBack,
    after: () => Promise.resolve([]),
  };
}

async function directorFault(scene: Scene, unit: Unit, drill: 'director-crashed' | 'link-cut' | 'director-rebooted'): Promise<Fault | NoFault> {
  const { lab, signal, topology } = scene;
  const host = await holderAtRest(scene, unit);
  if (host === undefined) return { why: `nobody holds ${unit.pairs[0] ?? unit.services.join(', ')}`, broken: true };
  const pairs = unit.pairs.flatMap((name) => topology.pairs.get(name) ?? []);
  const bound = Math.max(0, ...pairs.map((pair) => takeover(pair, host).seconds));
  const [only] = pairs;
  let rebooted: Promise<void> = Promise.resolve();
  const steps = {
    'director-crashed': { make: () => lab.crash(host), takeBack: () => lab.boot(host, { signal }) },
    'link-cut': { make: () => lab.cut(host), takeBack: () => lab.heal(host) },
    'director-rebooted': {
      make: () => {
        rebooted = lab.reboot(host, { signal });
        // It is waited for below; if it fails meanwhile, it fails there.
        rebooted.catch(() => undefined);
        return Promise.resolve();
      },
      takeBack: () => rebooted,
    },
  }[drill];
  return {
    hit: { drill, services: unit.services, host, reached: unit.services, what: host },
    ...steps,
    noticed: async () => {
      if (only === undefined) return;
      await until(scene, bound + PATIENCE, async () => (await holdersOf(scene, only)).some((one) => one !== host));
    },
    after: async () => Promise.all(pairs.map((pair) => heldAsConfigured(scene, pair.name))),
  };
}

/** Exactly one holder, and the one that the priorities say. */
async function heldAsConfigured(scene: Scene, name: string): Promise<Finding> {
  const pair = scene.topology.pairs.get(name);
  if (pair === undefined) throw new RangeError(`no pair ${name}`);
  const wanted = configuredHolder(pair);
  let holders: string[] = [];
  const ok = await until(scene, takeover(pair, '').seconds + pair.preemptDelay + PATIENCE, async () => {
    holders = await holdersOf(scene, pair);
    return holders.length === 1 && (wanted === undefined || holders[0] === wanted);
  });
  const who = holders.length === 0 ? 'nobody' : holders.join(' and ');
  return { ok, text: ok ? `${name}: held by ${who}` : `${name}: held by ${who}, not by ${wanted ?? 'exactly one'}` };
}
