import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { waitUntilFree } from '../../../src/apply/wait.ts';
import { APT_LOCKS_SCRIPT } from '../../../src/facts/system/apt-locks.ts';
import type { WaitStep } from '../../../src/modules/contract.ts';
import { fakeTarget, shellReply } from '../../../src/transport/fake.ts';

const STEP: WaitStep = { kind: 'wait', title: 'install a', script: 'who', looks: 4, stale: [] };

function watching(answers: readonly string[]) {
  const told: string[] = [];
  const slept: number[] = [];
  const interruption = new AbortController();
  const target = fakeTarget('lvs1', () => shellReply(answers[target.requests.length - 1] ?? answers.at(-1) ?? ''));
  const services = {
    tell: (text: string) => void told.push(text),
    sleep: (milliseconds: number) => {
      slept.push(milliseconds);
      return Promise.resolve();
    },
    signal: interruption.signal,
  };
  return { told, slept, interruption, target, wait: (step = STEP) => waitUntilFree(target, step, true, services) };
}

describe('waiting for a lock', () => {
  it('costs one question where nobody holds it', async () => {
    const { told, slept, target, wait } = watching(['']);
    expect(await wait()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect([told, slept, target.requests.length]).toEqual([[], [], 1]);
  });

  it('says once for each holder who it is, and goes on when the last is done', async () => {
    const { told, slept, wait } = watching(['dpkg (process 8) is at work\n', 'dpkg (process 8) is at work\n', 'apt-get (process 9) is at work\n', '']);
    expect((await wait()).exitCode).toBe(0);
    expect(told).toEqual(['lvs1: dpkg (process 8) is at work; waiting for it to finish', 'lvs1: apt-get (process 9) is at work; waiting for it to finish']);
    expect(slept).toHaveLength(3);
  });

  it('gives up after so many looks, and says for how long and who', async () => {
    const { slept, wait } = watching(['dpkg (process 8) is at work\n']);
    expect(await wait()).toEqual({ exitCode: 1, stdout: '', stderr: 'dpkg (process 8) is at work, for 8 s; nothing was changed' });
    expect(slept).toHaveLength(3);
  });

  it('ends with an interruption', async () => {
    const { interruption, wait } = watching(['dpkg (process 8) is at work\n']);
    interruption.abort();
    expect(await wait()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^interrupted/) as string });
  });
});

describe.each([
  ['dash', []],
  ['busybox', ['sh']],
] as const)('who holds the package manager, under %s', (program, args) => {
  const LOCK = 'use Fcntl; open my $file, ">>", $ARGV[0] or die; my $lock = pack("s s x4 q q l x4", F_WRLCK, 0, 0, 0, 0); fcntl($file, F_SETLK, $lock) or die "fcntl: $!"; $| = 1; print "held\\n"; <STDIN>;';

  it.each(['var/lib/dpkg/lock-frontend', 'var/lib/dpkg/lock', 'var/lib/apt/lists/lock', 'var/cache/apt/archives/lock'])('sees a lock of %s while it lasts', async (lock) => {
    const root = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-locks-'));
    const look = () => spawnSync(program, [...args, '-c', APT_LOCKS_SCRIPT.replaceAll('/var/', `${root}/var/`)], { encoding: 'utf8' });
    try {
      mkdirSync(path.join(root, path.dirname(lock)), { recursive: true });
      writeFileSync(path.join(root, lock), '');
      expect(look()).toMatchObject({ status: 0, stdout: '', stderr: '' });
      const holder = spawn('perl', ['-e', LOCK, path.join(root, lock)], { stdio: ['pipe', 'pipe', 'inherit'] });
      await once(holder.stdout, 'data');
      const { stdout } = look();
      holder.stdin.end();
      await once(holder, 'close');
      expect(stdout).toMatch(new RegExp(`^perl \\(process ${String(holder.pid)}(?:, [^ ]+\\.service)?\\) is at work\\n$`));
      expect(look()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
