import { execFile } from 'node:child_process';
import { LvsPlayError } from '../../core/errors.ts';
import { lastLine } from '../frame.ts';
import { optionsFromArgs, parseSshOptions, sshSettings } from './config.ts';
import type { LocalFacts, SshOptions, SshSettings } from './config.ts';

const SSH_G_TIMEOUT_MS = 10_000;

/** What is asked of ssh_config: an address and all that overrides the files. */
export interface SshQuestion {
  /** For errors: the inventory's name. */
  readonly host: string;
  readonly address: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  readonly identityFile?: string | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly args: readonly string[];
}

/**
 * Asks the system's ssh what its configuration says (`ssh -G`), which knows Include, Match and the rest as no library does. One
 * process per distinct question; without an ssh binary the arguments alone count.
 */
export class SshConfigReader {
  readonly #local: LocalFacts;
  readonly #answers = new Map<string, Promise<SshOptions | undefined>>();

  constructor(local: LocalFacts) {
    this.#local = local;
  }

  /** @throws LvsPlayError kind `input`, code `ssh-arguments`, when ssh refuses the arguments or its configuration */
  async settings(question: SshQuestion): Promise<SshSettings> {
    const args = sshArguments(question);
    const [options, builtIn] = await Promise.all([this.#ask(question.host, args, question.address), this.#ask(question.host, ['-F', 'none'], 'localhost')]);
    return sshSettings(question.address, options ?? optionsFromArgs(args, this.#local, question.address), builtIn ?? new Map(), this.#local);
  }

  #ask(host: string, args: readonly string[], address: string): Promise<SshOptions | undefined> {
    const key = JSON.stringify([args, address]);
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = sshG(host, args, address);
      this.#answers.set(key, answer);
    }
    return answer;
  }
}

/** Of several values ssh takes the first, so what the inventory says of the host stands before its arguments. */
export function sshArguments({ user, port, identityFile, connectTimeoutMs, args }: SshQuestion): string[] {
  return [
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    // Not -i: ssh drops a file that does not exist, and then nothing could tell the operator of it.
    ...(identityFile === undefined ? [] : ['-o', `IdentityFile="${identityFile}"`]),
    ...args,
    ...(connectTimeoutMs === undefined ? [] : ['-o', `ConnectTimeout=${String(Math.ceil(connectTimeoutMs / 1000))}`]),
  ];
}

/** @returns undefined when there is no ssh binary */
function sshG(host: string, args: readonly string[], address: string): Promise<SshOptions | undefined> {
  return new Promise((resolve, reject) => {
    const child = execFile('ssh', [...args, '-G', '--', address], { timeout: SSH_G_TIMEOUT_MS, maxBuffer: 1 << 20, env: { ...process.env, LC_ALL: 'C' } }, (error, stdout, stderr) => {
      if (error === null) resolve(parseSshOptions(stdout));
      else if (error.code === 'ENOENT') resolve(undefined);
      else reject(refused(host, error.killed === true ? `it did not answer within ${String(SSH_G_TIMEOUT_MS / 1000)} s (a Match exec?)` : (lastLine(stderr) ?? error.message), error));
    });
    child.stdin?.end();
  });
}

function refused(host: string, why: string, cause: unknown): LvsPlayError {
  return new LvsPlayError({
    code: 'ssh-arguments',
    kind: 'input',
    host,
    message: `${host}: ssh refuses its arguments or configuration: ${why}`,
    hint: 'see ansible_ssh_common_args, ansible_ssh_extra_args and ~/.ssh/config',
    cause,
  });
}
