import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployedPair } from './deployed.ts';
import { lvsPlay, must, type TestLab } from './support.ts';

/** All drills, a promise that is broken, and a rehearsal that is interrupted: test/soak/rehearse.test.ts. */
describe('a rehearsal', () => {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await deployedPair('rehearsed');
  });
  afterAll(() => lab.down());

  it('deploys, finds nothing left to do, and keeps its promises while a web server is stopped and the holder of the virtual IP crashes', async () => {
    const run = await must(lvsPlay(['rehearse', 'playbooks/demo.yml', '-i', 'inventories/dr-keepalived-pair/hosts.yml', '--lab', lab.name, '--drill', 'service-stopped,director-crashed', '--json']));
    const document = JSON.parse(run.stdout) as { drills: { drill: string; verdict: string; services: { sent: number; failed: number }[] }[]; again: { changed: Record<string, number> }; left: { changes: unknown[] } };
    expect(document).toMatchObject({ ok: true, broken: [], deploy: { code: 0 }, left: { changes: [] } });
    expect(Object.values(document.again.changed).filter((count) => count > 0)).toEqual([]);
    expect(document.drills.map(({ drill, verdict }) => `${drill} ${verdict}`)).toEqual(['service-stopped kept', 'director-crashed kept']);
    // It has asked all the while, and saw what a stopped server costs.
    for (const { services } of document.drills) expect(services[0]?.sent).toBeGreaterThan(50);
    expect(document.drills[0]?.services[0]?.failed).toBeGreaterThan(0);
  });
});
