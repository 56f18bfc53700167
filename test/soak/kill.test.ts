import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, lvsPlay, startLvsPlay, TestLab } from '../lab/support.ts';

const HOSTS = ['lvs1', 'lvs2', 'rs1', 'rs2'] as const;
const VIP = '192.168.0.38';

let lab: TestLab;

beforeAll(async () => {
  lab = await TestLab.up('e2e-kill', 'inventories/dr-keepalived-pair/hosts.yml');
});

afterAll(async () => {
  await lab.down();
});

describe('a controller that is killed in the middle of a deploy', () => {
  it.each([
    ['while packages are being installed', /Install nginx/],
    ['while a director is being set up', /Install ipvsadm/],
    ['while files are being written', /keepalived\.conf|Write a page/],
  ])('%s: nothing is left that the next deploy cannot finish', async (_when, task) => {
    const args = ['deploy', 'playbooks/demo.yml', '-i', lab.overlay];
    let killed = false;
    const run = startLvsPlay([...args, '--events', '-'], {
      onEvent: (event) => {
        if (event.type !== 'task-started' || !task.test(event.task?.name ?? '') || killed) return;
        killed = true;
        // A moment later, so that the request is on its way.
        setTimeout(() => {
          run.kill('SIGKILL');
        }, 400);
      },
    });
    expect((await run.result).code).toBeNull();
    expect(killed).toBe(true);
  });

  it('converges then, with no half file and nothing that blocks', async () => {
    const args = ['deploy', 'playbooks/demo.yml', '-i', lab.overlay];
    const finish = await lvsPlay(args);
    expect(finish.code, finish.stderr).toBe(0);
    const again = await lvsPlay([...args, '--json']);
    expect(again.code, again.stderr).toBe(0);
    const { recap } = JSON.parse(again.stdout) as { recap: Record<string, { changed: number }> };
    for (const host of HOSTS) expect(recap[host], host).toMatchObject({ changed: 0, failed: 0 });
    for (const host of HOSTS) {
      const left = "find / -xdev -name '*.lvs-play.*' 2>/dev/null; dpkg --audit; ls /usr/sbin/policy-rc.d 2>/dev/null || true";
      expect(await lab.sh(host, left), host).toBe('');
    }
    const names = await eventually(
      () => lab.answers(VIP, 8),
      (seen) => seen.includes('rs1') && seen.includes('rs2'),
    );
    expect(new Set(names)).toEqual(new Set(['rs1', 'rs2']));
  });
});
