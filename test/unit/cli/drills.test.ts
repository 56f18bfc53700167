import { describe, expect, it } from 'vitest';
import { liveDrill } from '../../../src/cli/failover/drills.ts';
import type { Target } from '../../../src/transport/target.ts';

/** A host that does what it is told. */
function recorder(exitCode = 0): { scripts: string[]; target: (host: string) => Promise<Target> } {
  const scripts: string[] = [];
  const request: Target['request'] = ({ script, become }) => {
    scripts.push(`${become === true ? 'root' : 'user'}: ${script}`);
    return Promise.resolve({ stdout: Buffer.alloc(0), stderr: Buffer.from('no such unit\n'), exitCode });
  };
  return { scripts, target: () => Promise.resolve({ request } as Target) };
}

describe('a drill on a real cluster', () => {
  it('never isolates: two would hold', () => {
    expect(() => liveDrill('isolate', 'edge', recorder().target)).toThrow(expect.objectContaining({ code: 'drill-in-lab-only', kind: 'usage', hint: expect.stringContaining('lvs-play lab up') as string }) as Error);
  });

  it('kills only by --yes, and says that both will hold', () => {
    const { askable, warning } = liveDrill('crash', 'edge', recorder().target);
    expect(askable).toBe(false);
    expect(warning).toMatch(/SIGKILL.*both answer ARP/);
    expect(liveDrill('stop', 'edge', recorder().target).askable).toBe(true);
  });

  it.each([
    ['stop', 'systemctl stop keepalived.service'],
    ['crash', 'systemctl kill --signal=KILL keepalived.service'],
  ] as const)('%s: a timer on the host is there before the harm, and gone before keepalived starts again', async (kind, harm) => {
    const { scripts, target } = recorder();
    const { means } = liveDrill(kind, 'edge', target);
    await means.harm('lvs1');
    await means.mend('lvs1');
    const [done = '', undone = ''] = scripts;
    expect(done).toMatch(/^root: set -e\n/);
    expect(done.indexOf('systemd-run')).toBeGreaterThan(0);
    expect(done.indexOf('systemd-run')).toBeLessThan(done.indexOf(harm));
    expect(undone.indexOf('stop lvs-play-drill.timer')).toBeLessThan(undone.indexOf('systemctl start keepalived.service'));
  });

  it('that a host cannot play is told', async () => {
    await expect(liveDrill('stop', 'edge', recorder(1).target).means.harm('lvs1')).rejects.toThrow(/lvs1: no such unit/);
  });
});
