import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LvsPlayError } from '../../../src/core/errors.ts';
import { createConnector } from '../../../src/transport/connect.ts';
import type { ConnectorOptions } from '../../../src/transport/connect.ts';
import type { HostConnection, Target } from '../../../src/transport/target.ts';
import { CLOSED_PORT, connectionTo, keygen, removeDir, startSshd, tempDir } from './sshd.ts';
import type { Sshd } from './sshd.ts';

const dir = tempDir();
let sshd: Sshd;
const targets: Target[] = [];
const agentSocket = process.env['SSH_AUTH_SOCK'];

async function open(connection: HostConnection, options: ConnectorOptions = {}): Promise<Target> {
  const target = await createConnector({ home: dir, ...options }).connect(connection);
  targets.push(target);
  return target;
}

async function failure(connection: HostConnection, options: ConnectorOptions = {}): Promise<LvsPlayError> {
  const target = await open(connection, options);
  return await target.request({ script: ':' }).then(
    () => {
      throw new Error('it connected');
    },
    (error: unknown) => error as LvsPlayError,
  );
}

async function output(target: Target, script: string): Promise<string> {
  return (await target.request({ script })).stdout.toString();
}

beforeAll(async () => {
  delete process.env['SSH_AUTH_SOCK'];
  sshd = await startSshd();
});

afterEach(async () => {
  await Promise.all(targets.splice(0).map((target) => target.close()));
});

afterAll(async () => {
  if (agentSocket !== undefined) process.env['SSH_AUTH_SOCK'] = agentSocket;
  await sshd.stop();
  removeDir(dir);
});

describe('a target over ssh', () => {
  it('answers, counts one connection, and opens it at the first request', async () => {
    const target = await open(connectionTo(sshd));
    expect(target.stats().connections).toBe(0);
    expect(await output(target, 'id -un; echo $0')).toBe('root\n/bin/sh\n');
    await target.request({ script: 'true', become: true });
    expect(target.stats()).toMatchObject({ connections: 1, requests: 2, becomeRequests: 0 });
  });

  it('carries large scripts and replies', async () => {
    const target = await open(connectionTo(sshd));
    const word = 'y'.repeat(1 << 20);
    expect(await output(target, `printf %s ${word}`)).toBe(word);
    const reply = await target.request({ script: 'head -c 8388608 /dev/zero; head -c 3000000 /dev/zero >&2; exit 7' });
    expect([reply.stdout.length, reply.stderr.length, reply.exitCode]).toEqual([8388608, 3000000, 7]);
  });

  it('runs requests of both privileges beside each other', async () => {
    const target = await open(connectionTo(sshd, { become: { method: 'sudo', user: 'nobody', password: undefined } }));
    const replies = await Promise.all([target.request({ script: 'id -un', become: true }), target.request({ script: 'id -un' })]);
    expect(replies.map(({ stdout }) => stdout.toString())).toEqual(['nobody\n', 'root\n']);
    expect(target.stats()).toMatchObject({ connections: 1, requests: 1, becomeRequests: 1 });
  });

  it('is lost when the connection breaks, and stays lost', async () => {
    const target = await open(connectionTo(sshd));
    // The sshd process of this connection is the shell's parent.
    await expect(target.request({ script: 'kill -9 $PPID; sleep 20' })).rejects.toMatchObject({ code: 'connection-lost', kind: 'unreachable', host: 'rs1' });
    await expect(target.request({ script: ':' })).rejects.toMatchObject({ code: 'connection-lost' });
    expect(target.stats().connections).toBe(1);
  });

  it('closes while a command runs', async () => {
    const target = await open(connectionTo(sshd));
    await target.request({ script: ':' });
    const pending = target.request({ script: 'sleep 20' });
    pending.catch(() => undefined);
    await target.close();
    await expect(pending).rejects.toMatchObject({ code: 'connection-closed' });
  });

  it('names the end of a login shell that refuses', async () => {
    const refusing = await startSshd({ config: ['ForceCommand echo This account is not available.; exit 1'] });
    try {
      expect(await failure(connectionTo(refusing))).toMatchObject({ code: 'shell-ended', kind: 'host', message: expect.stringContaining('exit code 1: This account is not available.') as string });
    } finally {
      await refusing.stop();
    }
  });

  it('ends without an answer after the time of a command', async () => {
    const target = await open(connectionTo(sshd));
    await expect(target.request({ script: 'sleep 20', timeoutMs: 200 })).rejects.toMatchObject({ code: 'command-timeout', kind: 'host' });
    await expect(target.request({ script: ':' })).rejects.toMatchObject({ kind: 'unreachable' });
  });

  it('takes a key exchange by group exchange when asked', async () => {
    const slow = await startSshd({ config: ['KexAlgorithms diffie-hellman-group-exchange-sha256'] });
    try {
      expect(await failure(connectionTo(slow))).toMatchObject({ code: 'ssh-handshake', kind: 'unreachable' });
      expect(await output(await open(connectionTo(slow, {}, ['KexAlgorithms=diffie-hellman-group-exchange-sha256'])), 'echo ok')).toBe('ok\n');
    } finally {
      await slow.stop();
    }
  });

  it.each([
    [{}, 'one'],
    [{ port: undefined, user: undefined }, 'one'],
  ])('takes what the inventory leaves open from ssh_config %#', async (changes, address) => {
    const config = join(dir, 'config');
    writeFileSync(config, `Host one\n  HostName 127.0.0.1\n  Port ${String(sshd.port)}\n  User root\n  IdentityFile ${sshd.key}\n  UserKnownHostsFile ${sshd.knownHosts}\n`);
    const target = await open(connectionTo(sshd, { address, privateKeyFile: undefined, sshArgs: ['-F', config], ...changes }));
    expect(await output(target, 'echo ok')).toBe('ok\n');
  });
});

