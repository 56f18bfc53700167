import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Revision } from './types.ts';

/** The git revision that an inventory lies in; null: in none, or there is no git. @param source as given to -i */
export async function revisionOf(source: string): Promise<Revision | null> {
  try {
    const dir = (await stat(source)).isDirectory() ? source : path.dirname(source);
    const git = async (...args: string[]) => (await promisify(execFile)('git', ['-C', dir, ...args])).stdout.trim();
    const commit = await git('rev-parse', 'HEAD');
    return { commit, dirty: (await git('status', '--porcelain', '--', '.')) !== '' };
  } catch {
    return null;
  }
}
