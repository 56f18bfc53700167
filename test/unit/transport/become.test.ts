import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { explainBecomeEnd, sudoGate } from '../../../src/transport/become.ts';
import { createConnector } from '../../../src/transport/connect.ts';
import type { HostConnection, Target } from '../../../src/transport/target.ts';
import { busyboxSh, connectionTo, removeDir, startSshd, tempDir, testUser } from './sshd.ts';
import type { Sshd, TestUser } from './sshd.ts';

const PASSWORD = 'correct horse $x \'"';
const dir = tempDir();
chmodSync(dir, 0o755);
const targets: Target[] = [];
let sshd: Sshd;

const users: readonly TestUser[] = [
  testUser(dir, 'lp-asks', 64001, '/bin/dash', PASSWORD),
  testUser(dir, 'lp-free', 64002, '/bin/bash', PASSWORD),
  testUser(dir, 'lp-never', 64003, busyboxSh(dir), PASSWORD),
  testUser(dir, 'lp-once', 64004, '/bin/dash', PASSWORD),
  testUser(dir, 'lp-tty', 64005, '/bin/dash', PASSWORD),
  testUser(dir, 'lp-noisy', 64006, '/bin/bash', PASSWORD),
];

function as(user: string, password?: string, changes: Partial<HostConnection> = {}): Promise<Target> {
  return openTarget(connectionTo(sshd, { user, become: { method: 'sudo', user: 'root', password }, ...changes }));
}

async function openTarget(connection: HostConnection): Promise<Target> {
  const target = await createConnector({ home: dir }).connect(connection);
  targets.push(target);
  return target;
}

beforeAll(async () => {
  // Noise before the shell, on both streams, and without a newline.
  const noisy = users.find(({ name }) => name === 'lp-noisy')!;
  writeFileSync(join(noisy.home, '.bashrc'), 'echo Welcome; echo "lvsplay-0 begin"; echo careful >&2; printf partial; printf partial >&2\n');
  sshd = await startSshd({
    users,
    sudoers: [
      'lp-asks ALL=(ALL:ALL) ALL',
      'Defaults lecture=always',
      'lp-free ALL=(ALL:ALL) NOPASSWD: ALL',
      'lp-once ALL=(ALL:ALL) ALL',
      'Defaults:lp-once passwd_tries=1',
      'lp-tty ALL=(ALL:ALL) ALL',
      'Defaults:lp-tty requiretty',
      'lp-noisy ALL=(ALL:ALL) ALL',
    ],
  });
});

afterEach(async () => {
  await Promise.all(targets.splice(0).map((target) => target.close()));
});

afterAll(async () => {
  await sshd.stop();
  removeDir(dir);
});

describe('sudo over ssh', () => {
  it('gives the password when asked, past the lecture', async () => {
    const target = await as('lp-asks', PASSWORD);
    const reply = await target.request({ script: 'id -un; pwd; echo "$HOME"; echo err >&2; exit 3', become: true });
    expect([reply.stdout.toString(), reply.stderr.toString(), reply.exitCode]).toEqual(['root\n/root\n/root\n', 'err\n', 3]);
    expect((await target.request({ script: 'id -un' })).stdout.toString()).toBe('lp-asks\n');
    expect(target.stats()).toMatchObject({ connections: 1, requests: 1, becomeRequests: 1 });
  });

  it('does not send the password to a shell that sudo gives for nothing', async () => {
    const target = await as('lp-free', PASSWORD);
    const reply = await target.request({ script: 'id -un', become: true });
    expect([reply.stdout.toString(), reply.stderr.toString()]).toEqual(['root\n', '']);
  });

  it('needs no password where sudo asks for none', async () => {
    const target = await as('lp-free');
    expect((await target.request({ script: 'id -un', become: true })).stdout.toString()).toBe('root\n');
  });

  it('carries large scripts and replies through the pseudo-terminal of use_pty', async () => {
    const target = await as('lp-asks', PASSWORD);
    const word = 'z'.repeat(1 << 20);
    expect((await target.request({ script: `printf %s ${word}`, become: true })).stdout.toString()).toBe(word);
    const bytes = await target.request({ script: "printf '\\000\\001\\004\\003\\377\\r\\n\\r'; head -c 4000000 /dev/zero", become: true });
    expect(bytes.stdout.length).toBe(4_000_008);
    expect(bytes.stdout.subarray(0, 8)).toEqual(Buffer.from([0, 1, 4, 3, 255, 13, 10, 13]));
  });

  it.each(['lp-asks', 'lp-once', 'lp-noisy'])('refuses a wrong password once (%s), tries no second time, and keeps the login shell', async (user) => {
    const target = await as(user, 'wrong battery');
    const error: unknown = await target.request({ script: ':', become: true }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'become-password', kind: 'host', host: 'rs1' });
    expect(JSON.stringify(error) + String(error)).not.toContain('wrong battery');
    await expect(target.request({ script: ':', become: true })).rejects.toBe(error);
    expect((await target.request({ script: 'id -un' })).stdout.toString()).toBe(`${user}\n`);
    expect(target.stats().becomeRequests).toBe(0);
  });

  it('says that a password is missing', async () => {
    const target = await as('lp-asks');
    await expect(target.request({ script: ':', become: true })).rejects.toMatchObject({ code: 'become-password-missing', kind: 'host', hint: expect.stringContaining('-K') as string });
  });

  it('says that sudo is not allowed', async () => {
    const target = await as('lp-never', PASSWORD);
    await expect(target.request({ script: ':', become: true })).rejects.toMatchObject({ code: 'become-failed', kind: 'host', message: expect.stringMatching(/not in the sudoers file/) as string });
  });

  it('says that sudo wants a terminal', async () => {
    const target = await as('lp-tty', PASSWORD);
    await expect(target.request({ script: ':', become: true })).rejects.toMatchObject({ code: 'become-failed', hint: expect.stringContaining('requiretty') as string });
  });

  it('says that there is no such user', async () => {
    const target = await as('lp-free', PASSWORD, { become: { method: 'sudo', user: 'no-such-user', password: undefined } });
    await expect(target.request({ script: ':', become: true })).rejects.toMatchObject({ code: 'become-failed', hint: expect.stringContaining('ansible_become_user') as string });
  });

  it.each(['lp-asks', 'lp-free', 'lp-never', 'lp-noisy'])('is not confused by the login shell and its noise (%s)', async (user) => {
    for (const shell of ['/bin/sh', '/bin/bash', busyboxSh(dir)]) {
      const target = await as(user, PASSWORD, { shell });
      const reply = await target.request({ script: 'id -un; echo err >&2' });
      expect([reply.stdout.toString(), reply.stderr.toString()]).toEqual([`${user}\n`, 'err\n']);
      if (user === 'lp-never') continue;
      const root = await target.request({ script: 'id -un; echo err >&2', become: true });
      expect([root.stdout.toString(), root.stderr.toString()]).toEqual(['root\n', 'err\n']);
    }
  });
});

