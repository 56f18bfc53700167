import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../../..');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The tool, built for these tests alone. */
export class BuiltTool {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Below node_modules, so that the packages that stay outside the bundle are found. */
  static async build(): Promise<BuiltTool> {
    const cache = path.join(ROOT, 'node_modules', '.cache');
    await mkdir(cache, { recursive: true });
    const dir = await mkdtemp(path.join(cache, 'lvs-play-test-'));
    await promisify(execFile)(process.execPath, [path.join(ROOT, 'scripts', 'build.mjs'), dir]);
    return new BuiltTool(dir);
  }

  async remove(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  async run(args: readonly string[], options: { cwd?: string; env?: Readonly<Record<string, string>>; onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void } = {}): Promise<Ended> {
    const child = spawn(process.execPath, [path.join(this.#dir, 'lvs-play.js'), ...args], { cwd: options.cwd ?? ROOT, env: { ...process.env, NO_COLOR: '1', CI: 'true', XDG_STATE_HOME: path.join(this.#dir, 'state'), LVS_PLAY_HOST_STATE: path.join(this.#dir, 'host'), ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
      options.onStderr?.(stderr, (signal) => child.kill(signal));
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    return { code, stdout, stderr };
  }
}

/** Writes files into a folder that is gone after the test. */
export async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-cli-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
    await writeFile(path.join(dir, name), text);
  }
  return dir;
}
