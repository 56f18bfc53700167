import { describe, expect, it } from 'vitest';
import { askHost } from '../../../src/cli/ask-host.ts';
import { parseLive } from '../../../src/import/live.ts';
import type { ShellRequest, Target } from '../../../src/transport/target.ts';

/** A host that gives one answer, and what it was asked. */
function host(exitCode: number, stdout: string, stderr = ''): { target: () => Promise<Target>; asked: ShellRequest[] } {
  const asked: ShellRequest[] = [];
  const target: Target = {
    host: 'lvs1',
    request: (request) => {
      asked.push(request);
      return Promise.resolve({ exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) });
    },
    stats: () => ({ connections: 1, requests: 0, becomeRequests: 1, bytesSent: 0, bytesReceived: 0 }),
    reset: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return { target: () => Promise.resolve(target), asked };
}

describe('asking a host', () => {
  it('one request, as root, and the answer is read', async () => {
    const { target, asked } = host(0, 'four');
    expect(await askHost('lvs1', target, { script: 'true', read: (output) => output.length })).toBe(4);
    expect(asked).toEqual([{ script: 'true', become: true }]);
  });

  it('a script that fails is an error of that host, with the first line it said', async () => {
    const { target } = host(1, '', 'sh: ip: not found\nmore\n');
    await expect(askHost('lvs1', target, { script: 'ip', read: String })).rejects.toMatchObject({ kind: 'host', code: 'host-unreadable', host: 'lvs1', message: 'lvs1 does not tell its state: sh: ip: not found' });
  });

  it('an answer that was cut off is an error of that host, too', async () => {
    const { target } = host(0, '\nabc addresses\n1: lo    inet 127.0.0.1/8 scope host lo\n');
    await expect(askHost('lvs1', target, { script: ':', read: (output) => parseLive('lvs1', undefined, output, 'abc', 'lvs1') })).rejects.toMatchObject({ kind: 'host', code: 'host-unreadable', message: 'lvs1 does not tell its state: the answer is incomplete' });
  });
});
