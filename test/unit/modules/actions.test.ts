import { spawn, spawnSync } from 'node:child_process';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject, type Json, type JsonObject } from '../../../src/core/json.ts';
import type { ModuleContext, StepOutcome } from '../../../src/modules/contract.ts';
import { loadModule } from '../../../src/modules/registry.ts';
import { parseOutcomes, renderSteps } from '../../../src/modules/render-steps.ts';
import { CLOSED_PORT } from '../transport/sshd.ts';
import { bare, contextOf, lived, play, type World } from './support.ts';

const NONCE = 'feedbeef';
const SHELLS = [
  ['dash', []],
  ['busybox', ['sh']],
] as const;

/** Runs without blocking this process, whose servers the script may ask. */
async function shell(program: string, args: readonly string[], script: string): Promise<{ stdout: Buffer; stderr: Buffer }> {
  const child = spawn(program, args);
  child.stdin.end(`(\n${script}\n) </dev/null\n`);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  await new Promise((resolve) => child.on('close', resolve));
  return { stdout: Buffer.concat(out), stderr: Buffer.concat(err) };
}

interface Done {
  readonly outcome: StepOutcome | undefined;
  readonly data: JsonObject;
  readonly failed: string | undefined;
}

/** An action as the engine does it, in a shell or, on the controller, by itself. */
async function act(name: string, args: JsonObject, on: readonly [string, readonly string[]] | 'controller', world: World = bare): Promise<Done> {
  const module = await loadModule(name);
  const context: ModuleContext = { ...contextOf('rs1'), onController: on === 'controller' };
  const { steps, args: resolved } = await play(module, args, world, context);
  const outcomes: StepOutcome[] = [];
  for (const step of steps) {
    if (step.kind === 'control') outcomes.push(await step.run(new AbortController().signal));
    else if (on === 'controller') throw new Error('a step for a target');
    else outcomes.push(...parseOutcomes(await shell(on[0], on[1], renderSteps([step], NONCE)), [step], NONCE).outcomes);
  }
  const result = module.result?.(resolved, outcomes);
  return { outcome: outcomes[0], data: result?.data ?? {}, failed: result?.failed };
}

let dir: string;
let listener: Server;
let web: ReturnType<typeof createHttp>;
let openPort: number;
let url: string;
/** What was asked for under /list. */
const asked: string[] = [];

beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-actions-'));
  const listen = (server: Server) => new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => { resolve((server.address() as AddressInfo).port); }));
  listener = createServer((socket) => socket.destroy());
  openPort = await listen(listener);
  web = createHttp((request, reply) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url?.startsWith('/list') === true) asked.push(request.url);
      reply.statusCode = request.url === '/missing' ? 404 : 200;
      reply.end(`${String(request.method)} ${String(request.headers['x-odd'])} ${Buffer.concat(chunks).toString('utf8')}`);
    });
  });
  url = `http://127.0.0.1:${String(await listen(web))}/`;
});

afterAll(async () => {
  await Promise.all([new Promise((resolve) => listener.close(resolve)), new Promise((resolve) => web.close(resolve))]);
  rmSync(dir, { recursive: true, force: true });
});

describe.each([...SHELLS.map((entry) => ['target, ' + entry[0], entry] as const), ['controller', 'controller' as const] as const])('on the %s', (_name, on) => {
  it('waits for ports', async () => {
    expect((await act('wait_for', { port: openPort, timeout: 5 }, on)).outcome).toMatchObject({ exitCode: 0 });
    expect((await act('wait_for', { port: CLOSED_PORT, state: 'stopped', timeout: 5 }, on)).outcome).toMatchObject({ exitCode: 0 });
    expect((await act('wait_for', { port: CLOSED_PORT, timeout: 0, sleep: 0.1 }, on)).outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('not so after 0 s') as string });
    expect((await act('wait_for', { port: openPort, state: 'stopped', timeout: 0, sleep: 0.1 }, on)).outcome).toMatchObject({ exitCode: 1 });
  });

  it('asks for a URL as it is written', async () => {
    expect(await act('uri', { url: `${url}list?id={1,2}&range=[1-3]`, return_content: true }, on)).toMatchObject({ data: { status: 200, content: 'GET undefined ' }, failed: undefined });
    expect(asked.splice(0)).toEqual(['/list?id={1,2}&range=[1-3]']);
  });

  it('asks for URLs', async () => {
    const posted = await act('uri', { url, method: 'POST', headers: { 'X-Odd': `"quoted" \\ it's` }, body: 'a=1&"b"\nc', return_content: true }, on);
    expect(posted).toMatchObject({ data: { status: 200, url, content: `POST "quoted" \\ it's a=1&"b"\nc` } });
    expect(posted.failed).toBeUndefined();
    expect((await act('uri', { url: `${url}missing` }, on)).failed).toBe(`${url}missing answered 404, not 200`);
    expect(await act('uri', { url: `${url}missing`, status_code: [200, 404] }, on)).toMatchObject({ data: { status: 404 }, failed: undefined });
    expect((await act('uri', { url: `http://127.0.0.1:${String(CLOSED_PORT)}/`, timeout: 5 }, on)).outcome).toMatchObject({ exitCode: expect.any(Number) as number, stderr: expect.stringMatching(/connect|refused/i) as string });
  });
});

