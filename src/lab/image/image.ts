import { access, mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';
import { suggest } from '../../core/text/suggest.ts';
import { aptOptions, parseListFile, parseSourcesFile, sourceLines, SUITE } from './apt-sources.ts';
import { holdLock } from '../state/lock.ts';
import { imageRoot } from '../state/paths.ts';
import { exitStatus, runCommand, startCommand } from '../process.ts';
import { customizeScript, DPKG_OPTIONS, fetchHook, INSTALLED, OFFERED, recipeHash } from './recipe.ts';

const MODULES = '/usr/lib/uml/modules';

export interface ImageOptions {
  /** Installed already, in any order; default none. Each set is an image of its own. */
  readonly packages?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when the image is not there yet and its building begins. */
  readonly onBuild?: (() => void) | undefined;
}

/** Clears a build whose process was killed; what still ran of it may write for a moment. */
const ABANDON_SCRIPT = `
tries=0
while rm -rf -- "$1" 2>/dev/null; sleep 0.3; [ -e "$1" ] && [ "$tries" -lt 50 ]; do tries=$((tries + 1)); done
`;

/**
 * The disk image that all nodes start from; built once per recipe and kernel, by one process at a time.
 * @returns its path
 * @throws LvsPlayError `lab-package`, `lab-image`
 */
export async function ensureImage(options: ImageOptions = {}): Promise<string> {
  const modules = await modulesFolder();
  const packages = offered(options.packages ?? []);
  const folder = path.join(imageRoot(), recipeHash(path.basename(modules), packages));
  const image = path.join(folder, 'base.img');
  if (await exists(image)) return image;
  await mkdir(imageRoot(), { recursive: true });
  const work = `${folder}.build`;
  const lock = await holdLock(`${folder}.lock`, { wait: true, signal: options.signal, lastWill: { script: ABANDON_SCRIPT, args: [work] } });
  try {
    // Another process may have built it while this one waited.
    if (await exists(image)) return image;
    options.onBuild?.();
    await build(folder, work, modules, packages, options.signal);
    return image;
  } finally {
    await lock.release();
  }
}

/** Pure: each once, in one order. @throws LvsPlayError `lab-package` for one that nodes cannot have */
function offered(packages: readonly string[]): string[] {
  for (const name of packages) {
    if (OFFERED.includes(name)) continue;
    const near = suggest(name, OFFERED);
    throw new LvsPlayError({ code: 'lab-package', kind: 'usage', message: `the lab has no package ${JSON.stringify(name)}`, hint: near === undefined ? `it has ${OFFERED.join(', ')}` : `did you mean ${near}?` });
  }
  return [...new Set(packages)].sort();
}

async function build(folder: string, work: string, modules: string, packages: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  try {
    await writeFile(path.join(work, 'sources.list'), sourceLines(await ownSources()));
    // In a file, for a proxy's address may hold a password.
    await writeFile(path.join(work, 'apt.conf'), aptOptions((await runCommand(['apt-config', 'dump'])).stdout).join('\n') + '\n', { mode: 0o600 });
    await writeFile(path.join(work, 'customize.sh'), customizeScript(packages));
    await step(work, mmdebstrapCommand(work), signal);
    await mkdir(path.join(work, 'done'));
    await step(work, ['sh', path.join(work, 'customize.sh'), path.join(work, 'root'), path.join(work, 'done', 'base.img'), modules], signal);
    await rm(folder, { recursive: true, force: true });
    await rename(path.join(work, 'done'), folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Pure: the command that makes the file system's tree. */
export function mmdebstrapCommand(work: string): string[] {
  return [
    'mmdebstrap', '--mode=root', '--variant=apt', '--format=directory', '--skip=cleanup/apt',
    `--include=${INSTALLED.join(',')}`,
    `--aptopt=${path.join(work, 'apt.conf')}`, '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
    ...DPKG_OPTIONS.map((option) => `--dpkgopt=${option}`),
    `--customize-hook=${fetchHook()}`,
    SUITE, path.join(work, 'root'), path.join(work, 'sources.list'),
  ];
}

/**
 * Runs a step in a process and mount namespace of its own that the kernel ends with this process, however that ends: neither
 * an installation nor a mount inside the tree can stay behind.
 */
async function step(work: string, argv: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const logFile = path.join(work, 'build.log');
  const log = await open(logFile, 'a');
  const wrapped = ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', ...argv];
  const env = { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' };
  const code = await new Promise<number>((resolve, reject) => {
    const child = startCommand(wrapped, { stdio: ['ignore', log.fd, log.fd], env });
    const abort = (): void => {
      child.kill('SIGKILL');
    };
    signal?.addEventListener('abort', abort);
    if (signal?.aborted === true) abort();
    child.on('error', reject);
    child.on('close', (status, ended) => {
      signal?.removeEventListener('abort', abort);
      resolve(exitStatus(status, ended));
    });
  }).finally(() => log.close());
  signal?.throwIfAborted();
  if (code === 0) return;
  const lines = (await readFile(logFile, 'utf8')).trim().split('\n');
  const cause = lines.findLast((line) => /^E: |error|fail/i.test(line)) ?? lines.at(-1) ?? '';
  throw new LvsPlayError({
    code: 'lab-image',
    kind: 'machine',
    message: `building the lab's image failed: ${cause.trim()}`,
    hint: "it needs an archive of Debian 12 that this machine's apt can read; try apt-get update",
    cause: lines.slice(-20).join('\n'),
  });
}

/** What apt on this machine reads of Debian 12. */
export async function ownSources(): Promise<ReturnType<typeof parseListFile>> {
  const parts = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...(await readdir(parts).catch(() => [])).sort().map((name) => path.join(parts, name))];
  const texts = await Promise.all(files.map(async (file) => ({ file, text: await readFile(file, 'utf8').catch(() => '') })));
  return texts.flatMap(({ file, text }) => (file.endsWith('.list') ? parseListFile(text) : file.endsWith('.sources') ? parseSourcesFile(text) : []));
}

async function modulesFolder(): Promise<string> {
  const versions = (await readdir(MODULES).catch(() => [])).sort();
  const version = versions.at(-1);
  if (version === undefined) throw new LvsPlayError({ code: 'lab-requirements', kind: 'machine', message: `no kernel modules in ${MODULES}`, hint: 'apt-get install user-mode-linux' });
  return path.join(MODULES, version);
}

function exists(file: string): Promise<boolean> {
  return access(file).then(() => true, () => false);
}
