import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployedPair } from '../lab/deployed.ts';
import { CLI, must, runDocument, type TestLab } from '../lab/support.ts';
import { failed, verified } from '../lab/verification.ts';

const VIP = '192.168.0.38';
const INVENTORY = 'inventories/dr-keepalived-pair/hosts.yml';

describe('verification while a pair fails over', () => {
  let lab: TestLab;

  beforeAll(async () => {
    lab = await deployedPair('verify-during');
    const quicker = await lab.edited(INVENTORY, ['check_interval: 6', 'check_interval: 2'], ['scheduler: rr', 'scheduler: wrr']);
    await must(lab.client('sh', '-c', `rm ${lab.overlay}/*.yml; cp ${quicker}/hosts.yml ${lab.overlay}/hosts.yml`));
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    await lab.held('lvs1', VIP);
  });
  afterAll(() => lab.down());

  const sh = (host: string, script: string): string[] => ['--', process.execPath, CLI, 'lab', 'exec', host, '--name', lab.name, '--', 'sh', '-c', script];

  it('a failover is a gap with a length and a name', async () => {
    const { code, report } = await verified(lab, '--requests', '4', '--during', ...sh('lvs1', 'systemctl stop keepalived'));
    expect(code).toBe(8);
    const [command, pulse, holders] = report.checks.filter(({ phase }) => phase === 'during');
    expect(command).toMatchObject({ verdict: 'pass', measured: expect.stringMatching(/^exit code 0/) as string });
    expect(pulse).toMatchObject({ verdict: 'fail', measured: expect.stringMatching(/longest gap \d+ ms/) as string });
    expect(holders).toMatchObject({ verdict: 'pass', measured: expect.stringMatching(/went from lvs1 to lvs2/) as string });
    await lab.sh('lvs1', 'systemctl start keepalived');
    await lab.held('lvs1', VIP);
  });

  it('may be tolerated', async () => {
    // It takes its addresses back a few seconds after it was started: within the command, not in the verification after it.
    const { code, report } = await verified(lab, '--requests', '4', '--settle', '30', '--tolerate-gap', '30s', '--during', ...sh('lvs1', 'systemctl stop keepalived; sleep 1; systemctl start keepalived; sleep 6'));
    expect(report.checks.filter(({ name }) => name === 'during')).toEqual([expect.objectContaining({ verdict: 'pass', reason: expect.stringMatching(/^tolerated: /) as string })]);
    expect([failed(report), code]).toEqual([[], 0]);
  });
});
