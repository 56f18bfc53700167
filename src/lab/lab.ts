import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LvsPlayError } from '../core/errors.ts';
import { suggest } from '../core/text/suggest.ts';
import { requireAll } from './doctor/doctor.ts';
import { copyDisks, saveDisks } from './image/disks.ts';
import { ensureImage } from './image/image.ts';
import { writeLauncher } from './kernel/launcher.ts';
import { ensurePreload, readRegisterState } from './kernel/preload.ts';
import { makeKeys, readHostKeys } from './keys.ts';
import { createNetwork, cutTaps, namespaces, setCables, tapsOf } from './network.ts';
import { killNode, nodeEnded, nodeProcess, prepareNode, startNode } from './node.ts';
import { writeOverlay } from './inventory/overlay.ts';
import { labPaths, nodePaths } from './state/paths.ts';
import type { LabPaths } from './state/paths.ts';
import { sendSignal } from './state/proc.ts';
import { runCommand } from './process.ts';
import type { CommandOptions, CommandResult } from './process.ts';
import { isRunning, lockLab, removeLab, takeDown } from './state/remove.ts';
import type { LabNode, LabSpec } from './spec.ts';
import { BOOT_TIMEOUT_MS, bootFailure, sshCommand, waitForSsh } from './ssh.ts';
import type { WaitOptions } from './ssh.ts';
import { chooseLab, readState, writeState } from './state/state.ts';
import type { LabChoice, LabState } from './state/state.ts';

/** What happens while a lab comes up; `ms` counts from the start of `up`. */
export type LabEvent = { readonly ms: number } & (
  | { readonly type: 'image-building' }
  | { readonly type: 'image-ready' }
  | { readonly type: 'network-ready' }
  | { readonly type: 'node-booting' | 'node-ready'; readonly host: string }
);

export interface UpOptions {
  /** Default `default`. Labs of different names stand side by side. */
  readonly name?: string | undefined;
  /** The inventory's files or folders; the overlay links to them. */
  readonly inventories: readonly string[];
  /** Packages that nodes have installed from the start, their services disabled; see `ensureImage`. */
  readonly install?: readonly string[] | undefined;
  /** A folder with `HOST.cow`, what nodes of an earlier lab of the same image wrote over it; a node without one starts from the image. See `saveDisks`. */
  readonly disks?: string | undefined;
  readonly progress?: ((event: LabEvent) => void) | undefined;
  /** Ends it early; what was made is removed again. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for all nodes to answer. */
  readonly bootTimeoutMs?: number | undefined;
}

export interface NodeStatus {
  readonly host: string;
  readonly address: string;
  readonly state: 'running' | 'paused' | 'off';
  readonly link: 'up' | 'cut';
  readonly pid: number | undefined;
  /** Resident mebibytes of its kernel, which hold the guest's memory. */
  readonly memory: number | undefined;
}

/** A running lab: real kernels in a network namespace of their own. */
export class Lab {
  readonly spec: LabSpec;
  readonly #paths: LabPaths;
  readonly #image: string;

  private constructor(paths: LabPaths, state: LabState) {
    this.#paths = paths;
    this.#image = state.image;
    this.spec = state.spec;
  }

  /**
   * Boots all nodes and returns when every sshd answers with its own host key. On any failure nothing is left behind.
   * @throws LvsPlayError `lab-requirements`, `lab-exists`, `lab-busy`, `lab-package`, `lab-image`, `lab-compile`, `lab-node-died`, `lab-timeout`; the signal's reason when aborted
   */
  static async up(spec: LabSpec, options: UpOptions): Promise<Lab> {
    const begin = Date.now();
    const tell = (event: UntimedEvent): void => options.progress?.({ ...event, ms: Date.now() - begin });
    await requireAll(spec);
    const paths = labPaths(options.name ?? 'default');
    await refuseExisting(paths);
    const image = await ensureImage({ packages: options.install, signal: options.signal, onBuild: () => { tell({ type: 'image-building' }); } });
    tell({ type: 'image-ready' });
    const library = await ensurePreload(await readRegisterState());
    await mkdir(path.dirname(paths.lock), { recursive: true, mode: 0o700 });
    const lock = await lockLab(paths);
    try {
      await refuseExisting(paths);
      await removeLab(paths, lock);
      options.signal?.throwIfAborted();
      const state: LabState = { version: 1, phase: 'starting', image, inventories: options.inventories.map((file) => path.resolve(file)), spec };
      try {
        const lab = new Lab(paths, state);
        await lab.#create(state, library, options, tell);
        return lab;
      } catch (error) {
        await removeLab(paths, lock);
        throw error;
      }
    } finally {
      await lock.release();
    }
  }

  /** A lab that is up: by name, by inventory, or because it is the only one. */
  static async open(choice: LabChoice = {}): Promise<Lab> {
    const paths = await chooseLab(choice);
    const state = await readState(paths);
    if (state?.phase === 'up') return new Lab(paths, state);
    throw new LvsPlayError({ code: 'lab-unfinished', kind: 'usage', message: `the lab ${paths.name} did not come up whole`, hint: `clear it: lvs-play lab down --name ${paths.name}` });
  }

