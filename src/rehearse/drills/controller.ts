import { changesIn, deployedOf, heldTwice } from '../documents.ts';
import { verifiedAt, type MadeDrill } from './run.ts';
import type { Scene } from './scene.ts';
import type { Finding, Hit, SkippedDrill } from './types.ts';

/** The change that is killed in its middle. */
export interface SmallChange {
  /** To give to `-i`: the same cluster with another weight. */
  readonly overlay: string;
  readonly service: string;
  readonly host: string;
  readonly weight: number;
}

/**
 * Begins a change, kills its controller as soon as something has changed, hard, and goes on with it by `resume`; then the change is taken back by a deploy.
 * The dead run's locks stand for half a minute: `resume` waits for them.
 */
export async function killController(scene: Scene, playbook: string, change: SmallChange): Promise<MadeDrill | SkippedDrill> {
  const { tool, extra } = scene;
  const begun = Date.now();
  let run: string | undefined;
  const killed = await tool.run(['deploy', playbook, '-i', change.overlay, ...extra, '--events', '-'], (event) => {
    if (event.type === 'run-started') run = event.run;
    return event.type === 'task-finished' && event.outcome.status === 'changed' ? 'kill' : undefined;
  });
  if (killed.code === 0 && !killed.stdout.includes('"status":"changed"')) return { drill: 'controller-killed', why: `another weight of ${change.host} in ${change.service} changes nothing: the playbook does not deploy the cluster` };
  const died = Date.now();
  const findings: Finding[] = killed.code === 137 ? [] : [{ ok: killed.code === 0, text: killed.code === 0 ? 'the change was over before it could be killed' : `the change failed: ${deployedOf(killed).failures.join('; ')}` }];
  if (killed.code === 137 && run !== undefined) findings.push(...(await resume(scene, run)));
  findings.push(await verifiedAt(scene, change.overlay));
  const settled = Date.now();
  const back = await tool.run(['deploy', playbook, '-i', scene.overlay, ...extra, '--json']);
  findings.push(...twice(back.stdout), { ok: back.code === 0, text: back.code === 0 ? `the change was taken back (${String(changesIn(deployedOf(back)))} changes)` : `the change could not be taken back: ${deployedOf(back).failures.join('; ')}` });
  const hit: Hit = { drill: 'controller-killed', services: [...scene.topology.services.keys()], host: change.host, reached: [], what: `lvs-play, while ${change.host} in ${change.service} got weight ${String(change.weight)}` };
  return { drill: 'controller-killed', hits: [hit], moments: { begun, made: begun, noticed: died, returned: died, settled, ended: Date.now() }, findings };
}

async function resume({ tool, extra }: Scene, run: string): Promise<Finding[]> {
  const resumed = await tool.run(['resume', run, ...extra, '--json']);
  const { failures, seconds } = deployedOf(resumed);
  return [...twice(resumed.stdout), resumed.code === 0 ? { ok: true, text: `resume ended it in ${String(Math.round(seconds))} s` } : { ok: false, text: `resume did not end it: ${failures.join('; ')}` }];
}

function twice(stdout: string): Finding[] {
  return heldTwice(stdout).map((text) => ({ ok: false, text }));
}
