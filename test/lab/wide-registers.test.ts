import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lvsPlay, must, scratch, TestLab } from './support.ts';

const NAME = 'e2e-wide';
const BEFORE = process.env['LVS_PLAY_LAB_XSTATE'];

/** Whether the kernel of the node runs with the library that hands on its registers whole. */
async function preloaded(): Promise<boolean> {
  const { nodes } = JSON.parse((await must(lvsPlay(['lab', 'status', '--name', NAME, '--json']))).stdout) as { nodes: { pid: number }[] };
  return readFileSync(`/proc/${String(nodes[0]!.pid)}/maps`, 'utf8').includes('/ptrace-xstate.so');
}

describe('a host with more register state than the lab has room for (11,008 bytes, as with AMX)', () => {
  let lab: TestLab;
  let remove: () => Promise<void> = () => Promise.resolve();

  beforeAll(async () => {
    process.env['LVS_PLAY_LAB_XSTATE'] = '11008';
    const files = await scratch({ 'hosts.yml': 'all: { hosts: { one: { ansible_host: 10.79.0.1 } } }\n' });
    remove = files.remove;
    lab = await TestLab.up(NAME, `${files.dir}/hosts.yml`);
  });
  afterAll(async () => {
    if (BEFORE === undefined) delete process.env['LVS_PLAY_LAB_XSTATE'];
    else process.env['LVS_PLAY_LAB_XSTATE'] = BEFORE;
    await lab.down();
    await remove();
  });

  it('boots a node that starts processes and computes with vectors', async () => {
    expect(await preloaded()).toBe(true);
    expect(await lab.sh('one', 'i=0; while [ $i -lt 50 ]; do /bin/true || exit; i=$((i + 1)); done; head -c 1000000 /dev/zero | sha256sum')).toBe('d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025  -\n');
  });

  it('has it again after a reboot of the guest and after a power cut', async () => {
    const bootId = await lab.sh('one', 'cat /proc/sys/kernel/random/boot_id');
    await lab.fault('reboot', 'one');
    expect(await lab.sh('one', 'cat /proc/sys/kernel/random/boot_id')).not.toBe(bootId);
    expect(await preloaded()).toBe(true);
    await lab.fault('crash', 'one');
    await lab.fault('boot', 'one');
    expect(await preloaded()).toBe(true);
  });

  it('is what the machine is checked for', async () => {
    const { stdout, code } = await lvsPlay(['lab', 'doctor', '--json']);
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { name: string; ok: boolean; found: string }[] };
    expect({ code, ok }).toEqual({ code: 0, ok: true });
    expect(checks.find(({ name }) => name === 'CPU state')?.found).toContain('pretended to be 11008 bytes');
    expect(checks.find(({ name }) => name === 'ptrace')?.ok).toBe(true);
  });
});
