import { canHoldMemory } from '../kernel/place.ts';
import type { Place } from '../kernel/place.ts';
import { readConsole } from '../kernel/console.ts';
import { KERNEL_AREA } from '../kernel/register-state.ts';
import type { Findings, Tried, Wanted } from './findings.ts';
import packages from './packages.json' with { type: 'json' };

/** One thing that a lab needs. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  /** What to type or change; undefined when it is ok. */
  readonly fix?: string | undefined;
  /** Debian packages that the fix installs. */
  readonly install?: readonly string[] | undefined;
}

/** Debian package of each program, or file, that a lab uses. */
export const PACKAGES: Readonly<Record<string, string>> = packages;

/** Bit of each capability (linux/capability.h): CAP_NET_ADMIN and CAP_SYS_ADMIN make taps and namespaces, CAP_SYS_CHROOT builds the image. */
const NEEDED: Readonly<Record<string, bigint>> = { CAP_NET_ADMIN: 12n, CAP_SYS_CHROOT: 18n, CAP_SYS_ADMIN: 21n };

/** Bytes of disk: of an image with the tree that it is made from, and of what a node writes over the image. */
const IMAGE_BYTES = 1500 * 1048576;
const NODE_BYTES = 100 * 1048576;

const CONTAINER = 'run the container with --privileged, or use the machine itself';
const AS_ROOT = 'run lvs-play lab as root, e.g. with sudo';

/** Pure: everything that a lab needs, each ok or with its fix; what was not tried is left out. */
export function judge(found: Findings, wanted: Wanted): Check[] {
  return [
    machine(found),
    privileges(found),
    tried('namespaces', found.namespaces, 'can be created', CONTAINER),
    tried('/dev/net/tun', found.tap, 'a tap can be created', 'modprobe tun on the machine itself; a container needs --privileged, or --device /dev/net/tun --cap-add NET_ADMIN'),
    tried('bridge', found.bridge, 'can be created', 'modprobe bridge, on the machine itself'),
    installed(found),
    cpuState(found),
    ptrace(found),
    memory(found, wanted),
    shm(found, wanted),
    ...disks(found, wanted),
    apt(found),
  ].filter((check) => check !== undefined);
}

function machine({ architecture }: Findings): Check {
  const ok = architecture === 'x64';
  return { name: 'machine', ok, found: ok ? 'x86-64' : architecture, fix: ok ? undefined : "use an x86-64 machine: Debian's user-mode-linux is built for no other" };
}

/** Pure: what making and removing labs needs. */
export function privileges({ root, capabilities }: Pick<Findings, 'root' | 'capabilities'>): Check {
  const name = 'privileges';
  if (!root) return { name, ok: false, found: 'not root', fix: AS_ROOT };
  const lost = Object.entries(NEEDED).filter(([, bit]) => (capabilities & (1n << bit)) === 0n).map(([capability]) => capability);
  return lost.length === 0 ? { name, ok: true, found: 'root' } : { name, ok: false, found: `root without ${lost.join(', ')}`, fix: CONTAINER };
}

function tried(name: string, result: Tried | undefined, works: string, fix: string): Check | undefined {
  if (result === undefined) return undefined;
  return result.failed === undefined ? { name, ok: true, found: works } : { name, ok: false, found: result.failed, fix };
}

function installed({ missing, root }: Findings): Check {
  const install = [...new Set(missing.map((program) => PACKAGES[program] ?? program))];
  if (install.length === 0) return { name: 'packages', ok: true, found: 'all installed' };
  return { name: 'packages', ok: false, found: `missing: ${missing.join(', ')}`, fix: `${root ? '' : 'as root: '}apt-get install ${install.join(' ')}`, install };
}

function cpuState({ registers, compiler }: Findings): Check {
  const { bytes, wide, pretended } = registers;
  const area = bytes === undefined ? 'of unknown size' : `${pretended ? 'pretended to be' : 'about'} ${String(bytes)} bytes`;
  const kernel = `the ${String(KERNEL_AREA)} that the lab's kernel keeps`;
  if (!wide) return { name: 'CPU state', ok: true, found: `${area}, within ${kernel}${compiler === undefined ? '' : `; a library sets it faster (${compiler})`}` };
  if (compiler !== undefined) return { name: 'CPU state', ok: true, found: `${area}, more than ${kernel}: a library widens it (${compiler})` };
  return { name: 'CPU state', ok: false, found: `${area}, more than ${kernel}, and no compiler for the library that widens it`, fix: 'apt-get install tcc', install: ['tcc'] };
}

/** The exit status of the program that the trial runs as init, which ends its kernel. */
const INIT_ENDED_WELL = /Attempted to kill init! exitcode=0x00000000/;

