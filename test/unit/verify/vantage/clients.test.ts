import { spawn } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeTarget, shellReply } from '../../../../src/transport/fake.ts';
import type { Target } from '../../../../src/transport/target.ts';
import { connectOnce, controllerVantage, requestOnce } from '../../../../src/verify/controller-vantage.ts';
import { hostVantage, parseSamples } from '../../../../src/verify/vantage/host-vantage.ts';
import type { ClientRequest, RequestSample } from '../../../../src/verify/types.ts';
import { listening } from '../support.ts';

const PAGE = 'x'.repeat(20_000);
const NEVER = new AbortController().signal;

/** A target that runs scripts here, as a host would. */
function shellTarget(shell: readonly string[]): Target {
  const [command = 'sh', ...args] = shell;
  return fakeTarget('client', ({ script }) => {
    return new Promise((resolve) => {
      const child = spawn(command, [...args, '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      child.on('close', (code) => resolve(shellReply(text, code ?? 1)));
    });
  });
}

/** One path, one behaviour. */
const server = http.createServer((request, response) => {
  if (request.url === '/broken') {
    response.writeHead(200, { 'content-length': '30000' });
    response.write(PAGE, () => response.destroy());
  } else if (request.url === '/busy') {
    response.writeHead(503).end('busy');
  } else if (request.url === '/empty') {
    response.destroy();
  } else {
    response.writeHead(200).end(PAGE);
  }
});
const silent = net.createServer((socket) => socket.on('error', () => undefined));
let port = 0;
let silentPort = 0;
let closedPort = 0;

beforeAll(async () => {
  port = await listening(server);
  silentPort = await listening(silent);
  const shortLived = net.createServer();
  closedPort = await listening(shortLived);
  await new Promise((resolve) => shortLived.close(resolve));
});
afterAll(() => {
  server.close();
  silent.close();
});

function page(path: string): ClientRequest {
  return { kind: 'http', scheme: 'http', address: '127.0.0.1', port, path };
}

const vantages = [
  ['the controller', controllerVantage(shellTarget(['sh']))],
  ['a host with dash', hostVantage('client', shellTarget(['dash']))],
  ['a host with busybox', hostVantage('client', shellTarget(['busybox', 'sh']))],
] as const;

describe.each(vantages)('%s as client', (_name, vantage) => {
  async function samples(request: ClientRequest, count = 1): Promise<readonly RequestSample[]> {
    const seen = await vantage.requests(request, count, NEVER);
    return 'samples' in seen ? seen.samples : [];
  }

  it('counts the bytes of whole replies, over a connection each', async () => {
    let connections = 0;
    const count = (): void => {
      connections++;
    };
    server.on('connection', count);
    expect(await samples(page('/'), 3)).toEqual(Array.from({ length: 3 }, () => ({ status: 200, bytes: PAGE.length, connected: true, fault: undefined })));
    server.off('connection', count);
    expect(connections).toBe(3);
  });

  it('gives the status of an error page', async () => {
    expect(await samples(page('/busy'))).toEqual([{ status: 503, bytes: 4, connected: true, fault: undefined }]);
  });

  it('sees that a reply broke off', async () => {
    const [sample] = await samples(page('/broken'));
    expect(sample?.fault?.kind).toBe('broken');
    expect(sample?.bytes).toBeGreaterThan(0);
  });

  it('sees that nothing was answered', async () => {
    expect((await samples(page('/empty')))[0]).toMatchObject({ status: 0, bytes: 0, connected: true, fault: { kind: 'other' } });
  });

  it('sees a refusal', async () => {
    expect((await samples({ kind: 'http', scheme: 'http', address: '127.0.0.1', port: closedPort, path: '/' }))[0]).toMatchObject({ connected: false, fault: { kind: 'refused' } });
    expect((await samples({ kind: 'connect', address: '127.0.0.1', port: closedPort }))[0]).toMatchObject({ connected: false, fault: { kind: 'refused' } });
  });

  it('connects to a server that says nothing', async () => {
    expect(await samples({ kind: 'connect', address: '127.0.0.1', port: silentPort })).toEqual([{ status: 0, bytes: 0, connected: true, fault: undefined }]);
  });
});

describe('time-outs of the controller', () => {
  it('end a request that is never answered', async () => {
    expect(await requestOnce({ kind: 'http', scheme: 'http', address: '127.0.0.1', port: silentPort, path: '/' }, 50)).toEqual({
      status: 0,
      bytes: 0,
      connected: true,
      fault: { kind: 'timeout', text: 'no answer in time' },
    });
  });

  it('are not met by a connection that comes about', async () => {
    expect(await connectOnce('127.0.0.1', silentPort, 5000)).toMatchObject({ connected: true, fault: undefined });
  });
});

it('no request is sent once it is interrupted', async () => {
  const signal = AbortSignal.abort();
  for (const [, vantage] of vantages) await expect(vantage.requests(page('/'), 1, signal)).rejects.toThrow();
});

it('says when a host has no curl', async () => {
  const vantage = hostVantage('client', fakeTarget('client', () => shellReply('', 127)));
  expect(await vantage.requests(page('/'), 1, NEVER)).toEqual({ unseen: 'curl is not installed on client' });
});

it.each([
  ['000 0 0 28', { fault: { kind: 'timeout' } }],
  ['200 1448 1 28', { fault: { kind: 'broken', text: 'the reply stalled' } }],
  ['200 1448 1 56', { fault: { kind: 'broken' } }],
  ['000 0 1 35', { fault: { kind: 'other', text: 'curl exit code 35' } }],
])('reads curl: %s', (line, sample) => {
  expect(parseSamples(`${line}\n`, 'http')).toMatchObject([sample]);
});
