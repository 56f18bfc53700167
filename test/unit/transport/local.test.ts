import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shellQuote } from '../../../src/core/text/quote.ts';
import { localTarget } from '../../../src/transport/local.ts';
import type { HostConnection, ShellReply, Target } from '../../../src/transport/target.ts';
import { busyboxSh, connectionTo, removeDir, tempDir } from './sshd.ts';

const dir = tempDir();
const SHELLS = [
  ['dash', '/usr/bin/dash'],
  ['busybox sh', busyboxSh(dir)],
  ['bash', '/bin/bash'],
] as const;

function local(changes: Partial<HostConnection> = {}): Target {
  return localTarget(connectionTo({ port: 1, knownHosts: '', key: '' }, { host: 'here', type: 'local', ...changes }));
}

function text(reply: ShellReply): [string, number] {
  return [reply.stdout.toString('latin1'), reply.exitCode];
}

afterAll(() => {
  removeDir(dir);
});

describe.each(SHELLS)('the shell channel under %s', (_name, shell) => {
  let target: Target;
  beforeAll(() => {
    target = local({ shell });
  });
  afterAll(() => target.close());

  it.each([
    ['output and status', 'echo out; exit 3', 'out\n', 3],
    ['no newline at the end', 'printf x', 'x', 0],
    ['nothing', '', '', 0],
    ['an unbalanced single quote', "echo 'x", '', 2],
    ['an unbalanced double quote', 'echo "x', '', 2],
    ['an unbalanced brace', '{ echo x', '', 2],
    ['a closing parenthesis', ')', '', 2],
    ['exec', 'exec echo gone', 'gone\n', 0],
    ['closed streams', 'exec >&- 2>&-; :', '', 0],
    ['a leading dash', '-x', '', 127],
    ['a here document', "cat <<'E'\n$x 'y\nE", "$x 'y\n", 0],
    ['an unfinished here document', 'cat <<E\nx\n', 'x\n', 0],
    ['stdin is empty', 'read x; echo "[$x]"', '[]\n', 0],
    ['set -e', 'set -e; false; echo no', '', 1],
    ['a comment without newline', 'echo a # b', 'a\n', 0],
    ['a backslash at the end', 'echo a >/dev/null \\', '', 0],
    ['carriage returns', "printf '%s' 'a\r\nb'", 'a\r\nb', 0],
    ['a signal', 'sh -c \'kill -9 $PPID\'; sleep 5', '', 137],
    ['no arguments and no exported state', 'echo $# "${lvsplay_nonce-}"', '0 \n', 0],
    ['functions and traps of the script', 'lvsplay_mark() { :; }; trap "echo bye" EXIT; cd /', 'bye\n', 0],
    ['locale and mask', 'echo $LC_ALL; umask', 'C\n0022\n', 0],
    ['system directories', 'case ":$PATH:" in *:/usr/sbin:*:/sbin:*) echo yes;; esac', 'yes\n', 0],
  ])('%s', async (_case, script, stdout, exitCode) => {
    const reply = await target.request({ script });
    expect(text(reply)).toEqual([stdout, exitCode]);
    expect(text(await target.request({ script: 'echo alive' }))).toEqual(['alive\n', 0]);
  });

  it('keeps stderr apart', async () => {
    const reply = await target.request({ script: 'echo err >&2; printf out' });
    expect([reply.stdout.toString(), reply.stderr.toString()]).toEqual(['out', 'err\n']);
  });

  it('takes a script of 1 MB and gives a reply of 8 MB', async () => {
    const word = 'x'.repeat(1 << 20);
    expect((await target.request({ script: `printf %s ${word}` })).stdout.toString()).toBe(word);
    const reply = await target.request({ script: 'head -c 8388608 /dev/zero; head -c 1000000 /dev/zero >&2' });
    expect([reply.stdout.length, reply.stderr.length]).toEqual([8388608, 1000000]);
  });

  it('carries any bytes both ways', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 255 }), async (bytes, status) => {
        const octal = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
        const reply = await target.request({ script: `printf '${octal}'; exit ${String(status)}` });
        expect(reply.stdout.equals(Buffer.from(bytes))).toBe(true);
        expect(reply.exitCode).toBe(status);
      }),
      { numRuns: 60 },
    );
  });

  it('survives any script text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom(...Array.from("'\"\\$`(){};&|<>\n\t #!*?~ab=%-")), maxLength: 30 }), async (script) => {
        // In a directory of its own: `>a` is a script, too.
        await target.request({ script: `cd ${shellQuote(dir)}; PATH=/nonexistent; set -f; eval ${shellQuote(` ${script}`)}` });
        expect(text(await target.request({ script: 'echo alive' }))).toEqual(['alive\n', 0]);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps late output of a background job out of the next replies', async () => {
    await target.request({ script: '( sleep 0.1; echo late; echo late >&2 ) &' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const reply = await target.request({ script: 'echo now' });
    expect([reply.stdout.toString(), reply.stderr.toString()]).toEqual(['now\n', '']);
  });
});

