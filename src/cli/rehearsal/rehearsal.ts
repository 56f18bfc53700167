import { mkdir, mkdtemp, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';
import { Lab } from '../../lab/lab.ts';
import { labOfInventories } from '../../lab/enter.ts';
import { changesIn } from '../../rehearse/documents.ts';
import { MARGIN } from '../../rehearse/drills/judge.ts';
import type { DrillName } from '../../rehearse/drills/types.ts';
import { ownTool } from '../../rehearse/own-tool.ts';
import { rehearse, type Rehearsed } from '../../rehearse/rehearse.ts';
import { sampleWords } from '../../rehearse/sample/types.ts';
import { unitsOf } from '../../rehearse/sample/units.ts';
import type { Rehearsal } from '../../rehearse/types.ts';
import { formatRehearsal } from '../../report/rehearsal.ts';
import { createStyle } from '../../report/terminal/style.ts';
import { namesOfMissing } from '../../observe/words.ts';
import { EXIT, exitCodeOfHosts } from '../exit.ts';
import { type CommonOptions, requireInventory } from '../input/options.ts';
import { readPlaybook } from '../input/run-input.ts';
import { colorOn, printProgress, printResult, processSecrets } from '../output.ts';
import { carryPresent } from './live.ts';
import { changedReplica, labName, type Replica, replicaOf, workFolder } from './replica.ts';

export interface RehearsalOptions extends CommonOptions {
  readonly drills: readonly DrillName[];
  /** At most so many nodes. */
  readonly nodes: number;
  readonly hosts: string | undefined;
  /** Packages that nodes have from the start. */
  readonly install: readonly string[] | undefined;
  /** The lab's name; undefined: one of the rehearsal's own. */
  readonly name: string | undefined;
  /** A lab that is up is used, and left up. */
  readonly lab: string | undefined;
  readonly keep: boolean;
  /** Begin from the present state of the live hosts. */
  readonly fromLive: boolean;
  /** File for the JSON document. */
  readonly report: string | undefined;
}

/** `rehearse`, from the command line to the exit code. The lab is taken down whatever happens, unless it is to be kept. */
export async function runRehearsal(playbook: string, options: RehearsalOptions): Promise<number> {
  requireInventory(options);
  if (labOfInventories(options.inventories) !== undefined) {
    throw new LvsPlayError({ code: 'lab-of-lab', kind: 'usage', message: 'this inventory is a lab\'s own: a rehearsal boots a lab of your inventory', hint: 'give the inventory itself; --lab NAME rehearses on a lab that is up' });
  }
  await readPlaybook(playbook);
  const begun = Date.now();
  const name = options.lab ?? options.name ?? labName(options.inventories);
  const tell = (text: string): void => { printProgress(`rehearse: ${processSecrets.mask(text)}\n`); };
  const up = options.lab === undefined ? undefined : await Lab.open({ name });
  const folder = workFolder(name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(path.join(folder, 'run-'));
  let lab = up;
  try {
    return await withStop(async (signal) => {
      const replica = await replicaOf(options, playbook, { nodes: options.nodes, hosts: options.hosts, up: up?.spec.nodes.map((node) => node.name) }, path.join(work, 'sample'));
      for (const line of sampleWords(replica.sample)) tell(line);
      if (lab === undefined) {
        lab = await boot(name, replica, options, signal, tell);
        // The lab is ours alone now: what lies beside is of earlier ones that were kept.
        for (const other of await readdir(folder)) if (other !== path.basename(work)) await rm(path.join(folder, other), { recursive: true, force: true });
      }
      const booted = up === undefined ? (Date.now() - begun) / 1000 : 0;
      const live = options.fromLive ? await carryPresent(options, lab, tell) : undefined;
      const found = await onLab(playbook, options, { lab, replica, work, signal, tell });
      const start = live?.start ?? (up !== undefined ? `as the lab ${name} was` : options.install === undefined ? 'bare nodes' : `bare nodes with ${options.install.join(', ')} installed`);
      const missing = live?.missing ?? [];
      const rehearsal = documentOf(playbook, options, begun, { lab: name, booted, sample: replica.sample, start }, found, namesOfMissing(missing));
      await print(rehearsal, options);
      return exitCodeOfHosts(missing) ?? (rehearsal.ok === true ? EXIT.ok : EXIT.verification);
    });
  } finally {
    if (options.keep || up !== undefined) {
      if (lab !== undefined) tell(`the lab ${name} is up: lvs-play lab status --name ${name}; its inventory is ${path.join(work, 'inventory')}`);
    } else {
      await lab?.down();
      await rm(work, { recursive: true, force: true });
      // Another rehearsal of that name may have something there.
      await rmdir(folder).catch(() => undefined);
    }
  }
}

async function boot(name: string, { spec, inventories }: Replica, { install }: RehearsalOptions, signal: AbortSignal, tell: (text: string) => void): Promise<Lab> {
  const lab = await Lab.up(spec, {
    name,
    inventories,
    install,
    signal,
    progress: (event) => {
      if (event.type === 'image-building') tell('building the image of the nodes (once)');
      if (event.type === 'network-ready') tell(`booting ${spec.nodes.map((node) => node.name).join(', ')}`);
    },
  });
  tell(`${String(spec.nodes.length)} nodes are up`);
  return lab;
}

interface Stage {
  readonly lab: Lab;
  readonly replica: Replica;
  readonly work: string;
  readonly signal: AbortSignal;
  readonly tell: (text: string) => void;
}

async function onLab(playbook: string, options: RehearsalOptions, { lab, replica, work, signal, tell }: Stage): Promise<Rehearsed> {
  const overlay = path.join(work, 'inventory');
  await lab.overlayFor(overlay, replica.inventories);
  const changed = options.drills.includes('controller-killed') ? await changedReplica(options, playbook, replica, path.join(work, 'other-weight')) : undefined;
  const changedOverlay = path.join(work, 'changed');
  if (changed !== undefined) await lab.overlayFor(changedOverlay, [changed.folder]);
  const { topology } = replica;
  const units = unitsOf(topology).filter(({ services }) => services.length > 0);
  const extra = [...options.extraVars.flatMap((value) => ['-e', value]), ...options.vaultPasswordFiles.flatMap((file) => ['--vault-password-file', file])];
  const scene = { lab, topology, units, overlay, extra, signal, tell, tool: ownTool(lab, path.join(work, 'runs'), signal) };
  return rehearse(scene, { playbook, drills: options.drills, change: changed === undefined ? undefined : { ...changed, overlay: changedOverlay }, changeless: 'no weight is written out in the inventory that could be changed' });
}

/** Every way to end early: the first signal stops what runs, and the lab is taken down. */
async function withStop<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const interrupt = (): void => { stop.abort(new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: 'interrupted' })); };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    return await work(stop.signal);
  } catch (error) {
    // However the abort showed itself on its way, this is why.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    for (const signal of signals) process.removeListener(signal, interrupt);
  }
}

