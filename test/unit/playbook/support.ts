import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../src/core/errors.ts';
import { loadPlaybook } from '../../../src/playbook/load/load.ts';
import type { KnownModules } from '../../../src/playbook/load/state.ts';
import type { Play, Playbook, Task } from '../../../src/playbook/types.ts';

export const MODULES: KnownModules = new Map([
  ...['package', 'service', 'copy', 'template', 'file', 'debug', 'sysctl', 'kernel_module', 'uri'].map((name) => [name, {}] as const),
  ['command', { freeForm: 'cmd' }],
  ['shell', { freeForm: 'cmd' }],
]);

/** Writes files into a folder that is gone after the test. @returns the folder, absolute */
export async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-playbook-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(dir, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return dir;
}

/** Loads `site.yml` of a folder made of these files. */
export async function load(files: Readonly<Record<string, string>> | string): Promise<Playbook> {
  const dir = await folder(typeof files === 'string' ? { 'site.yml': files } : files);
  return loadPlaybook(path.join(dir, 'site.yml'), MODULES);
}

/** A play of these tasks (YAML, not indented), loaded. */
export async function loadTasks(yaml: string, more: Readonly<Record<string, string>> = {}): Promise<readonly Task[]> {
  return (await loadPlay(`- hosts: all\n  tasks:\n${indent(yaml, 4)}`, more)).tasks;
}

export async function loadPlay(yaml: string, more: Readonly<Record<string, string>> = {}): Promise<Play> {
  return (await load({ ...more, 'site.yml': yaml })).plays[0]!;
}

function indent(text: string, by: number): string {
  return text.trim().split('\n').map((line) => ' '.repeat(by) + line).join('\n');
}

/** What loading fails with: `line:column code message | hint`, one each. */
export async function faults(files: Readonly<Record<string, string>> | string): Promise<string[]> {
  try {
    await load(files);
  } catch (error) {
    if (!(error instanceof LvsPlayError)) throw error;
    const errors = error instanceof InputErrors ? error.errors : [error];
    return errors.map((one) => {
      const { position } = one;
      const place = position === undefined ? '-' : `${path.basename(position.file)}:${String(position.line)}:${String(position.column)}`;
      return `${place} ${one.code} ${one.message} | ${one.hint ?? ''}`;
    });
  }
  return [];
}

export async function taskFaults(yaml: string): Promise<string[]> {
  return faults(`- hosts: all\n  tasks:\n${indent(yaml, 4)}\n`);
}