describe('a local target', () => {
  it('answers requests in the order in which they came', async () => {
    const target = local();
    const replies = await Promise.all(['sleep 0.1; echo 1', 'echo 2', 'echo 3'].map((script) => target.request({ script })));
    expect(replies.map(({ stdout }) => stdout.toString())).toEqual(['1\n', '2\n', '3\n']);
    expect(target.stats()).toMatchObject({ connections: 1, requests: 3, becomeRequests: 0 });
    await target.close();
  });

  it('counts the bytes that pass', async () => {
    const target = local();
    await target.request({ script: 'printf 1234567890; printf 12345 >&2' });
    const before = target.stats();
    await target.request({ script: 'printf 1234567890; printf 12345 >&2' });
    const after = target.stats();
    // The marks around a reply: nonce, word, newline; twice on each stream.
    expect(after.bytesReceived - before.bytesReceived).toBe(15 + 2 * (40 + ' begin\n'.length + 40 + ' end 0\n'.length));
    expect(after.bytesSent - before.bytesSent).toBeGreaterThan('printf 1234567890; printf 12345 >&2'.length);
    await target.close();
  });

  it('gives up a command after its time, and the connection with it', async () => {
    const target = local();
    await target.request({ script: ':' });
    const first = target.request({ script: 'sleep 60', timeoutMs: 100 });
    const queued = target.request({ script: 'echo never' });
    queued.catch(() => undefined);
    await expect(first).rejects.toMatchObject({ code: 'command-timeout', kind: 'host', host: 'here' });
    await expect(queued).rejects.toMatchObject({ code: 'command-timeout' });
    await expect(target.request({ script: ':' })).rejects.toMatchObject({ code: 'connection-closed', kind: 'unreachable' });
    await target.close();
  });

  it('says how a shell ended', async () => {
    const target = local();
    await expect(target.request({ script: 'echo last words >&2; kill -9 $$' })).rejects.toMatchObject({ code: 'shell-ended', kind: 'host', message: expect.stringContaining('by signal SIGKILL: last words') as string });
    await expect(target.request({ script: ':' })).rejects.toMatchObject({ code: 'shell-ended' });
    await target.close();
  });

  it('says that a shell is not there', async () => {
    const target = local({ shell: '/nonexistent/sh' });
    await expect(target.request({ script: ':' })).rejects.toMatchObject({ code: 'shell-ended', message: expect.stringContaining('/nonexistent/sh') as string });
    await target.close();
  });

  it('refuses a NUL and goes on', async () => {
    const target = local();
    await expect(target.request({ script: 'echo a\0b' })).rejects.toMatchObject({ code: 'script-nul', kind: 'internal' });
    expect(text(await target.request({ script: 'echo b' }))).toEqual(['b\n', 0]);
    await target.close();
  });

  it('becomes another user in a second shell', async () => {
    const target = local({ become: { method: 'sudo', user: 'nobody', password: undefined } });
    expect((await target.request({ script: 'id -un', become: true })).stdout.toString()).toBe('nobody\n');
    expect((await target.request({ script: 'id -un' })).stdout.toString()).toBe(execFileSync('id', ['-un']).toString());
    expect(target.stats()).toMatchObject({ requests: 1, becomeRequests: 1 });
    await target.close();
  });

  it('needs no second shell to become who it is', async () => {
    const target = local({ become: { method: 'sudo', user: execFileSync('id', ['-un']).toString().trim(), password: undefined } });
    await target.request({ script: ':', become: true });
    expect(target.stats()).toMatchObject({ requests: 1, becomeRequests: 0 });
    await target.close();
  });

  it('starts anew after a reset, whatever it came to before', async () => {
    const target = local();
    await expect(target.request({ script: 'sleep 60', timeoutMs: 100 })).rejects.toMatchObject({ code: 'command-timeout' });
    await target.reset();
    expect(text(await target.request({ script: 'echo again' }))).toEqual(['again\n', 0]);
    const pending = target.request({ script: 'exec sleep 60' });
    await Promise.all([expect(pending).rejects.toMatchObject({ code: 'connection-closed' }), target.reset()]);
    expect(text(await target.request({ script: 'echo and again' }))).toEqual(['and again\n', 0]);
    expect(target.stats()).toMatchObject({ connections: 3 });
    await target.close();
  });

  it('takes back nothing after close, and closes twice', async () => {
    const target = local();
    await target.request({ script: ':' });
    await Promise.all([target.close(), target.close()]);
    await expect(target.request({ script: ':' })).rejects.toMatchObject({ code: 'connection-closed' });
  });

  it('ends a command that runs while it is closed', async () => {
    const target = local();
    const pending = target.request({ script: 'exec sleep 60' });
    pending.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await target.close();
    await expect(pending).rejects.toMatchObject({ code: 'connection-closed' });
  });
});

describe('the side lane', () => {
  it('answers while a request of the main lane is at work', async () => {
    const target = local();
    try {
      const fifo = `${dir}/lane`;
      // The main shell waits for what only the side shell writes.
      const waiting = target.request({ script: `mkfifo ${shellQuote(fifo)}; cat ${shellQuote(fifo)}` });
      await target.request({ script: `while ! [ -p ${shellQuote(fifo)} ]; do :; done; echo from the side >${shellQuote(fifo)}`, lane: 'side' });
      expect(text(await waiting)).toEqual(['from the side\n', 0]);
      expect(target.stats()).toMatchObject({ connections: 1, requests: 2 });
    } finally {
      await target.close();
    }
  });
});
