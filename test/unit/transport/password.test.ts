import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { AuthContext, Connection } from 'ssh2';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { LvsPlayError } from '../../../src/core/errors.ts';
import { createConnector } from '../../../src/transport/connect.ts';
import type { HostConnection, Target } from '../../../src/transport/target.ts';
import { connectionTo, keygen, removeDir, tempDir } from './sshd.ts';

/** Servers of ssh2's own, for logins that a real sshd takes only from users of this machine. */
const dir = tempDir();
const hostKey = keygen(join(dir, 'host'));
const userKey = keygen(join(dir, 'user'));
const cleanUp: (() => void)[] = [];
const targets: Target[] = [];

interface Server {
  readonly connection: HostConnection;
  readonly attempts: string[];
  readonly connections: Connection[];
}

/** @param accept says for each attempt: true, false, or the methods that must still follow */
async function serve(accept: (context: AuthContext, attempt: number) => boolean | readonly string[] | undefined, methods: readonly string[], changes: Partial<HostConnection> = {}, options: readonly string[] = []): Promise<Server> {
  const attempts: string[] = [];
  const connections: Connection[] = [];
  const server = new ssh2.Server({ hostKeys: [readFileSync(hostKey)] }, (client) => {
    connections.push(client);
    client.on('error', () => undefined);
    client.on('authentication', (context) => {
      attempts.push(context.method);
      const answer = accept(context, attempts.length);
      if (answer === true) context.accept();
      else if (answer === false) context.reject([...methods] as never);
      else if (answer !== undefined) context.reject([...answer] as never, true);
    });
    client.on('session', (acceptSession) => {
      acceptSession().on('exec', (acceptExec, _reject, info) => {
        const channel = acceptExec();
        // Enough of a shell for one frame: it answers every script with its command line.
        channel.once('data', (script: Buffer) => {
          const nonce = /lvsplay-[0-9a-f]{32}/.exec(script.toString())?.[0] ?? '';
          channel.write(`${nonce} begin\n${info.command}${nonce} end 0\n`);
          channel.stderr.write(`${nonce} begin\n${nonce} end 0\n`);
        });
      });
    });
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as { port: number }).port);
    });
  });
  cleanUp.push(() => {
    for (const client of connections) client.end();
    server.close();
  });
  const knownHosts = join(dir, `known_${String(port)}`);
  writeFileSync(knownHosts, `[127.0.0.1]:${String(port)} ${readFileSync(`${hostKey}.pub`, 'utf8')}`);
  return { connection: connectionTo({ port, knownHosts, key: userKey }, { privateKeyFile: undefined, user: 'u', password: 'hunter22', ...changes }, ['IdentityFile=none', ...options]), attempts, connections };
}

async function request(connection: HostConnection): Promise<string> {
  const target = await createConnector({ home: dir }).connect(connection);
  targets.push(target);
  return (await target.request({ script: ':' })).stdout.toString();
}

async function failure(connection: HostConnection): Promise<LvsPlayError> {
  return await request(connection).then(
    () => {
      throw new Error('it connected');
    },
    (error: unknown) => error as LvsPlayError,
  );
}

afterEach(async () => {
  await Promise.all(targets.splice(0).map((target) => target.close()));
  for (const end of cleanUp.splice(0)) end();
});

afterAll(() => {
  removeDir(dir);
});

const password = (context: AuthContext): boolean => context.method === 'password' && context.password === 'hunter22';

describe('a login by password', () => {
  it('works, and starts the shell by plain words', async () => {
    const { connection } = await serve(password, ['password']);
    expect(await request(connection)).toBe('exec /bin/sh');
  });

  it('works by keyboard-interactive', async () => {
    const { connection, attempts } = await serve(
      (context) => {
        if (context.method !== 'keyboard-interactive') return false;
        context.prompt([{ prompt: 'Password: ', echo: false }], (answers) => {
          if (answers[0] === 'hunter22') context.accept();
          else context.reject();
        });
        return undefined;
      },
      ['keyboard-interactive'],
    );
    expect(await request(connection)).toBe('exec /bin/sh');
    expect(attempts).toEqual(['keyboard-interactive']);
  });

  it('follows the methods that the server still wants', async () => {
    const { connection, attempts } = await serve((context) => (context.method === 'publickey' ? (context.signature === undefined ? true : ['password']) : password(context)), ['publickey'], { privateKeyFile: userKey });
    expect(await request(connection)).toBe('exec /bin/sh');
    expect(attempts).toEqual(['publickey', 'publickey', 'password']);
  });

  it('sends a wrong password once, and never shows it', async () => {
    const { connection, attempts } = await serve(
      (context) => {
        if (context.method !== 'keyboard-interactive') return false;
        context.prompt([{ prompt: 'Password: ', echo: false }], () => {
          context.reject(['password', 'keyboard-interactive'] as never);
        });
        return undefined;
      },
      ['password', 'keyboard-interactive'],
      { password: 'wrong password' },
    );
    const error = await failure(connection);
    expect(error).toMatchObject({ code: 'auth-failed', message: expect.stringContaining('tried keyboard-interactive; the server takes password, keyboard-interactive') as string, hint: expect.stringContaining('password') as string });
    expect(JSON.stringify(error) + error.message + (error.hint ?? '')).not.toContain('wrong password');
    expect(attempts).toEqual(['keyboard-interactive']);
  });

  it('gives no password to a question for something else', async () => {
    const answers: string[] = [];
    const { connection } = await serve(
      (context) => {
        if (context.method !== 'keyboard-interactive') return false;
        context.prompt([{ prompt: 'Your name: ', echo: true }], (given) => {
          answers.push(...given);
          context.reject();
        });
        return undefined;
      },
      ['keyboard-interactive'],
    );
    expect(await failure(connection)).toMatchObject({ code: 'auth-failed' });
    expect(answers).toEqual(['']);
  });

  it('respects PreferredAuthentications and PasswordAuthentication', async () => {
    const preferred = await serve(password, ['password'], {}, ['PreferredAuthentications=password']);
    await request(preferred.connection);
    expect(preferred.attempts).toEqual(['password']);
    const off = await serve(password, ['password'], {}, ['PasswordAuthentication=no', 'KbdInteractiveAuthentication=no']);
    expect(await failure(off.connection)).toMatchObject({ code: 'auth-failed', message: expect.stringContaining('nothing to try; the server takes password') as string });
  });

  it('says that a password would be taken', async () => {
    const { connection } = await serve(() => false, ['password'], { password: undefined });
    expect(await failure(connection)).toMatchObject({ code: 'auth-failed', hint: expect.stringContaining('-k') as string });
  });

  it('gets in where anyone does', async () => {
    const { connection } = await serve((context) => context.method === 'none', [], { password: undefined });
    expect(await request(connection)).toBe('exec /bin/sh');
  });

  it('is lost with the server, in the middle of a request', async () => {
    const { connection, connections } = await serve(password, ['password']);
    const target = await createConnector({ home: dir }).connect(connection);
    targets.push(target);
    await target.request({ script: ':' });
    // This server answers one frame only.
    const pending = target.request({ script: ':' });
    for (const client of connections) client.end();
    await expect(pending).rejects.toMatchObject({ code: 'connection-lost', kind: 'unreachable', host: 'rs1' });
  });
});
