import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../lab/lab.ts';
import type { HaPair, Topology } from '../../lvs/model/topology.ts';
import { addressesOf } from '../../lvs/model/topology.ts';
import { formatEndpoint } from '../../lvs/model/ip.ts';
import type { Unit } from '../sample/units.ts';
import type { OwnTool } from '../own-tool.ts';
import { portsOf, servedBy } from './plan.ts';

/** What drills are made on. */
export interface Scene {
  readonly lab: Lab;
  readonly tool: OwnTool;
  readonly topology: Topology;
  readonly units: readonly Unit[];
  /** What to give to `-i`. */
  readonly overlay: string;
  /** Options that every command of the tool is given. */
  readonly extra: readonly string[];
  readonly signal: AbortSignal;
  readonly tell: (text: string) => void;
}

/** A node that is off or cut off does not answer; that is an answer, too. One of a busy machine may take seconds. */
const ASK_MS = 10_000;
/** Seconds for a question whose answer must be there: every node is up then. */
const ANSWER = 60;

/** What a command on a node prints; undefined: it does not answer, or says no. */
async function ask({ lab }: Scene, host: string, argv: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await lab.exec(host, argv, { timeoutMs: ASK_MS });
  return code === 0 ? stdout : undefined;
}

/** Members that carry the first virtual IP of a pair. */
export async function holdersOf(scene: Scene, pair: HaPair): Promise<string[]> {
  const [vip] = addressesOf(pair);
  const shown = await Promise.all(pair.members.map(async ({ host }) => ({ host, text: (await ask(scene, host, ['ip', '-o', 'address', 'show'])) ?? '' })));
  return shown.filter(({ text }) => text.includes(` ${vip?.address ?? ''}/`)).map(({ host }) => host);
}

/** The director that drills hit in a unit: the one that holds its first pair, or its only one. */
async function holderIn(scene: Scene, unit: Unit): Promise<string | undefined> {
  const pair = scene.topology.pairs.get(unit.pairs[0] ?? '');
  return pair === undefined ? unit.directors[0] : (await holdersOf(scene, pair))[0];
}

/** The same when nothing is wrong, so that somebody must hold it. */
export async function holderAtRest(scene: Scene, unit: Unit): Promise<string | undefined> {
  let holder: string | undefined;
  await until(scene, ANSWER, async () => (holder = await holderIn(scene, unit)) !== undefined);
  return holder;
}

/** Who shall hold a pair once all its members are up; undefined: whoever does. */
export function configuredHolder({ preempt, members }: HaPair): string | undefined {
  return preempt ? members[0]?.host : undefined;
}

/** Whether no director that clients reach sends anybody to this real server any more. */
export async function isOut(scene: Scene, unit: Unit, host: string, services: readonly string[]): Promise<boolean> {
  const endpoints = servedBy(scene.topology, services, host).filter(({ service }) => service.manager === 'keepalived').map(({ server }) => formatEndpoint(server.address, server.port));
  if (endpoints.length === 0) return true;
  const holder = await holderIn(scene, unit);
  const table = holder === undefined ? undefined : await ask(scene, holder, ['ipvsadm', '-Sn']);
  return table !== undefined && !table.split('\n').some((line) => endpoints.some((endpoint) => line.includes(` -r ${endpoint} `)) && !/ -w 0\b/.test(line));
}

/** Which systemd unit listens on each port of a real server that a service uses: asked of the node, not guessed. */
export async function listeners(scene: Scene, unit: Unit, host: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const [port, services] of portsOf(scene.topology, unit, host)) {
    const script = `ss -Hltnp "sport = :$1" | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p' | head -n 1 | while read -r pid; do cat "/proc/$pid/cgroup"; done`;
    let answer: string | undefined;
    await until(scene, ANSWER, async () => (answer = await ask(scene, host, ['sh', '-c', script, 'sh', String(port)])) !== undefined);
    const name = unitIn(answer ?? '');
    if (name !== undefined) found.set(name, [...(found.get(name) ?? []), ...services]);
  }
  return found;
}

/** Pure: the service of a process, of its /proc/PID/cgroup. */
export function unitIn(cgroups: string): string | undefined {
  return /\/([A-Za-z0-9@._:\\-]+\.service)(?:\/|$)/m.exec(cgroups)?.[1];
}

/** Asks until it is so or the time is over. @returns whether it is */
export async function until(scene: Scene, seconds: number, so: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    scene.signal.throwIfAborted();
    if (await so()) return true;
    if (Date.now() > deadline) return false;
    await sleep(500, undefined, { signal: scene.signal });
  }
}
