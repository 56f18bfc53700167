import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, lvsPlay, scratch, startLvsPlay, TestLab } from './support.ts';

const NAME = 'e2e-lab';
const INVENTORY = 'all: { hosts: { one: { ansible_host: 10.77.0.1 }, two: { ansible_host: 10.77.0.2 } } }\n';

/** What a lab could leave behind: processes that name it, its namespace, its folder. */
function remains(): string[] {
  const processes = readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(`labs/${NAME}/`) || command.includes(`lvsplay-${NAME}`) ? [command] : [];
      } catch {
        // It ended just now.
        return [];
      }
    });
  const namespace = existsSync(`/run/netns/lvsplay-${NAME}`) ? ['namespace'] : [];
  const home = process.env['XDG_STATE_HOME'] ?? path.join(process.env['HOME'] ?? '/root', '.local/state');
  const folder = existsSync(path.join(home, 'lvs-play/labs', NAME)) ? ['folder'] : [];
  return [...processes, ...namespace, ...folder];
}

let remove: () => Promise<void> = () => Promise.resolve();
afterEach(async () => {
  await lvsPlay(['lab', 'down', '--name', NAME]);
  await remove();
});

async function inventoryFile(): Promise<string> {
  const files = await scratch({ 'hosts.yml': INVENTORY });
  remove = files.remove;
  return path.join(files.dir, 'hosts.yml');
}

describe('a lab', () => {
  it('survives the faults that tests need, and leaves nothing behind', async () => {
    const lab = await TestLab.up(NAME, await inventoryFile());
    expect(remains().length).toBeGreaterThan(0);
    expect(await lab.sh('one', 'hostname; command -v ipvsadm keepalived nginx || true')).toBe('one\n');
    // Bare is what a cloud image is: no package lists, no module of IPVS and so none of its parameters, nothing of keepalived's.
    expect(await lab.sh('one', 'find /var/lib/apt/lists -mindepth 1 ! -path "*/partial"; ls /var/cache/apt/*.bin 2>/dev/null; grep -c ^ip_vs /proc/modules; ls -d /proc/sys/net/ipv4/vs /etc/keepalived 2>/dev/null; apt-cache policy keepalived')).toBe('0\n');
    await lab.sh('one', 'echo kept > /root/kept && sync');
    await lab.fault('crash', 'one');
    expect((await lab.client('ping', '-c', '1', '-W', '1', '10.77.0.1')).code).not.toBe(0);
    await lab.fault('boot', 'one');
    expect(await lab.sh('one', 'cat /root/kept')).toBe('kept\n');
    // A node that goes on sending while it is cut off is there again afterwards.
    await lab.sh('two', 'setsid ping -i 0.2 -w 60 10.77.0.254 >/dev/null 2>&1 </dev/null &');
    await lab.fault('cut', 'two');
    expect((await lab.client('ping', '-c', '5', '-i', '0.2', '-W', '1', '10.77.0.2')).code).not.toBe(0);
    expect((await lvsPlay(['lab', 'status', '--name', NAME])).stdout).toMatch(/two .*cut/);
    await lab.fault('heal', 'two');
    await eventually(() => lab.client('ping', '-c', '1', '-W', '1', '10.77.0.2'), ({ code }) => code === 0);
    await lab.fault('pause', 'two');
    expect((await lab.client('ping', '-c', '1', '-W', '1', '10.77.0.2')).code).not.toBe(0);
    await lab.fault('resume', 'two');
    await eventually(() => lab.client('ping', '-c', '1', '-W', '1', '10.77.0.2'), ({ code }) => code === 0);
    const bootId = await lab.sh('one', 'cat /proc/sys/kernel/random/boot_id');
    await lab.fault('reboot', 'one');
    expect(await lab.sh('one', 'cat /proc/sys/kernel/random/boot_id')).not.toBe(bootId);
    await lab.down();
    await eventually(() => Promise.resolve(remains()), (left) => left.length === 0);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGKILL', null],
  ] as const)('%s in the middle of booting leaves nothing behind', async (signal, code) => {
    const run = startLvsPlay(['lab', 'up', '--name', NAME, '-i', await inventoryFile()]);
    await eventually(() => Promise.resolve(remains()), (there) => there.filter((one) => one.includes('umid=')).length > 0);
    run.kill(signal);
    expect((await run.result).code).toBe(code);
    await eventually(() => Promise.resolve(remains()), (left) => left.length === 0);
  });
});
