import { execFile } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { LvsPlayError, messageOf } from '../../core/errors.ts';

/**
 * The passwords of `--vault-password-file`; as in Ansible, a file that is executable is run and prints the password.
 * @throws LvsPlayError kind `usage` when a file cannot be read or run, or is empty
 */
export async function readVaultPasswords(files: readonly string[]): Promise<string[]> {
  return Promise.all(files.map(readOne));
}

async function readOne(file: string): Promise<string> {
  let text: string;
  try {
    text = (await isExecutable(file)) ? (await promisify(execFile)(path.resolve(file), [])).stdout : await readFile(file, 'utf8');
  } catch (cause) {
    throw new LvsPlayError({ code: 'vault-password-file', kind: 'usage', message: `--vault-password-file ${file}: ${firstLine(messageOf(cause))}`, cause });
  }
  const password = text.trim();
  if (password === '') throw new LvsPlayError({ code: 'vault-password-file', kind: 'usage', message: `--vault-password-file ${file}: it holds no password` });
  return password;
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}