  get name(): string {
    return this.#paths.name;
  }

  /** As `ip netns` names it. */
  get namespace(): string {
    return this.#paths.namespace;
  }

  /** What to give to `-i`: the inventory with all it takes to reach the nodes. */
  get overlayPath(): string {
    return this.#paths.overlay;
  }

  /** Writes the same to a folder of the caller's, for another inventory of these nodes. */
  async overlayFor(folder: string, inventories: readonly string[]): Promise<void> {
    await writeOverlay({ ...this.#paths, overlay: folder }, this.spec, inventories.map((file) => path.resolve(file)));
  }

  async #create(state: LabState, library: string | undefined, options: UpOptions, tell: (event: UntimedEvent) => void): Promise<void> {
    await writeState(this.#paths, state);
    await createNetwork(this.namespace, this.spec);
    await writeLauncher(this.#paths, library);
    await Promise.all(this.spec.nodes.map((node) => prepareNode(this.#paths, node, this.spec)));
    if (options.disks !== undefined) await copyDisks(options.disks, this.#disks());
    const keys = await makeKeys(this.#paths, this.spec);
    await writeOverlay(this.#paths, this.spec, state.inventories);
    tell({ type: 'network-ready' });
    for (const { name: host } of this.spec.nodes) {
      options.signal?.throwIfAborted();
      await startNode(this.#paths, this.spec, host, this.#image);
      tell({ type: 'node-booting', host });
    }
    await waitForSsh(this.#paths, this.spec.nodes, keys, {
      signal: options.signal,
      timeoutMs: options.bootTimeoutMs,
      onReady: (host) => { tell({ type: 'node-ready', host }); },
    });
    await writeState(this.#paths, { ...state, phase: 'up' });
  }

  /** Runs an argv on a node over ssh, as root unless another user is named. */
  exec(host: string, argv: readonly string[], options: CommandOptions & { readonly user?: string } = {}): Promise<CommandResult> {
    return runCommand(this.sshCommand(host, argv, { terminal: false, user: options.user }), options);
  }

  /** Runs an argv on this machine inside the lab's namespace: the control side. */
  run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(this.runCommand(argv), options);
  }

  /** The argv of `exec`; no words make it a login. */
  sshCommand(host: string, argv: readonly string[], options: { readonly terminal: boolean; readonly user?: string | undefined }): string[] {
    return sshCommand(this.#paths, this.#node(host), argv, options);
  }

  /** The argv of `run`. `ip netns exec` shows it the namespace's own /sys, too. */
  runCommand(argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.namespace, ...argv];
  }

  /** Power off, hard. The disk stays as it was at that moment. */
  async crash(host: string): Promise<void> {
    await killNode(this.#paths, this.#node(host).name);
  }

  /**
   * Switches all nodes off in order and keeps their disks: a lab that is brought up with them is in the state of this one after a restart, with a name and keys of its own.
   * @param folder is made, with a file per node
   */
  async saveDisks(folder: string): Promise<void> {
    const hosts = this.spec.nodes.map(({ name }) => name);
    // The files by which a node knows that it has a name already.
    await Promise.all(hosts.map((host) => this.exec(host, ['sh', '-c', 'rm -f /etc/ssh/ssh_host_*; systemctl --no-block poweroff'], { timeoutMs: 120_000 })));
    await Promise.all(hosts.map((host) => nodeEnded(this.#paths, host)));
    await saveDisks(this.#disks(), folder);
  }

  /** Switches a node on that is off and waits for its sshd; one that runs is left alone. */
  async boot(host: string, options: WaitOptions = {}): Promise<void> {
    const node = this.#node(host);
    if ((await nodeProcess(this.#paths, host)) !== undefined) return;
    await startNode(this.#paths, this.spec, host, this.#image);
    await this.#answers(node, options);
  }

  /** An orderly reboot from inside, as `reboot` typed on the node. Waits until it is back; a node that is off is switched on. */
  async reboot(host: string, options: WaitOptions = {}): Promise<void> {
    if ((await nodeProcess(this.#paths, this.#node(host).name)) === undefined) {
      await this.boot(host, options);
      return;
    }
    const before = await this.#bootId(host);
    if (before === undefined) throw new LvsPlayError({ code: 'lab-unreachable', kind: 'unreachable', message: `${host} does not answer, so it cannot reboot in order`, host, hint: `lvs-play lab crash ${host} && lvs-play lab boot ${host}` });
    await this.exec(host, ['systemctl', '--no-block', 'reboot'], { timeoutMs: 120_000 });
    await this.rebooted(host, before, options);
  }

  /** Waits until a node that was told to reboot runs a kernel start other than `before` (/proc/sys/kernel/random/boot_id). */
  async rebooted(host: string, before: string, options: WaitOptions = {}): Promise<void> {
    const deadline = Date.now() + (options.timeoutMs ?? BOOT_TIMEOUT_MS);
    for (;;) {
      await this.#answers(this.#node(host), { ...options, timeoutMs: Math.max(1, deadline - Date.now()) });
      const now = await this.#bootId(host);
      if (now !== undefined && now !== before) return;
      if (Date.now() > deadline) throw await bootFailure(this.#paths, this.#node(host), 'lab-timeout', `${host} did not reboot`);
      await sleep(300, undefined, { signal: options.signal });
    }
  }

  /** The machine hangs: it keeps its state and does nothing. */
  async pause(host: string): Promise<void> {
    await this.#signal(host, 'SIGSTOP');
  }

  async resume(host: string): Promise<void> {
    await this.#signal(host, 'SIGCONT');
  }

  /** Pulls the cables of all the node's network cards, until `heal` or its next boot. */
  cut(host: string): Promise<void> {
    return setCables(this.namespace, tapsOf(this.spec, this.#node(host).name), 'out');
  }

  heal(host: string): Promise<void> {
    return setCables(this.namespace, tapsOf(this.spec, this.#node(host).name), 'in');
  }

  async status(): Promise<NodeStatus[]> {
    const cut = await cutTaps(this.namespace);
    return Promise.all(
      this.spec.nodes.map(async ({ name, address }): Promise<NodeStatus> => {
        const kernel = await nodeProcess(this.#paths, name);
        const state = kernel === undefined ? 'off' : kernel.state === 'T' || kernel.state === 't' ? 'paused' : 'running';
        return {
          host: name,
          address,
          state,
          link: tapsOf(this.spec, name).some((tap) => cut.has(tap)) ? 'cut' : 'up',
          pid: kernel?.pid,
          memory: kernel === undefined ? undefined : Math.round((kernel.residentPages * 4096) / 1048576),
        };
      }),
    );
  }

  /** Where the node's console is written. */
  consolePath(host: string): string {
    return nodePaths(this.#paths, this.#node(host).name).console;
  }

  /** Ends and removes all of it: processes, namespace, taps, disks, overlay. */
  down(): Promise<void> {
    return takeDown(this.#paths);
  }

  #node(host: string): LabNode {
    const node = this.spec.nodes.find((candidate) => candidate.name === host);
    if (node !== undefined) return node;
    const names = this.spec.nodes.map((candidate) => candidate.name);
    const meant = suggest(host, names);
    throw new LvsPlayError({ code: 'lab-host', kind: 'usage', message: `the lab ${this.name} has no node ${host}`, hint: meant === undefined ? `its nodes: ${names.join(', ')}` : `did you mean ${meant}?` });
  }

  async #answers(node: LabNode, options: WaitOptions): Promise<void> {
    await waitForSsh(this.#paths, [node], await readHostKeys(this.#paths, this.spec), options);
  }

  async #bootId(host: string): Promise<string | undefined> {
    const { stdout, code } = await this.exec(host, ['cat', '/proc/sys/kernel/random/boot_id'], { timeoutMs: 60_000 });
    return code === 0 ? stdout.trim() : undefined;
  }

  #disks(): ReadonlyMap<string, string> {
    return new Map(this.spec.nodes.map(({ name }) => [name, nodePaths(this.#paths, name).disk]));
  }

  /** Only the kernel itself is stopped: its helpers are traced by it and would confuse it if they stopped on their own. */
  async #signal(host: string, signal: NodeJS.Signals): Promise<void> {
    const kernel = await nodeProcess(this.#paths, this.#node(host).name);
    if (kernel === undefined) throw new LvsPlayError({ code: 'lab-node-off', kind: 'usage', message: `${host} is off`, host, hint: `lvs-play lab boot ${host}` });
    sendSignal(kernel.pid, signal);
  }
}

/** An event before its time is put on it. */
type UntimedEvent = LabEvent extends infer Event ? (Event extends LabEvent ? Omit<Event, 'ms'> : never) : never;

/** A lab that is whole and runs is nobody's leftover; anything else of that name is cleared by the caller. */
async function refuseExisting(paths: LabPaths): Promise<void> {
  const state = await readState(paths);
  const ours = await access(paths.dir).then(() => true, () => false);
  if (state?.phase === 'up' && (await isRunning(paths))) {
    throw new LvsPlayError({ code: 'lab-exists', kind: 'usage', message: `the lab ${paths.name} is up already`, hint: `take it down with lvs-play lab down --name ${paths.name}, or choose another --name` });
  }
  if (!ours && (await namespaces()).includes(paths.namespace)) {
    throw new LvsPlayError({ code: 'lab-foreign', kind: 'usage', message: `the namespace ${paths.namespace} exists, but not the state of a lab of that name`, hint: 'another user may run it; choose another --name, or clear it with lvs-play lab down --all' });
  }
}