function documentOf(playbook: string, options: RehearsalOptions, begun: number, replica: Rehearsal['replica'], found: Rehearsed, unknown: readonly string[]): Rehearsal {
  const broken = brokenIn(found);
  return { version: 1, command: 'rehearse', at: new Date(begun).toISOString(), playbook, inventory: options.inventories.join(', '), seconds: Math.round((Date.now() - begun) / 1000), ok: broken.length > 0 ? false : unknown.length > 0 ? null : true, unknown, broken, replica, ...found, margin: MARGIN };
}

function brokenIn({ deploy, again, verification, drills, left }: Rehearsed): string[] {
  return [
    ...(deploy.code === 0 ? [] : [`the deploy fails: ${deploy.failures.join('; ')}`]),
    ...(again === null || (again.code === 0 && changesIn(again) === 0) ? [] : [again.code === 0 ? `a second deploy makes ${String(changesIn(again))} changes` : `a second deploy fails: ${again.failures.join('; ')}`]),
    ...(verification?.ok === false ? verification.failures.map((text) => `verify: ${text}`) : []),
    ...drills.flatMap(({ drill, services, findings }) => [
      ...services.flatMap(({ service, reason }) => (reason === null ? [] : [`${drill}: ${service}: ${reason}`])),
      ...findings.filter(({ ok }) => !ok).map(({ text }) => `${drill}: ${text}`),
    ]),
    ...(left === null || (left.code === 0 && changesIn(left) === 0) ? [] : [left.code === 0 ? `after the faults a deploy would change ${Object.keys(left.changed).filter((host) => (left.changed[host] ?? 0) > 0).join(', ')}` : `after the faults a plan fails: ${left.failures.join('; ')}`]),
  ];
}

async function print(rehearsal: Rehearsal, { json, report }: RehearsalOptions): Promise<void> {
  const text = processSecrets.mask(`${JSON.stringify(rehearsal, null, 2)}\n`);
  if (report !== undefined) await writeFile(report, text);
  printResult(json ? text : processSecrets.mask(formatRehearsal(rehearsal, createStyle(colorOn(process.stdout)))));
}