function ptrace({ trial }: Findings): Check | undefined {
  if (trial === undefined) return undefined;
  const name = 'ptrace';
  if (trial.notStarted !== undefined) return { name, ok: false, found: `not tried: ${trial.notStarted.what}`, fix: trial.notStarted.fix };
  if (INIT_ENDED_WELL.test(trial.console)) return { name, ok: true, found: "the lab's kernel starts and runs a program" };
  const { said, cause } = readConsole(trial.console, trial.ended);
  const what = cause?.what ?? "the lab's kernel cannot run a program";
  return { name, ok: false, found: `${what}${said.length === 0 ? '' : ` (${said.join(' / ')})`}`, fix: cause?.fix ?? 'look for linux.uml in dmesg, and report it with the words above' };
}

function memory({ memory: available }: Findings, wanted: Wanted): Check {
  const ok = available >= wanted.memory;
  const found = `${size(available)} available, ${size(wanted.memory)} for ${nodes(wanted)}`;
  return { name: 'memory', ok, found, fix: ok ? undefined : 'free memory, add swap, raise the limit of the container, or boot fewer or smaller nodes (lab_memory)' };
}

function shm({ shm: place, state }: Findings, wanted: Wanted): Check {
  const name = '/dev/shm';
  if (canHoldMemory(place, wanted.memory)) return { name, ok: true, found: `${size(place?.freeBytes ?? 0)} free, exec allowed` };
  const lack = place === undefined ? 'missing' : place.noexec ? 'mounted noexec' : place.readOnly ? 'mounted read-only' : `${size(place.freeBytes)} free, ${size(wanted.memory)} for ${nodes(wanted)}`;
  // Then a file on a disk is their memory: slower once it is written back, and as good.
  if (canHoldMemory(state, wanted.memory)) return { name, ok: true, found: `${lack}; the nodes' memory lies in ${state?.path ?? ''} instead` };
  const fix = place === undefined ? 'mount -t tmpfs -o mode=1777 tmpfs /dev/shm' : place.noexec ? 'mount -o remount,exec /dev/shm' : place.readOnly ? 'mount -o remount,rw /dev/shm' : `mount -o remount,size=${String(Math.ceil(wanted.memory / 1048576) + 64)}M /dev/shm; docker run has --shm-size`;
  return { name, ok: false, found: lack, fix };
}

function disks(found: Findings, wanted: Wanted): Check[] {
  const { state, cache, shm: memoryPlace } = found;
  const held = canHoldMemory(memoryPlace, wanted.memory) ? 0 : wanted.memory;
  const forNodes = wanted.nodes * NODE_BYTES + held;
  const forImage = found.imageBuilt ? 0 : IMAGE_BYTES;
  if (state !== undefined && state.device === cache?.device) return [disk('disk', state, forNodes + forImage)];
  return [disk('disk of nodes', state, forNodes), disk('disk of images', cache, forImage)];
}

function disk(name: string, place: Place | undefined, bytes: number): Check {
  if (place === undefined) return { name, ok: false, found: 'its folder cannot be accessed', fix: 'set XDG_STATE_HOME and XDG_CACHE_HOME to folders that can' };
  if (place.readOnly) return { name, ok: false, found: `${place.path} is on a file system that is mounted read-only`, fix: 'set XDG_STATE_HOME and XDG_CACHE_HOME to folders on another' };
  const ok = place.freeBytes >= bytes;
  const found = `${size(place.freeBytes)} free for ${place.path}${bytes === 0 ? '' : `, ${size(bytes)} needed`}`;
  return { name, ok, found, fix: ok ? undefined : 'free space there, or set XDG_STATE_HOME and XDG_CACHE_HOME to folders on another file system' };
}

function apt({ apt: sources, imageBuilt }: Findings): Check | undefined {
  if (sources === undefined) return undefined;
  const name = 'apt sources';
  const failed = sources.filter((source) => source.failed !== undefined);
  if (failed.length === 0) return { name, ok: true, found: sources.map(({ source }) => source).join(', ') };
  const found = failed.map((source) => `${source.source}: ${source.failed ?? ''}`).join('; ');
  // Then they are needed again only for another set of packages.
  if (imageBuilt) return { name, ok: true, found: `${found}; the image is built already` };
  return { name, ok: false, found, fix: 'make apt-get update work here (network, proxy, /etc/apt); the image of the nodes is built from an archive of Debian 12 (bookworm)' };
}

function nodes({ nodes: count }: Wanted): string {
  return count === 1 ? 'one node' : `${String(count)} nodes`;
}

function size(bytes: number): string {
  return bytes >= 10 * 1073741824 ? `${String(Math.round(bytes / 1073741824))} GB` : `${String(Math.round(bytes / 1048576))} MB`;
}