describe('authentication', () => {
  it('says what was tried when no key fits', async () => {
    const key = keygen(join(dir, 'wrong'));
    const error = await failure(connectionTo(sshd, { privateKeyFile: key }));
    expect(error).toMatchObject({ code: 'auth-failed', kind: 'unreachable', host: 'rs1' });
    expect(error.message).toContain(`tried key ${key}`);
    expect(error.message).toContain('the server takes publickey');
    expect(error.message).not.toContain('\n');
    expect(error.hint).toContain('authorized_keys');
  });

  it('says that the key file is not there, or too open', async () => {
    expect((await failure(connectionTo(sshd, { privateKeyFile: join(dir, 'nokey') }))).message).toContain('nokey (no such file)');
    const open = join(dir, 'open');
    copyFileSync(sshd.key, open);
    execFileSync('chmod', ['0644', open]);
    expect((await failure(connectionTo(sshd, { privateKeyFile: open }))).message).toContain('permissions 0644 are too open');
  });

  it.each(['rsa', 'ecdsa', 'ed25519'])('logs in with an %s key', async (type) => {
    const key = keygen(join(dir, `login_${type}`), type);
    writeFileSync(join(sshd.dir, 'authorized_keys'), readFileSync(`${key}.pub`), { flag: 'a' });
    expect(await output(await open(connectionTo(sshd, { privateKeyFile: key })), 'echo ok')).toBe('ok\n');
  });

  it.each([
    ['OpenSSH', true, []],
    ['OpenSSH', false, []],
    ['PEM', false, ['-m', 'PEM']],
  ])('asks for the passphrase of an %s key once for all hosts (.pub beside it: %s)', async (format, pub, more) => {
    const key = keygen(join(dir, `locked_${format}_${String(pub)}`), 'rsa', 'secret words', ...more);
    writeFileSync(join(sshd.dir, 'authorized_keys'), readFileSync(`${key}.pub`), { flag: 'a' });
    if (!pub) execFileSync('rm', [`${key}.pub`]);
    const asked: string[] = [];
    const answers = ['wrong', 'secret words'];
    const connector = createConnector({
      home: dir,
      passphrase: (path) => {
        asked.push(path);
        return Promise.resolve(answers.shift());
      },
    });
    const opened = await Promise.all([1, 2, 3].map(() => connector.connect(connectionTo(sshd, { privateKeyFile: key }))));
    targets.push(...opened);
    expect(await Promise.all(opened.map((target) => output(target, 'echo ok')))).toEqual(['ok\n', 'ok\n', 'ok\n']);
    expect(asked).toEqual([key, key]);
  });

  it('does not ask for the passphrase of a key that the server refuses', async () => {
    const key = keygen(join(dir, 'refused'), 'ed25519', 'secret words');
    const error = await failure(connectionTo(sshd, { privateKeyFile: key }), { passphrase: () => Promise.reject(new Error('asked')) });
    expect(error.message).toContain(`tried key ${key}`);
  });

  it('points to the agent when there is no one to ask', async () => {
    const key = keygen(join(dir, 'locked'), 'ed25519', 'secret words');
    writeFileSync(join(sshd.dir, 'authorized_keys'), readFileSync(`${key}.pub`), { flag: 'a' });
    const error = await failure(connectionTo(sshd, { privateKeyFile: key }));
    expect(error).toMatchObject({ code: 'auth-failed', hint: expect.stringContaining(`ssh-add ${key}`) as string });
  });

  describe('with an agent', () => {
    const socket = join(dir, 'agent');
    let pid: number;

    beforeAll(async () => {
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
      pid = agent.pid!;
      while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      // More strangers than MaxAuthTries allows, then the right one.
      for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7']) execFileSync('ssh-add', ['-q', keygen(join(dir, name))], { env });
      execFileSync('ssh-add', ['-q', sshd.key], { env });
    });

    afterAll(() => {
      process.kill(pid);
    });

    it('uses the key that the inventory names, before the server loses patience', async () => {
      // Only the public half is left here.
      const named = join(dir, 'named');
      const locked = keygen(named, 'ed25519', 'secret words');
      execFileSync('ssh-add', ['-q', locked], { env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass('secret words'), SSH_ASKPASS_REQUIRE: 'force' } });
      writeFileSync(join(sshd.dir, 'authorized_keys'), readFileSync(`${locked}.pub`), { flag: 'a' });
      const target = await open(connectionTo(sshd, { privateKeyFile: locked }, [`IdentityAgent=${socket}`]));
      expect(await output(target, 'echo ok')).toBe('ok\n');
    });

    it('tries the keys of the agent without IdentitiesOnly', async () => {
      const patient = await startSshd({ config: ['MaxAuthTries 20'] });
      try {
        writeFileSync(join(patient.dir, 'authorized_keys'), readFileSync(`${sshd.key}.pub`));
        const target = await open(connectionTo(patient, { privateKeyFile: undefined }, [`IdentityAgent=${socket}`, 'IdentitiesOnly=no', 'IdentityFile=none']));
        expect(await output(target, 'echo ok')).toBe('ok\n');
      } finally {
        await patient.stop();
      }
    });

    it('takes the socket from the environment', async () => {
      process.env['SSH_AUTH_SOCK'] = socket;
      try {
        const error = await failure(connectionTo(sshd, { privateKeyFile: undefined, user: 'nosuchuser' }, ['IdentitiesOnly=no', 'IdentityFile=none']));
        expect(error).toMatchObject({ code: 'auth-failed', message: expect.stringMatching(/tried agent key SHA256:\S+ \(test\), agent key/) as string });
      } finally {
        delete process.env['SSH_AUTH_SOCK'];
      }
    });

    it('says when the agent does not answer', async () => {
      const error = await failure(connectionTo(sshd, { privateKeyFile: undefined }, [`IdentityAgent=${join(dir, 'noagent')}`, 'IdentitiesOnly=no', 'IdentityFile=none']));
      expect(error.message).toContain('noagent (does not answer)');
      expect(error.message).toContain('nothing to try');
    });
  });
});