describe.each(SHELLS)('under %s', (program, args) => {
  const on = [program, args] as const;

  it('waits for paths', async () => {
    writeFileSync(path.join(dir, 'there'), '');
    expect((await act('wait_for', { path: path.join(dir, 'there') }, on)).outcome).toMatchObject({ exitCode: 0 });
    expect((await act('wait_for', { path: path.join(dir, 'there'), state: 'absent', timeout: 0, sleep: 0.1 }, on)).outcome).toMatchObject({ exitCode: 1 });
    expect((await act('wait_for', { path: path.join(dir, 'gone'), state: 'absent' }, on)).outcome).toMatchObject({ exitCode: 0 });
  });

  it('runs commands and shells', async () => {
    expect(await act('command', { cmd: `printf '%s|' "a b" $HOME c\\ d`, chdir: dir }, on)).toMatchObject({ data: { rc: 0, stdout: 'a b|$HOME|c d|', stdout_lines: ['a b|$HOME|c d|'], stderr_lines: [] } });
    expect(await act('command', { argv: ['cat'], stdin: 'read me' }, on)).toMatchObject({ data: { stdout: 'read me' } });
    expect(await act('shell', { cmd: 'echo $((6 * 7)); pwd; echo no >&2; exit 3', chdir: dir }, on)).toMatchObject({ data: { rc: 3, stdout: `42\n${dir}`, stderr: 'no' } });
  });
});

describe('guards', () => {
  it.each<[JsonObject, World, boolean]>([
    [{ creates: '/a' }, bare, true],
    [{ creates: '/a' }, lived, false],
    [{ removes: '/a' }, bare, false],
    [{ removes: '/a' }, lived, true],
  ])('%j', async (guard, world, runs) => {
    const { changes, steps } = await play(await loadModule('command'), { cmd: 'true', ...guard }, world, contextOf('rs1'));
    expect([changes.length, steps.length]).toEqual(runs ? [1, 1] : [0, 0]);
    if (runs) expect(changes).toEqual([{ path: 'command', before: null, after: 'true' }]);
  });

  it.each<[string, JsonObject]>([
    ['command', {}],
    ['command', { cmd: 'a', argv: ['a'] }],
    ['wait_for', { timeout: 1 }],
    ['wait_for', { port: 1, path: '/a' }],
    ['copy', { dest: '/a' }],
    ['copy', { dest: '/a', src: 'a', content: 'a' }],
    ['file', { path: '/a', state: 'link' }],
    ['file', { path: '/a', src: 'b' }],
    ['sysctl', { name: 'net.a' }],
    ['ip_address', { interface: 'lo', address: '192.168.0.38' }],
    ['ip_address', { interface: 'lo', address: 'vip/32' }],
  ])('%s refuses %j', async (name, args) => {
    await expect((async () => play(await loadModule(name), args, bare, contextOf('rs1')))()).rejects.toMatchObject({ code: 'bad-argument', kind: 'input', hint: expect.any(String) as string });
  });
});

describe('words', () => {
  const result = async (name: string, args: Json) => (await loadModule(name)).result?.(args, []);

  it('judges assertions', async () => {
    const one = (expression: string, holds: Json) => ({ expression, result: holds });
    expect(await result('assert', { that: [one('a', true), one('b', true)] })).toEqual({ data: { msg: 'All assertions passed' } });
    expect(await result('assert', { that: one('a', true), success_msg: 'fine' })).toEqual({ data: { msg: 'fine' } });
    expect(await result('assert', { that: [one('a', true), one('b > 1', false)], fail_msg: 'too few' })).toMatchObject({ failed: 'too few: b > 1', data: { assertion: 'b > 1' } });
    // Neither 1 nor "yes" is true.
    expect(await result('assert', { that: one('count', 1) })).toMatchObject({ failed: 'assertion failed: count' });
  });

  it('shows messages and values', async () => {
    expect(await result('debug', { msg: 'text' })).toEqual({ data: { msg: 'text' } });
    expect(await result('debug', { var: { expression: 'a', result: [1, 2] } })).toEqual({ data: { msg: [1, 2] } });
    expect(await result('fail', { msg: 'why' })).toMatchObject({ failed: 'why' });
    const facts = await result('set_fact', { port: 8080, list: [1] });
    expect(isJsonObject(facts?.data) && facts.data).toEqual({ port: 8080, list: [1] });
  });
});

describe('looking at other hosts without tools', () => {
  it('says what is missing', async () => {
    const { steps } = await play(await loadModule('wait_for'), { host: '192.0.2.1', port: 80, timeout: 0 }, bare, contextOf('rs1'));
    const script = renderSteps(steps, NONCE);
    const { stderr } = spawnSync('/bin/dash', { input: `PATH=${dir}\n${script}`, encoding: 'utf8' });
    expect(stderr).toContain('delegate_to: localhost');
    expect(existsSync(path.join(dir, 'nc'))).toBe(false);
  });
});
