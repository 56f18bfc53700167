import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import path from 'node:path';
import { LvsPlayError } from '../core/errors.ts';
import { shellQuote } from '../core/text/quote.ts';
import { nodeError } from './kernel/node-error.ts';
import { memoryFolder, readPlace } from './kernel/place.ts';
import { inNamespace, macAddress, tapName } from './network.ts';
import type { LabPaths, NodePaths } from './state/paths.ts';
import { nodePaths } from './state/paths.ts';
import { findProcess, readStat, sendSignal, sessionMembers } from './state/proc.ts';
import type { ProcessId, ProcessStat } from './state/proc.ts';
import { startCommand } from './process.ts';
import type { LabNode, LabSpec } from './spec.ts';
import { cidr, memoryOf } from './spec.ts';

/** Pure: the kernel's arguments. */
export function kernelArguments(node: LabNode, index: number, image: string, paths: NodePaths, machineId: string): string[] {
  return [
    `umid=${String(index)}`,
    `uml_dir=${paths.uml}`,
    `mem=${String(node.memory)}M`,
    `ubd0=${paths.disk},${image}`,
    'root=/dev/ubda',
    'rw',
    ...node.interfaces.map((_, card) => `vec${String(card)}:transport=tap,ifname=${tapName(index, card)},depth=64,gro=1,mac=${macAddress(index, card)}`),
    'con=null',
    'con0=fd:0,fd:1',
    // Confines what root of the node can mount of this machine to its own folder.
    `hostfs=${paths.config}`,
    `systemd.machine_id=${machineId}`,
    'systemd.show_status=0',
    'selinux=0',
    'audit=0',
    'pty.legacy_count=0',
    // Which RAID 6 is the fastest it would try out at each boot: half of what the kernel's own start costs.
    'initcall_blacklist=raid6_select_algo',
    'loglevel=3',
    'quiet',
  ];
}

/** Pure: what the node runs first at each boot. On its first one it takes on its name and keys; later they are its own to change. */
export function nodeScript(node: LabNode, spec: LabSpec): string {
  const names = spec.nodes.map((other) => `${other.address} ${other.name}`).join('\n');
  const link = node.interfaces.flatMap((card, index) => [
    `link set vec${String(index)} name ${card.name}`,
    `link set ${card.name} up`,
    ...card.addresses.map((address) => `address add ${cidr(address)} dev ${card.name}${isIPv6(address.address) ? ' nodad' : ''}`),
  ]);
  if (node.gateway !== undefined) link.push(`route add default via ${node.gateway}`);
  return `if [ ! -e /etc/ssh/ssh_host_ed25519_key ]; then
  cp /run/lab/ssh_host_ed25519_key /run/lab/ssh_host_ed25519_key.pub /run/lab/lab_authorized_keys /etc/ssh/
  echo ${shellQuote(node.name)} >/etc/hostname
  cat >/etc/hosts <<'HOSTS'
127.0.0.1 localhost
127.0.1.1 ${node.name}
::1 localhost ip6-localhost ip6-loopback
${names}
HOSTS
fi
read -r name </etc/hostname && echo "$name" >/proc/sys/kernel/hostname
ip -force -batch - <<'ADDRESSES'
link set lo up
${link.join('\n')}
ADDRESSES
`;
}

/** A bare node: its folder, its script, no disk yet. The host key is made beside it. */
export async function prepareNode(lab: LabPaths, node: LabNode, spec: LabSpec): Promise<void> {
  const paths = nodePaths(lab, node.name);
  await mkdir(paths.config, { recursive: true });
  await writeFile(path.join(paths.config, 'node.sh'), nodeScript(node, spec));
  await writeFile(path.join(paths.dir, 'machine-id'), randomBytes(16).toString('hex'));
}

/** Switches a node on, on the disk it has. Returns as soon as its kernel starts. */
export async function startNode(lab: LabPaths, spec: LabSpec, host: string, image: string): Promise<void> {
  const index = spec.nodes.findIndex((node) => node.name === host);
  const node = spec.nodes[index];
  if (node === undefined) throw new RangeError(`no node ${host}`);
  const paths = nodePaths(lab, host);
  const machineId = await readFile(path.join(paths.dir, 'machine-id'), 'utf8');
  await rm(paths.uml, { recursive: true, force: true });
  const console = await open(paths.console, 'a');
  const { size } = await console.stat();
  try {
    const argv = inNamespace(lab.namespace, [lab.launcher, ...kernelArguments(node, index, image, paths, machineId)]);
    // A session of its own: a terminal's Ctrl-C stays away, and one signal reaches the kernel with all its helpers.
    const child = startCommand(argv, {
      detached: true,
      stdio: ['ignore', console.fd, console.fd],
      cwd: paths.dir,
      env: { HOME: paths.dir, PATH: process.env['PATH'], TMPDIR: memoryFolder(await readPlace('/dev/shm'), memoryOf(spec), paths.dir) },
    });
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const stat = child.pid === undefined ? undefined : await readStat(child.pid);
    if (stat === undefined) throw await nodeError({ code: 'lab-node-died', host, message: `${host} ended at its start`, ended: true, console: paths.console, from: size });
    await writeProcess(paths, { pid: stat.pid, start: stat.start, console: size });
  } finally {
    await console.close();
  }
}

/** What is written of a node's kernel when it starts. */
interface StartedKernel extends ProcessId {
  /** Length of the console's file at the start, in bytes. */
  readonly console: number;
}

async function writeProcess(paths: NodePaths, id: StartedKernel): Promise<void> {
  await writeFile(`${paths.process}.new`, JSON.stringify(id));
  await rename(`${paths.process}.new`, paths.process);
}

/** The node's kernel while it runs; undefined when it is off. */
export async function nodeProcess(lab: LabPaths, host: string): Promise<ProcessStat | undefined> {
  const text = await readFile(nodePaths(lab, host).process, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : findProcess(JSON.parse(text) as ProcessId);
}

/** Where in the console's file the last start of a node begins, in bytes. */
export async function consoleStart(lab: LabPaths, host: string): Promise<number> {
  const text = await readFile(nodePaths(lab, host).process, 'utf8').catch(() => '{}');
  return (JSON.parse(text) as Partial<StartedKernel>).console ?? 0;
}

/** Cuts the power: the kernel and its helpers are killed at once. Returns when all are gone. */
export async function killNode(lab: LabPaths, host: string): Promise<void> {
  const kernel = await nodeProcess(lab, host);
  if (kernel === undefined) return;
  sendSignal(-kernel.pid, 'SIGKILL');
  for (let waited = 0; (await sessionMembers(kernel.pid)).length > 0; waited++) {
    if (waited > 2400) throw new LvsPlayError({ code: 'lab-node-stuck', kind: 'machine', message: `the processes of ${host} do not end`, host, hint: 'they wait for something of this machine, such as a disk that does not answer: see ps -o pid,stat,wchan and dmesg' });
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits for a node that was told to switch itself off. @throws LvsPlayError `lab-node-stuck` after ten minutes */
export async function nodeEnded(lab: LabPaths, host: string): Promise<void> {
  for (let waited = 0; (await nodeProcess(lab, host)) !== undefined; waited++) {
    if (waited > 6000) throw new LvsPlayError({ code: 'lab-node-stuck', kind: 'machine', message: `${host} does not switch itself off`, host });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