function askpass(answer: string): string {
  const path = join(dir, 'askpass');
  writeFileSync(path, `#!/bin/sh\necho '${answer}'\n`, { mode: 0o700 });
  return path;
}

describe('a host that is not reached', () => {
  it('refuses', async () => {
    const error = await failure(connectionTo({ ...sshd, port: CLOSED_PORT }));
    expect(error).toMatchObject({ code: 'connection-refused', kind: 'unreachable', host: 'rs1' });
  });

  it('has no address', async () => {
    expect(await failure(connectionTo(sshd, { address: 'no-such-host.invalid' }))).toMatchObject({ code: 'unknown-address', kind: 'unreachable' });
  });

  it('has no route', async () => {
    // A source address that is on no interface here.
    expect(await failure(connectionTo(sshd, {}, ['BindAddress=192.0.2.77']))).toMatchObject({ code: 'no-route', kind: 'unreachable' });
  });

  it.each([
    ['is silent', (socket: Socket) => socket.resume(), 'connect-timeout'],
    ['closes at once', (socket: Socket) => socket.destroy(), 'connection-lost'],
    ['speaks HTTP', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'connection-lost'],
  ])('%s', async (_what, behave, code) => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => undefined);
      behave(socket);
    });
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        resolve((server.address() as { port: number }).port);
      });
    });
    try {
      const error = await failure(connectionTo({ ...sshd, port }, { connectTimeoutMs: 400 }));
      expect(error).toMatchObject({ kind: 'unreachable', host: 'rs1' });
      expect(error.code).toBe(code);
      expect(error.message).not.toContain('\n');
    } finally {
      server.close();
    }
  });

  it('is given up when the target is closed', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined));
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        resolve((server.address() as { port: number }).port);
      });
    });
    const target = await open(connectionTo({ ...sshd, port }, { connectTimeoutMs: 60_000 }));
    const pending = target.request({ script: ':' });
    pending.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await target.close();
    await expect(pending).rejects.toMatchObject({ code: 'connection-closed' });
    server.close();
  });

  it('has ssh arguments that ssh refuses', async () => {
    expect(await failure(connectionTo(sshd, {}, ['NoSuchOption=1']))).toMatchObject({ code: 'ssh-arguments', kind: 'input', message: expect.stringContaining('nosuchoption') as string });
  });
});

