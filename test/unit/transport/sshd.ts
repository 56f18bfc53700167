import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostConnection } from '../../../src/transport/target.ts';

/** A user who exists only in the mount namespace of one sshd. */
export interface TestUser {
  readonly name: string;
  readonly uid: number;
  readonly shell: string;
  /** For sudo; no login by password. */
  readonly password: string;
  readonly home: string;
}

export interface Sshd {
  readonly port: number;
  readonly pid: number;
  readonly dir: string;
  /** known_hosts with the right keys. */
  readonly knownHosts: string;
  /** A private key that every user accepts. */
  readonly key: string;
  readonly log: () => string;
  stop(): Promise<void>;
}

export interface SshdOptions {
  readonly keyTypes?: readonly string[];
  readonly config?: readonly string[];
  /** With these, sshd and all below it see their own /etc/passwd, /etc/shadow and /etc/sudoers. */
  readonly users?: readonly TestUser[];
  readonly sudoers?: readonly string[];
}

export function tempDir(): string {
  return mkdtempSync(join(tmpdir(), 'lvs-play-transport-'));
}

export function removeDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

export function keygen(path: string, type = 'ed25519', passphrase = '', ...more: string[]): string {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', path, ...more]);
  return path;
}

/** tcpmux, where nobody listens. A port that was free a moment ago may be another test's by now. */
export const CLOSED_PORT = 1;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
      });
    });
  });
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const dir = tempDir();
  // Other users read the authorized_keys here.
  chmodSync(dir, 0o755);
  const port = await freePort();
  const types = options.keyTypes ?? ['ed25519'];
  const hostKeys = types.map((type) => keygen(join(dir, `host_${type}`), type));
  const key = keygen(join(dir, 'id'));
  writeFileSync(join(dir, 'authorized_keys'), readFileSync(`${key}.pub`));
  const knownHosts = join(dir, 'known_hosts');
  writeFileSync(knownHosts, hostKeys.map((path) => `[127.0.0.1]:${String(port)} ${readFileSync(`${path}.pub`, 'utf8')}`).join(''));
  const config = join(dir, 'sshd_config');
  writeFileSync(
    config,
    [
      `Port ${String(port)}`,
      'ListenAddress 127.0.0.1',
      ...hostKeys.map((path) => `HostKey ${path}`),
      `AuthorizedKeysFile ${join(dir, 'authorized_keys')}`,
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PidFile none',
      'UseDNS no',
      ...(options.config ?? []),
      '',
    ].join('\n'),
  );
  mkdirSync('/run/sshd', { recursive: true });
  const child = spawnSshd(dir, config, options);
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Server listening on')) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => {
      reject(new Error(`sshd ended: ${log}`));
    });
  });
  return {
    port,
    pid: child.pid ?? 0,
    dir,
    knownHosts,
    key,
    log: () => log,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await ended;
      }
      removeDir(dir);
    },
  };
}

function spawnSshd(dir: string, config: string, { users, sudoers }: SshdOptions): ChildProcess {
  const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe'];
  const sshd = ['/usr/sbin/sshd', '-D', '-e', '-f', config];
  if (users === undefined) return spawn(sshd[0]!, sshd.slice(1), { stdio });
  const passwd = readFileSync('/etc/passwd', 'utf8') + users.map(({ name, uid, home, shell }) => `${name}:x:${String(uid)}:${String(uid)}::${home}:${shell}\n`).join('');
  const shadow = readFileSync('/etc/shadow', 'utf8') + users.map(({ name, password }) => `${name}:${execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: password }).toString().trim()}:19000:0:99999:7:::\n`).join('');
  writeFileSync(join(dir, 'passwd'), passwd);
  writeFileSync(join(dir, 'shadow'), shadow, { mode: 0o600 });
  writeFileSync(join(dir, 'sudoers'), ['Defaults env_reset', 'Defaults use_pty', 'root ALL=(ALL:ALL) ALL', ...(sudoers ?? []), ''].join('\n'), { mode: 0o440 });
  const binds = ['passwd', 'shadow', 'sudoers'].map((name) => `mount --bind '${join(dir, name)}' /etc/${name}`);
  return spawn('unshare', ['-m', '--propagation', 'private', '/bin/sh', '-c', `${binds.join(' && ')} && exec "$@"`, 'sh', ...sshd], { stdio });
}

/** A user with a home in `dir`. */
export function testUser(dir: string, name: string, uid: number, shell: string, password = 'correct horse'): TestUser {
  const home = join(dir, name);
  mkdirSync(home);
  execFileSync('chown', [`${String(uid)}:${String(uid)}`, home]);
  return { name, uid, shell, password, home };
}

/** A path at which busybox is sh. */
export function busyboxSh(dir: string): string {
  const path = join(dir, 'bb');
  if (!existsSync(path)) {
    mkdirSync(path);
    symlinkSync('/usr/bin/busybox', join(path, 'sh'));
  }
  return join(path, 'sh');
}

/** A connection that reads nothing of the machine's own ssh configuration. */
export function connectionTo(sshd: Pick<Sshd, 'port' | 'knownHosts' | 'key'>, changes: Partial<HostConnection> = {}, options: readonly string[] = []): HostConnection {
  return {
    host: 'rs1',
    type: 'ssh',
    address: '127.0.0.1',
    port: sshd.port,
    user: 'root',
    privateKeyFile: sshd.key,
    password: undefined,
    sshArgs: ['-F', 'none', ...options.flatMap((option) => ['-o', option]), '-o', `UserKnownHostsFile=${sshd.knownHosts}`, '-o', 'GlobalKnownHostsFile=/dev/null', '-o', 'IdentitiesOnly=yes'],
    become: { method: 'sudo', user: 'root', password: undefined },
    shell: '/bin/sh',
    connectTimeoutMs: 10_000,
    commandTimeoutMs: 20_000,
    ...changes,
  };
}