describe('an odd sudo', () => {
  /** A user whose sudo is a script of ours. */
  async function withSudo(script: string, password: string | undefined): Promise<Target> {
    const bin = join(dir, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'sudo'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const shell = join(dir, 'sh-with-odd-sudo');
    writeFileSync(shell, '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 });
    const odd = await startSshd({ config: [`SetEnv PATH=${bin}:/usr/bin:/bin`] });
    const target = await createConnector({ home: dir }).connect(connectionTo(odd, { become: { method: 'sudo', user: 'nobody', password }, commandTimeoutMs: 1500 }));
    targets.push({ ...target, host: 'rs1', request: target.request.bind(target), stats: target.stats.bind(target), reset: target.reset.bind(target), close: () => target.close().then(() => odd.stop()) });
    return target;
  }

  it('is missing', async () => {
    const target = await withSudo('echo "env: sudo: not found" >&2; exit 127', undefined);
    await expect(target.request({ script: ':', become: true })).rejects.toMatchObject({ code: 'become-failed', hint: expect.stringContaining('install sudo') as string });
  });

  it('asks for something else', async () => {
    const target = await withSudo('printf "Verification code: " >&2; sleep 20', PASSWORD);
    const error: unknown = await target.request({ script: ':', become: true }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'command-timeout', hint: expect.stringContaining('Verification code:') as string });
  });

  it('says nothing at all', async () => {
    const target = await withSudo('exit 5', undefined);
    await expect(target.request({ script: ':', become: true })).rejects.toMatchObject({ code: 'become-failed', message: expect.stringContaining('exit code 5') as string });
  });

  it('repeats the password, which is not repeated here', async () => {
    const target = await withSudo('while [ "$1" != -p ]; do shift; done; printf %s "$2" >&2; read -r p; echo "sudo: bad: $p" >&2; exit 1', 'hunter22');
    const error: unknown = await target.request({ script: ':', become: true }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'become-failed', message: expect.stringContaining('sudo: bad: ********') as string });
  });
});

describe('sudoGate', () => {
  const gate = (): ReturnType<typeof sudoGate> => sudoGate('rs1', 'root', 'pw', '[n] password: ', 'n ready');

  it('waits for the whole prompt, however it is cut', () => {
    const machine = gate();
    expect(machine.feed('stderr', Buffer.from('lecture\n[n] pass'))).toEqual({});
    expect(machine.feed('stdout', Buffer.from('[n] password: '))).toEqual({});
    expect(machine.feed('stderr', Buffer.from('word: '))).toEqual({ send: 'pw\n' });
    expect(machine.feed('stderr', Buffer.from('\n'))).toEqual({});
    expect(machine.feed('stdout', Buffer.from('n rea'))).toEqual({});
    expect(machine.feed('stdout', Buffer.from('dy\n'))).toEqual({ open: true });
  });

  it('takes a second prompt for a refusal', () => {
    const machine = gate();
    machine.feed('stderr', Buffer.from('[n] password: '));
    expect(machine.feed('stderr', Buffer.from('\nSorry, try again.\n[n] password: ')).failure).toMatchObject({ code: 'become-password' });
  });
});

describe('explainBecomeEnd', () => {
  const end = { exitCode: 1, signal: undefined };
  it.each([
    ['sudo: a password is required\n', undefined, 'become-password-missing'],
    ['sudo: sorry, a password is required to run sudo\n', undefined, 'become-password-missing'],
    ['sudo: no password was provided\nsudo: 1 incorrect password attempt\n', 'x', 'become-password'],
    ['Sorry, try again.\n', 'x', 'become-password'],
    ['u is not in the sudoers file.  This incident will be reported.\n', 'x', 'become-failed'],
    ['Sorry, user u may not run sudo on h.\n', 'x', 'become-failed'],
    ['', 'x', 'become-failed'],
  ])('%j', (stderr, password, code) => {
    expect(explainBecomeEnd('rs1', 'root', password, end, stderr)).toMatchObject({ code, kind: 'host', host: 'rs1' });
  });
});
