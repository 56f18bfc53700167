import { isIPv6 } from 'node:net';
import type { LabNetwork, LabNode, LabSpec } from './spec.ts';
import { cidr } from './spec.ts';
import { mustRun, runCommand } from './process.ts';

/** Name, in the lab's namespace, of the tap that is a node's network card. */
export function tapName(nodeIndex: number, cardIndex: number): string {
  return `t${String(nodeIndex)}-${String(cardIndex)}`;
}

/** Unique in the lab; locally administered. */
export function macAddress(nodeIndex: number, cardIndex: number): string {
  const byte = (value: number): string => value.toString(16).padStart(2, '0');
  return `02:6c:76:${byte(cardIndex)}:${byte(nodeIndex >> 8)}:${byte(nodeIndex & 255)}`;
}

/** All taps of one node. */
export function tapsOf(spec: LabSpec, host: string): string[] {
  const index = spec.nodes.findIndex((node) => node.name === host);
  return (spec.nodes[index]?.interfaces ?? []).map((_, card) => tapName(index, card));
}

/**
 * Pure: lines for `ip -batch` in the lab's namespace: a bridge per segment with the control side's addresses, a tap per network
 * card. Multicast is flooded, as VRRP's adverts need; a bridge keeps one MAC address however its ports come and go.
 */
export function networkBatch(spec: LabSpec): string {
  const lines = ['link set lo up'];
  spec.networks.forEach((network, index) => lines.push(...bridgeLines(network, index)));
  spec.nodes.forEach((node, index) => lines.push(...tapLines(node, index)));
  return lines.join('\n') + '\n';
}

function bridgeLines(network: LabNetwork, index: number): string[] {
  return [
    `link add ${network.name} address ${macAddress(0xffff - index, 0xff)} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set ${network.name} up`,
    ...network.control.map((address) => `address add ${cidr(address)} dev ${network.name}${isIPv6(address.address) ? ' nodad' : ''}`),
  ];
}

function tapLines(node: LabNode, index: number): string[] {
  return node.interfaces.flatMap((card, cardIndex) => {
    const tap = tapName(index, cardIndex);
    return [`tuntap add ${tap} mode tap`, `link set ${tap} master ${card.network} addrgenmode none up`];
  });
}

/** Whether the control side is the default route of a node, and so stands between the networks. */
function isRouter({ nodes, networks }: LabSpec): boolean {
  const own = new Set(networks.flatMap(({ control }) => control.map(({ address }) => address)));
  return nodes.some(({ gateway }) => gateway !== undefined && own.has(gateway));
}

/** Makes the namespace and all in it. Nothing of the machine's own network is touched. */
export async function createNetwork(namespace: string, spec: LabSpec): Promise<void> {
  await mustRun(['ip', 'netns', 'add', namespace]);
  // A new namespace takes over some of the machine's settings: here it is a plain host with any way back, or the router that nodes name.
  const forward = isRouter(spec) ? '1' : '0';
  const settings = `for f in ip_forward:${forward} conf/all/rp_filter:0 conf/default/rp_filter:0; do echo "\${f##*:}" >"/proc/sys/net/ipv4/\${f%:*}"; done`;
  await mustRun(inNamespace(namespace, ['sh', '-c', settings]));
  await mustRun(['ip', '-n', namespace, '-batch', '-'], { input: networkBatch(spec) });
}

/** Goes with everything in it once no process is left inside. A namespace that is not there is no error. */
export async function deleteNamespace(namespace: string): Promise<void> {
  if ((await namespaces()).includes(namespace)) await mustRun(['ip', 'netns', 'delete', namespace]);
}

/** Names of all namespaces that `ip netns` knows. */
export async function namespaces(): Promise<string[]> {
  const { stdout } = await runCommand(['ip', 'netns', 'list']);
  return stdout.split('\n').flatMap((line) => line.split(' ')[0] ?? '').filter((name) => name !== '');
}

export async function namespaceProcesses(namespace: string): Promise<number[]> {
  const { stdout } = await runCommand(['ip', 'netns', 'pids', namespace]);
  return stdout.split('\n').filter((line) => line !== '').map(Number);
}

/** The argv that runs another one in the namespace, with nothing else changed. */
export function inNamespace(namespace: string, argv: readonly string[]): string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--', ...argv];
}

/**
 * Takes a node's cables out, or plugs them in, at the bridge's port. The tap itself stays up: a user-mode kernel that sends into a
 * tap that is down takes its card for broken, and does not come back with it.
 */
export async function setCables(namespace: string, taps: readonly string[], state: 'in' | 'out'): Promise<void> {
  await mustRun(['bridge', '-n', namespace, '-batch', '-'], { input: taps.map((tap) => `link set dev ${tap} state ${PORT_STATES[state]}\n`).join('') });
}

/** BR_STATE_FORWARDING and BR_STATE_DISABLED of linux/if_bridge.h. */
const PORT_STATES = { in: '3', out: '0' } as const;

/** Names of the namespace's taps whose cable is out, though the node is on. */
export async function cutTaps(namespace: string): Promise<ReadonlySet<string>> {
  const { stdout, code } = await runCommand(['bridge', '-json', '-n', namespace, 'link', 'show']);
  if (code !== 0) return new Set();
  const ports = JSON.parse(stdout) as readonly { readonly ifname: string; readonly flags: readonly string[]; readonly state: string }[];
  return new Set(ports.filter(({ ifname, flags, state }) => /^t\d+-\d+$/.test(ifname) && flags.includes('LOWER_UP') && state === 'disabled').map(({ ifname }) => ifname));
}
