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
  /** Milliseconds until it gives up; default: ten minutes. A node that dies is noticed at once, so this is for one that hangs: a slow or busy machine boots for minutes. */
  readonly timeoutMs?: number | undefined;
  readonly onReady?: ((host: string) => void) | undefined;
}

export const BOOT_TIMEOUT_MS = 600_000;

/** Seconds that sshd gets to answer, attempt by attempt: on a busy machine, abandoned connections are what keeps it from answering. */
const SCAN_SECONDS = [2, 4, 8, 15] as const;

/**
 * Waits until every node's sshd answers with its own host key. Stops waiting for all of them as soon as one fails.
 * @throws LvsPlayError `lab-node-died`, `lab-host-key` or `lab-timeout`, each with the cause that the node's console names
 */
export async function waitForSsh(lab: LabPaths, nodes: readonly LabNode[], keys: HostKeys, options: WaitOptions = {}): Promise<void> {
  const pending = new Set(nodes.map(({ name }) => name));
  const failed = new AbortController();
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const deadline = Date.now() + (options.timeoutMs ?? BOOT_TIMEOUT_MS);
  const results = await Promise.allSettled(
    nodes.map(async (node) => {
      try {
        await waitForNode(lab, node, keys.get(node.name), { signal, deadline, silent: () => [...pending] });
        pending.delete(node.name);
        options.onReady?.(node.name);
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
  options.signal?.throwIfAborted();
  if (results.some(({ status }) => status === 'rejected')) throw failed.signal.reason as Error;
}

interface NodeWait {
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Nodes that have not answered so far. */
  readonly silent: () => readonly string[];
}

async function waitForNode(lab: LabPaths, node: LabNode, key: string | undefined, { signal, deadline, silent }: NodeWait): Promise<void> {
  let slow = 0;
  for (;;) {
    const seconds = SCAN_SECONDS[Math.min(slow, SCAN_SECONDS.length - 1)] ?? 2;
    const begun = Date.now();
    const { stdout } = await runCommand(inNamespace(lab.namespace, ['ssh-keyscan', '-T', String(seconds), '-t', 'ed25519', node.address]), { signal, timeoutMs: (seconds + 15) * 1000 });
    signal.throwIfAborted();
    const answer = parseKeyscan(stdout).get(node.address);
    if (answer !== undefined) {
      if (answer === key) return;
      throw await bootFailure(lab, node, 'lab-host-key', `${node.name} answers with a host key that is not its own`);
    }
    if ((await nodeProcess(lab, node.name)) === undefined) throw await bootFailure(lab, node, 'lab-node-died', `${node.name} died while it booted`);
    if (Date.now() > deadline) throw await bootFailure(lab, node, 'lab-timeout', `sshd of ${silent().join(', ')} does not answer`);
    // Refused or unreachable is said at once.
    if (Date.now() - begun >= seconds * 1000) slow++;
    await sleep(250, undefined, { signal });
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
