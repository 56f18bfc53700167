import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DUMP_SCRIPT } from '../../../src/lvs/change/dump-script.ts';

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-dump-'));
  writeFileSync(path.join(dir, 'systemctl'), '#!/bin/sh\necho "MainPID=$DAEMON"\n');
  chmodSync(path.join(dir, 'systemctl'), 0o755);
});

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe.each([
  ['dash', []],
  ['busybox', ['sh']],
] as const)('asking keepalived under %s', (shell, words) => {
  const ask = (daemon: string): string => execFileSync(shell, [...words, '-c', DUMP_SCRIPT], { encoding: 'utf8', env: { ...process.env, PATH: `${dir}:${process.env['PATH'] ?? ''}`, DAEMON: daemon }, stdio: ['ignore', 'pipe', 'inherit'] });

  it('sends no signal to one that would die of it: it is only starting', async () => {
    const daemon = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(daemon, 'spawn');
    expect(ask(String(daemon.pid))).toBe('');
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    // SIGUSR1 would have come first.
    expect(await ended).toEqual([null, 'SIGTERM']);
  });

  it.each(['0', '', '4194304'])('says nothing where none runs: MainPID=%s', (pid) => {
    expect(ask(pid)).toBe('');
  });
});
