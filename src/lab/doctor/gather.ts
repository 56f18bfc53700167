import { existsSync, constants } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ownSources } from '../image/image.ts';
import { sourceLines } from '../image/apt-sources.ts';
import { readPlace } from '../kernel/place.ts';
import { findCompiler, readRegisterState } from '../kernel/preload.ts';
import { canUse, findProgram, runCommand } from '../process.ts';
import { imageRoot, labsRoot } from '../state/paths.ts';
import type { AptFinding, Findings, Tried } from './findings.ts';
import { PACKAGES } from './judge.ts';
import { availableMemory } from './memory.ts';
import { tryKernel } from './trial.ts';

/** How much is tried: `quick` what costs some milliseconds, as before each `lab up`; `whole` also boots a kernel for half a second and asks the archives. */
export type Depth = 'quick' | 'whole';

/** Looks at this machine, and tries what can only be known by trying. Leaves nothing behind. */
export async function gather(depth: Depth): Promise<Findings> {
  const { root, capabilities } = await readPrivileges();
  const missing = Object.keys(PACKAGES).filter((name) => (name.startsWith('/') ? !existsSync(name) : findProgram(name) === undefined));
  const can = (...programs: string[]): boolean => root && programs.every((program) => !missing.includes(program));
  const [namespaces, tap, bridge, registers, shm, state, cache, imageBuilt, memory] = await Promise.all([
    can('unshare') ? attempt(['unshare', '--net', '--mount', '--pid', '--fork', '--mount-proc', 'true']) : undefined,
    can('unshare', 'ip') ? tryTap() : undefined,
    can('unshare', 'ip') ? attempt(['unshare', '--net', 'ip', 'link', 'add', 'lvsplay0', 'type', 'bridge']) : undefined,
    readRegisterState(),
    readPlace('/dev/shm'),
    readPlace(labsRoot()),
    readPlace(imageRoot()),
    hasImage(),
    availableMemory(),
  ]);
  const compiler = findCompiler();
  const whole = depth === 'whole';
  const trial = whole && can('unshare', 'linux.uml', 'bash', 'setpriv') && (!registers.wide || compiler !== undefined) ? tryKernel(registers) : undefined;
  return {
    architecture: process.arch,
    root, capabilities, namespaces, tap, bridge, missing, registers, compiler, shm, state, cache, imageBuilt, memory,
    ...(await both(trial, whole ? askArchives() : undefined)),
  };
}

export async function readPrivileges(): Promise<Pick<Findings, 'root' | 'capabilities'>> {
  const status = await readFile('/proc/self/status', 'utf8');
  return { root: process.geteuid?.() === 0, capabilities: BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`) };
}

async function both(trial: Promise<Findings['trial']> | undefined, apt: Promise<AptFinding[]> | undefined): Promise<Pick<Findings, 'trial' | 'apt'>> {
  const [booted, asked] = await Promise.all([trial, apt]);
  return { trial: booted, apt: asked };
}

async function attempt(argv: readonly string[]): Promise<Tried> {
  const { code, stderr } = await runCommand(argv, { timeoutMs: 60_000 });
  return { failed: code === 0 ? undefined : (stderr.trim().split('\n').at(-1) ?? `${argv.join(' ')} ended with ${String(code)}`) };
}

async function tryTap(): Promise<Tried> {
  if (!existsSync('/dev/net/tun')) return { failed: 'missing' };
  if (!canUse('/dev/net/tun', constants.R_OK | constants.W_OK)) return { failed: 'cannot be opened' };
  return attempt(['unshare', '--net', 'ip', 'tuntap', 'add', 'lvsplay0', 'mode', 'tap']);
}

async function hasImage(): Promise<boolean> {
  const folders = await readdir(imageRoot(), { withFileTypes: true }).catch(() => []);
  const files = await Promise.all(folders.filter((entry) => entry.isDirectory() && !entry.name.includes('.')).map((entry) => readdir(path.join(imageRoot(), entry.name)).catch(() => [])));
  return files.flat().some((name) => name.endsWith('.img'));
}

/** Asks each archive of Debian 12 for its release file, as apt on this machine would: with its proxies and certificates. */
async function askArchives(): Promise<AptFinding[]> {
  const lines = sourceLines(await ownSources()).trim().split('\n');
  const archives = new Set(lines.map((line) => line.split(' ').filter((word) => word !== '' && !word.startsWith('[')).slice(1, 3).join(' ')));
  const folder = await mkdtemp(path.join(tmpdir(), 'lvs-play-doctor-'));
  try {
    return await Promise.all([...archives].map((source, index) => askArchive(source, path.join(folder, String(index)))));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function askArchive(source: string, file: string): Promise<AptFinding> {
  const [uri = '', suite = ''] = source.split(' ');
  const settings = ['Acquire::Retries=0', 'Acquire::http::Timeout=10', 'Acquire::https::Timeout=10'].flatMap((setting) => ['-o', setting]);
  const helper = '/usr/lib/apt/apt-helper';
  if (!existsSync(helper)) return { source, failed: 'apt is not installed' };
  const { code, stdout, stderr } = await runCommand([helper, ...settings, 'download-file', `${uri.replace(/\/$/, '')}/dists/${suite}/InRelease`, file], { timeoutMs: 60_000 });
  if (code === 0) return { source, failed: undefined };
  const said = `${stdout}\n${stderr}`.split('\n').findLast((line) => /^(E|Err|W): ?/.test(line)) ?? stderr.trim();
  return { source, failed: said.replace(/^(E|Err|W): ?/, '') || `apt-helper ended with ${String(code)}` };
}