describe('host keys', () => {
  it('refuses an unknown host, and says how to accept it', async () => {
    const error = await failure(connectionTo({ ...sshd, knownHosts: join(dir, 'empty') }));
    expect(error).toMatchObject({ code: 'host-key-unknown', kind: 'unreachable' });
    const shown = execFileSync('ssh-keygen', ['-lf', join(sshd.dir, 'host_ed25519.pub')]).toString().split(' ')[1]!;
    expect(error.message).toContain(`ED25519 ${shown}`);
    expect(error.hint).toContain(`ssh-keyscan -p ${String(sshd.port)} 127.0.0.1 >> ${join(dir, 'empty')}`);
  });

  it('adds a new host with accept-new, and knows it the next time', async () => {
    const file = join(dir, 'new', 'known_hosts');
    const connection = connectionTo({ ...sshd, knownHosts: file }, {}, ['StrictHostKeyChecking=accept-new', 'HashKnownHosts=yes']);
    expect(await output(await open(connection), 'echo ok')).toBe('ok\n');
    expect(execFileSync('ssh-keygen', ['-f', file, '-F', `[127.0.0.1]:${String(sshd.port)}`]).toString()).toContain('|1|');
    expect(await output(await open(connectionTo({ ...sshd, knownHosts: file })), 'echo ok')).toBe('ok\n');
    expect(readFileSync(file, 'utf8').split('\n').length).toBe(2);
  });

  it.each(['ask', 'yes', 'accept-new'])('refuses a changed key with StrictHostKeyChecking=%s, and shows both', async (strict) => {
    const other = keygen(join(dir, `other_${strict}`));
    const file = join(dir, `changed_${strict}`);
    writeFileSync(file, `# comment\n[127.0.0.1]:${String(sshd.port)} ${readFileSync(`${other}.pub`, 'utf8')}`);
    const error = await failure(connectionTo({ ...sshd, knownHosts: file }, {}, [`StrictHostKeyChecking=${strict}`]));
    expect(error).toMatchObject({ code: 'host-key-changed', kind: 'unreachable' });
    for (const key of [`${other}.pub`, join(sshd.dir, 'host_ed25519.pub')]) expect(error.message).toContain(execFileSync('ssh-keygen', ['-lf', key]).toString().split(' ')[1]!);
    expect(error.message).toContain(`${file}:2`);
    expect(error.hint).toContain(`ssh-keygen -f ${file} -R '[127.0.0.1]:${String(sshd.port)}'`);
  });

  it('accepts a changed key with a warning when checking is off', async () => {
    const file = join(dir, 'off');
    writeFileSync(file, `[127.0.0.1]:${String(sshd.port)} ${readFileSync(`${keygen(join(dir, 'off_key'))}.pub`, 'utf8')}`);
    const warnings: string[] = [];
    const target = await open(connectionTo({ ...sshd, knownHosts: file }, {}, ['StrictHostKeyChecking=no']), { onWarning: (text) => warnings.push(text) });
    expect(await output(target, 'echo ok')).toBe('ok\n');
    expect(warnings).toEqual([expect.stringContaining('HOST KEY CHANGED')]);
  });

  it('leaves /dev/null what it is', async () => {
    expect(await output(await open(connectionTo({ ...sshd, knownHosts: '/dev/null' }, {}, ['StrictHostKeyChecking=no'])), 'echo ok')).toBe('ok\n');
    expect(execFileSync('stat', ['-c', '%F', '/dev/null']).toString()).toBe('character special file\n');
  });

  it('asks for the type of key that is known', async () => {
    const both = await startSshd({ keyTypes: ['ed25519', 'rsa', 'ecdsa'] });
    try {
      for (const type of ['ed25519', 'rsa', 'ecdsa']) {
        const file = join(dir, `only_${type}`);
        writeFileSync(file, `[127.0.0.1]:${String(both.port)} ${readFileSync(join(both.dir, `host_${type}.pub`), 'utf8')}`);
        expect(await output(await open(connectionTo({ ...both, knownHosts: file })), 'echo ok')).toBe('ok\n');
      }
    } finally {
      await both.stop();
    }
  });

  it('looks up HostKeyAlias without the port', async () => {
    const file = join(dir, 'alias');
    writeFileSync(file, `web-1 ${readFileSync(join(sshd.dir, 'host_ed25519.pub'), 'utf8')}`);
    expect(await output(await open(connectionTo({ ...sshd, knownHosts: file }, {}, ['HostKeyAlias=web-1'])), 'echo ok')).toBe('ok\n');
  });
});

