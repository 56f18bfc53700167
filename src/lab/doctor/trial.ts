import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { LvsPlayError, messageOf } from '../../core/errors.ts';
import { writeLauncher } from '../kernel/launcher.ts';
import { memoryFolder, readPlace } from '../kernel/place.ts';
import { ensurePreload } from '../kernel/preload.ts';
import type { RegisterState } from '../kernel/register-state.ts';
import { runCommand } from '../process.ts';
import { labsRoot } from '../state/paths.ts';
import type { TrialFinding } from './findings.ts';

/** Mebibytes of the trial's kernel. */
const MEMORY = 64;

/**
 * Runs the lab's kernel for half a second, as a node's is run: on this machine's own files, read-only, with /bin/true as its init. That needs ptrace, memory
 * that programs run from, and the registers of a process saved and restored; nothing but trying tells whether all of that works here. No network, no disk.
 */
export async function tryKernel(registers: RegisterState): Promise<TrialFinding> {
  const root = labsRoot();
  // A name with a dot is no lab's.
  await mkdir(root, { recursive: true, mode: 0o700 });
  const dir = await mkdtemp(path.join(root, '.doctor-'));
  try {
    const launcher = path.join(dir, 'node-kernel');
    const node = path.join(dir, 'nodes', 'trial');
    await mkdir(node, { recursive: true });
    await writeLauncher({ dir, launcher }, await ensurePreload(registers));
    const memory = memoryFolder(await readPlace('/dev/shm'), MEMORY * 1048576, node);
    const script = 'ulimit -c 0; cd "$1" || exit; shift; "$@" </dev/null 2>&1; exit';
    // In a process namespace of its own, which the kernel ends with this process: nothing of it can stay behind.
    const { stdout, stderr, code } = await runCommand(
      ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', 'sh', '-c', script, 'sh', node, launcher, ...trialArguments(node)],
      { env: { HOME: dir, PATH: process.env['PATH'], TMPDIR: memory }, timeoutMs: 120_000 },
    );
    // What the shell or unshare says is said of a kernel that never began.
    return { console: `${stdout}${stderr}`, ended: code !== 137 };
  } catch (error) {
    const fix = error instanceof LvsPlayError ? error.hint : undefined;
    return { console: '', ended: true, notStarted: { what: messageOf(error), fix: fix ?? `make sure that ${root} is writable` } };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Pure: the kernel's arguments. */
export function trialArguments(dir: string): string[] {
  return ['umid=trial', `uml_dir=${path.join(dir, 'uml')}`, `mem=${String(MEMORY)}M`, 'rootfstype=hostfs', 'rootflags=/', 'ro', 'init=/bin/true', 'con=null', 'con0=fd:0,fd:1', 'initcall_blacklist=raid6_select_algo', 'loglevel=3', 'quiet'];
}
