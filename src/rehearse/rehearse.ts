import { setTimeout as sleep } from 'node:timers/promises';
import { LvsPlayError } from '../core/errors.ts';
import type { Beat } from '../pulse/types.ts';
import { changesIn, deployedOf, verifiedOf } from './documents.ts';
import { killController, type SmallChange } from './drills/controller.ts';
import { judgeDrill, type MadeDrill, makeDrill } from './drills/run.ts';
import type { Scene } from './drills/scene.ts';
import type { DrillName, DrillResult, SkippedDrill } from './drills/types.ts';
import type { Deployed, Verified } from './types.ts';

export interface RehearsalPlan {
  readonly playbook: string;
  readonly drills: readonly DrillName[];
  /** Undefined: the inventory's weights cannot be changed, `changeless` says why. */
  readonly change: SmallChange | undefined;
  readonly changeless: string;
}

/** What came of it on a replica that is up. */
export interface Rehearsed {
  readonly deploy: Deployed;
  readonly again: Deployed | null;
  readonly verification: Verified | null;
  readonly drills: readonly DrillResult[];
  readonly left: Deployed | null;
  readonly skipped: readonly SkippedDrill[];
}

/** Milliseconds between two requests to each service. */
const EVERY = 100;

/** Deploys, deploys again, verifies and drills. What fails early ends it: there is nothing to try faults on. */
export async function rehearse(scene: Scene, plan: RehearsalPlan): Promise<Rehearsed> {
  const { tool, tell, overlay, extra } = scene;
  const nothing = { again: null, verification: null, drills: [], left: null, skipped: [] };
  const first = await tool.run(['deploy', plan.playbook, '-i', overlay, ...extra, '--json']);
  const deploy = deployedOf(first);
  // The same files would be wrong on the real hosts: nothing was rehearsed.
  if (deploy.code === 1) {
    tell(first.stderr.trim());
    throw new LvsPlayError({ code: 'rehearsal-input', kind: 'input', message: `the deploy cannot begin: ${deploy.failures.join('; ')}`, hint: `see above, or: lvs-play plan ${plan.playbook} -i INVENTORY` });
  }
  tell(`deploy: ${deploy.code === 0 ? `${String(changesIn(deploy))} changes` : 'FAILED'} (${spell(deploy.seconds)})`);
  if (deploy.code !== 0) return { deploy, ...nothing };
  const again = deployedOf(await tool.run(['deploy', plan.playbook, '-i', overlay, ...extra, '--json']));
  tell(`deploy again: ${String(changesIn(again))} changes (${spell(again.seconds)})`);
  const verification = verifiedOf(await tool.run(['verify', '-i', overlay, ...extra, '--settle', '60', '--json']));
  tell(`verify: ${verification.ok ? 'ok' : 'FAILED'} (${spell(verification.seconds)})`);
  if (again.code !== 0 || !verification.ok) return { ...nothing, deploy, again, verification };
  return { deploy, again, verification, ...(plan.drills.length === 0 ? { drills: [], left: null, skipped: [] } : await drillAll(scene, plan)) };
}

async function drillAll(scene: Scene, plan: RehearsalPlan): Promise<Pick<Rehearsed, 'drills' | 'left' | 'skipped'>> {
  const beats: Beat[] = [];
  const pulse = scene.tool.pulse(['pulse', '-i', scene.overlay, ...scene.extra, '--every', String(EVERY), '--beats'], (beat) => beats.push(beat));
  const made: MadeDrill[] = [];
  const skipped: SkippedDrill[] = [];
  let left: Deployed | null = null;
  const keep = (one: MadeDrill | SkippedDrill): void => {
    if ('why' in one) skipped.push(one);
    else made.push(one);
    scene.tell('why' in one ? `${one.drill}: not made: ${one.why}` : words(judgeDrill(scene.topology, one, beats)));
  };
  try {
    while (beats.length === 0 && !pulse.over()) await sleep(100, undefined, { signal: scene.signal });
    for (const drill of plan.drills) if (drill !== 'controller-killed') keep(await makeDrill(scene, drill));
    left = made.length === 0 ? null : deployedOf(await scene.tool.run(['plan', plan.playbook, '-i', scene.overlay, ...scene.extra, '--json']));
    if (plan.drills.includes('controller-killed')) keep(plan.change === undefined ? { drill: 'controller-killed', why: plan.changeless } : await killController(scene, plan.playbook, plan.change));
  } finally {
    await pulse.end();
  }
  return { drills: made.map((one) => judgeDrill(scene.topology, one, beats)), left, skipped };
}

function words({ drill, what, verdict, seconds, services, findings }: DrillResult): string {
  const failed = services.reduce((sum, service) => sum + service.failed, 0);
  const gap = Math.max(0, ...services.map((service) => service.gap));
  const wrong = [...services.flatMap(({ service, reason }) => (reason === null ? [] : [`${service}: ${reason}`])), ...findings.filter(({ ok }) => !ok).map(({ text }) => text)];
  return `${drill} (${what.join(', ')}): ${verdict.toUpperCase()}: ${String(failed)} requests failed, longest gap ${String(gap)} ms (${spell(seconds)})${wrong.map((text) => `\n  ${text}`).join('')}`;
}

function spell(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}