describe('a way round', () => {
  let inner: Sshd;
  let config: string;

  beforeAll(async () => {
    inner = await startSshd();
    config = join(dir, 'jump_config');
    writeFileSync(
      config,
      ['Host jump second', '  HostName 127.0.0.1', `  Port ${String(sshd.port)}`, '  User root', `  IdentityFile ${sshd.key}`, `  UserKnownHostsFile ${sshd.knownHosts}`, 'Host *', '  IdentitiesOnly yes', ''].join('\n'),
    );
  });

  afterAll(() => inner.stop());

  function behind(...args: string[]): HostConnection {
    return connectionTo(inner, { sshArgs: ['-F', config, '-o', `UserKnownHostsFile=${inner.knownHosts}`, ...args] });
  }

  it.each([
    ['one jump host', ['-J', 'jump']],
    ['a chain', ['-o', 'ProxyJump=jump,second']],
    ['a ProxyCommand', ['-o', 'ProxyCommand=busybox nc %h %p']],
    ['a ProxyCommand of several commands', ['-o', 'ProxyCommand=true; busybox nc %h %p']],
  ])('leads through %s', async (_way, args) => {
    const target = await open(behind(...args));
    expect(await output(target, 'echo ok')).toBe('ok\n');
    expect((await target.request({ script: 'head -c 4000000 /dev/zero' })).stdout.length).toBe(4_000_000);
    expect(target.stats().connections).toBe(1);
  });

  it('checks the key of the jump host', async () => {
    const bad = join(dir, 'bad_config');
    writeFileSync(bad, readFileSync(config, 'utf8').replaceAll(sshd.knownHosts, join(dir, 'none')));
    const error = await failure(connectionTo(inner, { sshArgs: ['-F', bad, '-o', `UserKnownHostsFile=${inner.knownHosts}`, '-J', 'jump'] }));
    expect(error).toMatchObject({ code: 'host-key-unknown', host: 'rs1', message: expect.stringContaining('rs1 (jump host jump)') as string });
  });

  it('says what the jump host cannot reach', async () => {
    expect(await failure({ ...behind('-J', 'jump'), port: CLOSED_PORT })).toMatchObject({ code: 'no-route', host: 'rs1', message: expect.stringContaining('jump host jump cannot connect') as string });
  });

  it('notices jump hosts that go round in circles', async () => {
    const loop = join(dir, 'loop_config');
    writeFileSync(loop, 'Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n');
    expect(await failure(connectionTo(inner, { sshArgs: ['-F', loop, '-J', 'a'] }))).toMatchObject({ code: 'proxy-loop', kind: 'input' });
  });

  it('gives the last words of a ProxyCommand', async () => {
    expect(await failure(behind('-o', 'ProxyCommand=echo gateway is closed >&2; exit 9'))).toMatchObject({ code: 'proxy-failed', kind: 'unreachable', message: expect.stringContaining('gateway is closed') as string });
  });

  it('refuses to hand a shell more than a name', async () => {
    expect(await failure({ ...behind('-o', 'ProxyCommand=busybox nc %h %p'), address: 'a;b' })).toMatchObject({ code: 'ssh-arguments', kind: 'input' });
  });

  it('ends the ProxyCommand with the connection', async () => {
    const pidFile = join(dir, 'proxy.pid');
    const target = await open(behind('-o', `ProxyCommand=echo $$ >${pidFile}; exec busybox nc %h %p`));
    await target.request({ script: ':' });
    await target.close();
    const pid = readFileSync(pidFile, 'utf8').trim();
    await expect.poll(() => existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))).toBe(false);
  });
});

describe('createConnector', () => {
  it('picks the way by ansible_connection', async () => {
    const target = await open(connectionTo({ port: 1, knownHosts: '', key: '' }, { type: 'local', host: 'localhost' }));
    expect(await output(target, 'echo $PPID')).toBe(`${String(process.pid)}\n`);
  });

  it('closes a target that was never used', async () => {
    const target = await open(connectionTo(sshd));
    await target.close();
    await expect(target.request({ script: ':' })).rejects.toMatchObject({ code: 'connection-closed' });
  });

  it('closes while someone is asked for a passphrase', async () => {
    const key = keygen(join(dir, 'waiting'), 'rsa', 'secret words', '-m', 'PEM');
    execFileSync('rm', [`${key}.pub`]);
    const target = await open(connectionTo(sshd, { privateKeyFile: key }), { passphrase: () => new Promise(() => undefined) });
    target.request({ script: ':' }).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await target.close();
  });
});
