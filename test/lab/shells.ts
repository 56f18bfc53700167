import { access, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Lab } from '../../src/lab/lab.ts';
import { runCommand } from '../../src/lab/process.ts';
import type { CommandResult } from '../../src/lab/process.ts';

/** How long a connection that nobody uses stays, seconds: a test that was killed leaves none behind. */
const IDLE = 90;

/**
 * Ways to a lab's nodes and to its namespace, beside anything that is tested. Tests look hundreds of times, and a login costs a node some 0.4 s of this machine's
 * time, the tool's own start and key exchange 0.2 s: so a node's first login stays open, and what is asked of the node later goes through it. `lab exec` and
 * `lab run` have tests of their own.
 */
export class Shells {
  readonly #lab: Lab;
  /** Of the sockets, whose paths have to be short. */
  readonly #folder: string;

  private constructor(lab: Lab, folder: string) {
    this.#lab = lab;
    this.#folder = folder;
  }

  /** @param name of a lab that is up */
  static async to(name: string): Promise<Shells> {
    return new Shells(await Lab.open({ name }), await mkdtemp(path.join(os.tmpdir(), 'lvs-play-ssh-')));
  }

  /** Runs a script on a node as root. */
  sh(host: string, script: string): Promise<CommandResult> {
    return runCommand(this.#shared(host, this.#lab.sshCommand(host, ['sh', '-c', script], { terminal: false })));
  }

  /** Runs a command in the lab's namespace. */
  run(argv: readonly string[]): Promise<CommandResult> {
    return this.#lab.run(argv);
  }

  /** What is asked from now on goes through another connection: something is about to happen to the node. What is being asked still ends. */
  leave(host: string): Promise<void> {
    return this.#master(host, 'stop');
  }

  async end(): Promise<void> {
    for (const { name } of this.#lab.spec.nodes) await this.#master(name, 'exit');
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #master(host: string, order: 'stop' | 'exit'): Promise<void> {
    const socket = path.join(this.#folder, host);
    if (await access(socket).then(() => true, () => false)) await runCommand(['ssh', '-F', 'none', '-o', `ControlPath=${socket}`, '-O', order, host]);
  }

  /** Keepalives notice a node that died without a word. */
  #shared(host: string, argv: readonly string[]): string[] {
    const settings = ['ControlMaster=auto', `ControlPath=${path.join(this.#folder, host)}`, `ControlPersist=${String(IDLE)}`, 'ServerAliveInterval=5', 'ServerAliveCountMax=3'];
    const ssh = argv.indexOf('ssh') + 1;
    return [...argv.slice(0, ssh), ...settings.flatMap((setting) => ['-o', setting]), ...argv.slice(ssh)];
  }
}
