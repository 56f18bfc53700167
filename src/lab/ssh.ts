import { setTimeout as sleep } from 'node:timers/promises';
import { shellCommand } from '../core/text/quote.ts';
import type { HostKeys } from './keys.ts';
import { inNamespace } from './network.ts';
import { nodeError } from './kernel/node-error.ts';
import type { NodeFailure } from './kernel/node-error.ts';
import { consoleStart, nodeProcess } from './node.ts';
import type { LabPaths } from './state/paths.ts';
import { nodePaths } from './state/paths.ts';
import { runCommand } from './process.ts';
import type { LabNode } from './spec.ts';

/** Pure: the ssh to a node, from the lab's namespace; the user's own configuration has no say. An argv of no words is a login. */
export function sshCommand(lab: LabPaths, node: LabNode, argv: readonly string[], options: { readonly terminal: boolean; readonly user?: string | undefined }): string[] {
  const settings = [
    'IdentitiesOnly=yes', `UserKnownHostsFile="${lab.knownHosts}"`, 'GlobalKnownHostsFile=/dev/null', 'StrictHostKeyChecking=yes',
    'BatchMode=yes', 'ConnectTimeout=10', 'LogLevel=ERROR',
  ];
  return inNamespace(lab.namespace, [
    'ssh', '-F', 'none', '-i', lab.key, ...settings.flatMap((setting) => ['-o', setting]), ...(options.terminal ? ['-t'] : ['-T']),
    '-l', options.user ?? 'root', node.address, ...(argv.length === 0 ? [] : ['--', shellCommand(argv)]),
  ]);
}

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until it gives up; default three minutes, for a busy machine. */
  readonly timeoutMs?: number | undefined;
  readonly onReady?: ((host: string) => void) | undefined;
}

/**
 * Waits until the sshd of every node answers with the key it was given.
 * @throws LvsPlayError `lab-node-died`, `lab-host-key` or `lab-timeout`, each with the cause that the node's console names
 */
export async function waitForSsh(lab: LabPaths, nodes: readonly LabNode[], keys: HostKeys, options: WaitOptions = {}): Promise<void> {
  const deadline = Date.now() + (options.timeoutMs ?? 180_000);
  let pending = [...nodes];
  while (pending.length > 0) {
    const scan = inNamespace(lab.namespace, ['ssh-keyscan', '-T', '2', '-t', 'ed25519', ...pending.map((node) => node.address)]);
    const { stdout } = await runCommand(scan, { signal: options.signal, timeoutMs: 15_000 });
    options.signal?.throwIfAborted();
    const answers = parseKeyscan(stdout);
    for (const node of pending) {
      const answer = answers.get(node.address);
      if (answer === undefined) continue;
      if (answer !== keys.get(node.name)) throw await bootFailure(lab, node, 'lab-host-key', `${node.name} answers with a host key that is not its own`);
      options.onReady?.(node.name);
    }
    pending = pending.filter((node) => !answers.has(node.address));
    for (const node of pending) {
      if ((await nodeProcess(lab, node.name)) === undefined) throw await bootFailure(lab, node, 'lab-node-died', `${node.name} died while it booted`);
    }
    const [first] = pending;
    if (first !== undefined && Date.now() > deadline) throw await bootFailure(lab, first, 'lab-timeout', `sshd of ${pending.map((node) => node.name).join(', ')} does not answer`);
    if (pending.length > 0) await sleep(250, undefined, { signal: options.signal });
  }
}

/** Pure: ssh-keyscan's lines, `ADDRESS ssh-ed25519 KEY`, as key by address. */
export function parseKeyscan(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [address = '', type = '', key] = line.trim().split(' ');
      return line.startsWith('#') || key === undefined ? [] : [[address, `${type} ${key}`] as const];
    }),
  );
}

/** @param message names the nodes that do not answer, of which `node` is one */
export async function bootFailure(lab: LabPaths, node: LabNode, code: NodeFailure['code'], message: string): Promise<Error> {
  return nodeError({ code, host: node.name, message, ended: (await nodeProcess(lab, node.name)) === undefined, console: nodePaths(lab, node.name).console, from: await consoleStart(lab, node.name) });
}
