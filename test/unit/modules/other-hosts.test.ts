import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModule } from '../../../src/modules/registry.ts';
import { parseOutcomes, renderSteps } from '../../../src/modules/render-steps.ts';
import { bare, contextOf, play } from './support.ts';

const NONCE = 'feedbeef';
// Not one of the names under which a host knows itself, so that the port is tried by curl, not looked up.
const HOST = '127.0.0.2';
const hasCurl = spawnSync('curl', ['--version']).status === 0;
const hasNc = spawnSync('sh', ['-c', 'command -v nc']).status === 0;

/** Listens, and is stopped: with its queue full the kernel drops what comes, as a packet filter does. */
const STOPPED = `require('node:net').createServer().listen({ port: 0, host: '${HOST}', backlog: 1 }, function () {
  console.log(this.address().port);
  process.kill(process.pid, 'SIGSTOP');
});`;

let open: Server;
let openPort: number;
let closedPort: number;
let stopped: ChildProcess;
let droppingPort: number;
const waiting: Socket[] = [];

beforeAll(async () => {
  const listen = async (server: Server): Promise<number> => {
    await once(server.listen(0, HOST), 'listening');
    return (server.address() as AddressInfo).port;
  };
  // Open and silent: it neither greets nor closes.
  open = createServer((socket) => socket.on('error', () => undefined));
  openPort = await listen(open);
  const unused = createServer();
  closedPort = await listen(unused);
  await once(unused.close(), 'close');
  stopped = spawn(process.execPath, ['-e', STOPPED], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(stopped.stdout ?? process.stdin, 'data')) as [Buffer];
  droppingPort = Number(line.toString());
  for (let count = 0; count < 2; count++) {
    const socket = connect(droppingPort, HOST);
    socket.on('error', () => undefined);
    waiting.push(socket);
    await once(socket, 'connect');
  }
});

afterAll(() => {
  for (const socket of waiting) socket.destroy();
  stopped.kill('SIGKILL');
  open.close();
});

/** Exit code of one look from a host. */
async function look(shell: readonly string[], port: number, state: 'started' | 'stopped'): Promise<number | undefined> {
  const { steps } = await play(await loadModule('wait_for'), { host: HOST, port, state, timeout: 0 }, bare, contextOf('rs1'));
  const child = spawn(shell[0] ?? 'sh', shell.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(`(\n${renderSteps(steps, NONCE)}\n) </dev/null\n`);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  await once(child, 'close');
  return parseOutcomes({ stdout: Buffer.concat(out), stderr: Buffer.concat(err) }, steps, NONCE).outcomes[0]?.exitCode;
}

describe.runIf(hasCurl && !hasNc).each([
  ['dash', ['dash']],
  ['busybox', ['busybox', 'sh']],
] as const)('wait_for a port of another host, with curl under %s', (_name, shell) => {
  it('tells open ports from closed ones and from those that never answer', async () => {
    const looks = [openPort, closedPort, droppingPort].flatMap((port) => [look(shell, port, 'started'), look(shell, port, 'stopped')]);
    expect(await Promise.all(looks)).toEqual([0, 1, 1, 0, 1, 0]);
  });
});
