import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { clockOf, parseMonitor, startWatch } from '../../../../src/apply/pair/watch.ts';
import { localTarget } from '../../../../src/transport/local.ts';
import { connectionTo, removeDir, tempDir } from '../../transport/sshd.ts';

it('reads what ip monitor tells, in the time of the controller', () => {
  const text = [
    '[2026-11-23T19:31:25.242172] 1: lo    inet 10.9.9.9/32 scope global lo\\       valid_lft forever preferred_lft forever',
    '[2026-11-23T19:31:27.773289] Deleted 2: eth0    inet 192.168.0.38/32 scope global eth0\\       valid_lft forever preferred_lft forever',
    '[2026-11-23T19:31:28.000000] 3: eth0.5@eth0    inet6 2001:db8::38/64 scope global',
    'Dump was interrupted',
    '[2026-11-23T19:31:28.1',
  ].join('\n');
  const at = Date.parse('2026-11-23T19:31:25.242Z');
  expect(parseMonitor(text, 242)).toEqual([
    { at: at - 242, address: '10.9.9.9', gained: true },
    { at: at - 242 + 2531, address: '192.168.0.38', gained: false },
    { at: at - 242 + 2758, address: '2001:db8::38', gained: true },
  ]);
});

it.each([
  ['1795462285211500652', 1795462285000, 1795462285100, { offset: 161, uncertainty: 51 }],
  ['1795462285N', 1795462285000, 1795462285100, { offset: 450, uncertainty: 550 }],
])('compares clocks by an exchange: %s', (told, sent, received, expected) => {
  expect(clockOf(told, sent, received)).toEqual(expected);
});

it('sees all that happens between its beginning and its end, on a host that starts programs slowly', async () => {
  const dir = tempDir();
  const holder = spawn('unshare', ['-n', 'sh', '-c', 'echo ready; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const script = (name: string, text: string): string => {
    writeFileSync(path.join(dir, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path.join(dir, name);
  };
  const ip = execFileSync('sh', ['-c', 'command -v ip'], { encoding: 'utf8' }).trim();
  script('ip', `case "$*" in *monitor*) sleep 0.7 ;; esac\nexec ${ip} "$@"`);
  const shell = script('shell', `PATH=${dir}:$PATH exec nsenter -t ${String(holder.pid)} -n dash "$@"`);
  const target = localTarget(connectionTo({ port: 1, knownHosts: '', key: '' }, { host: 'lvs1', type: 'local', shell }));
  try {
    await target.request({ script: 'ip addr add 10.9.9.1/32 dev lo' });
    const watch = await startWatch('lvs1', target);
    await target.request({ script: 'ip addr del 10.9.9.1/32 dev lo; ip addr add 10.9.9.2/32 dev lo' });
    const log = await watch?.end();
    expect([...(log?.initial ?? [])]).toEqual(['10.9.9.1']);
    expect(log?.events.map(({ address, gained }) => [address, gained])).toEqual([['10.9.9.1', false], ['10.9.9.2', true]]);
    expect((await target.request({ script: 'ls /run/lvs-play-watch.* 2>/dev/null; :' })).stdout.toString()).toBe('');
  } finally {
    await target.close();
    holder.kill();
    removeDir(dir);
  }
});
