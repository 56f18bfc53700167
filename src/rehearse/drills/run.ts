import { setTimeout as sleep } from 'node:timers/promises';
import type { Beat } from '../../pulse/types.ts';
import { verifiedOf } from '../documents.ts';
import { type Fault, faultOf, LINGER, type NoFault } from './faults.ts';
import { judgeService, verdictOf } from './judge.ts';
import { promisesOf } from './plan.ts';
import type { Scene } from './scene.ts';
import type { DrillName, DrillResult, Finding, Hit, Moments, SkippedDrill } from './types.ts';

/** A drill that was made, to be judged when the last request has ended. */
export interface MadeDrill {
  readonly drill: DrillName;
  readonly hits: readonly Hit[];
  readonly moments: Moments;
  readonly findings: readonly Finding[];
}

/** Seconds in which VRRP and health checks may come to rest after a fault. */
const SETTLE = 90;

/** Makes a fault in every part of the cluster at the same time, takes it back when it was noticed, and waits until all is well. */
export async function makeDrill(scene: Scene, drill: Exclude<DrillName, 'controller-killed'>): Promise<MadeDrill | SkippedDrill> {
  const found = await Promise.all(scene.units.map((unit) => faultOf(scene, unit, drill)));
  const faults = found.filter((fault): fault is Fault => !('why' in fault));
  const missing = found.filter((fault): fault is NoFault => 'why' in fault);
  if (faults.length === 0 && missing.every(({ broken }) => broken !== true)) return { drill, why: missing.map(({ why }) => why).join('; ') };
  const begun = Date.now();
  await Promise.all(faults.map(({ make }) => make()));
  const made = Date.now();
  await Promise.all(faults.map((fault) => fault.noticed()));
  const noticed = Date.now();
  await sleep(LINGER * 1000, undefined, { signal: scene.signal });
  const returned = Date.now();
  await Promise.all(faults.map(({ takeBack }) => takeBack()));
  const after = (await Promise.all(faults.map((fault) => fault.after()))).flat();
  const verified = await verifiedAt(scene, scene.overlay);
  const settled = Date.now();
  await sleep(1000, undefined, { signal: scene.signal });
  const notes = missing.map(({ why, broken }): Finding => ({ ok: broken !== true, text: `not everywhere: ${why}` }));
  return { drill, hits: faults.map(({ hit }) => hit), moments: { begun, made, noticed, returned, settled, ended: Date.now() }, findings: [...after, verified, ...notes] };
}

/** A verification as the operator would make it, which waits until all has come to rest. */
export async function verifiedAt(scene: Scene, overlay: string): Promise<Finding> {
  const { ok, failures } = verifiedOf(await scene.tool.run(['verify', '-i', overlay, ...scene.extra, '--settle', String(SETTLE), '--requests', '6', '--no-hosts', '--json']));
  return ok ? { ok, text: 'verified' } : { ok, text: `not as it shall be afterwards: ${failures.join('; ')}` };
}

/** Pure. @param beats of all services */
export function judgeDrill(topology: Scene['topology'], { drill, hits, moments, findings }: MadeDrill, beats: readonly Beat[]): DrillResult {
  const asked = new Set(beats.map(({ service }) => service));
  const services = [...promisesOf(topology, hits)].filter(([name]) => asked.has(name)).map(([name, promise]) => judgeService(name, promise, beats.filter(({ service }) => service === name), moments));
  return {
    drill,
    what: hits.map(({ what }) => what),
    seconds: Math.round((moments.ended - moments.begun) / 100) / 10,
    services,
    findings,
    verdict: verdictOf(services, findings),
  };
}
