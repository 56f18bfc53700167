import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployedPair } from './deployed.ts';
import { CLI, lvsPlay, must, runDocument, startLvsPlay, type TestLab } from './support.ts';
import { failed, type Report, verified } from './verification.ts';

const VIP = '192.168.0.38';
const INVENTORY = 'inventories/dr-keepalived-pair/hosts.yml';
const CLIENTS = '    clients: { hosts: { client1: { ansible_host: 192.168.0.70 } } }\n';

/** Failovers while it looks: test/soak/verify-during.test.ts. */
describe('verification of a pair in DR, as evidence', () => {
  let lab: TestLab;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-test-'));
    // A client of its own: a node more, which only asks.
    const given = path.join(folder, 'hosts.yml');
    await writeFile(given, (await readFile(INVENTORY, 'utf8')).replace('  vars:\n', `${CLIENTS}  vars:\n`).replace('check_interval: 6', 'check_interval: 2').replace('scheduler: rr', 'scheduler: wrr'));
    lab = await deployedPair('verify-evidence', given);
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    await lab.held('lvs1', VIP);
  });
  afterAll(async () => {
    await lab.down();
    await rm(folder, { recursive: true, force: true });
  });

  it('two vantages see the same, each for itself, and what was found is kept', async () => {
    const files = ['evidence.json', 'junit.xml'].map((name) => path.join(folder, name));
    const [evidence = '', junit = ''] = files;
    const { code, report, stderr } = await verified(lab, '--from', 'controller', '--from', 'clients', '--requests', '6', '--plan', 'playbooks/demo.yml', '--evidence', evidence, '--junit', junit, '-e', 'token=secret-value');
    expect([failed(report), code, stderr]).toEqual([[], 0, expect.any(String)]);
    expect(report).toMatchObject({ version: 3, from: ['controller', 'client1'] });
    const of = (name: string): string[] => report.checks.filter((check) => check.name === name && check.verdict === 'pass').map(({ from, subject }) => `${from ?? ''} ${subject}`.trim());
    expect(of('requests')).toEqual(['controller web', 'client1 web']);
    expect(of('return-path')).toEqual(['controller rs1', 'client1 rs1', 'controller rs2', 'client1 rs2']);
    expect(of('converged')).toEqual(['playbooks/demo.yml']);
    // Requests of both are judged together: twelve, half of them each.
    expect(report.checks.find(({ name }) => name === 'spread')).toMatchObject({ verdict: 'pass', measured: 'rs1 6, rs2 6' });

    expect(await readFile(junit, 'utf8')).toMatch(/<testsuite name="client1" /);
    const text = await readFile(evidence, 'utf8');
    expect(text).not.toContain('secret-value');
    expect((await must(lvsPlay(['verify', '--check-evidence', evidence]))).stdout).toMatch(/is intact: .*from controller, client1/);
    await writeFile(evidence, text.replace('"rs1 6, rs2 6"', '"rs1 7, rs2 5"'));
    expect(await lvsPlay(['verify', '--check-evidence', evidence])).toMatchObject({ code: 1, stderr: expect.stringMatching(/was changed: its digest does not fit/) as string });
  });

  it('a change of a weight loses nothing, and that is measured', async () => {
    const overlay = await lab.edited(path.join(folder, 'hosts.yml'), ['rs1: { weight: 1 }', 'rs1: { weight: 3 }']);
    const { code, report } = await verified(lab, '--during', '--requests', '8', '--', process.execPath, CLI, 'deploy', 'playbooks/demo.yml', '-i', overlay);
    const during = report.checks.filter(({ phase }) => phase === 'during');
    expect(during.map(({ name, verdict }) => `${name} ${verdict}`), `${failed(report).join('\n')}\n${JSON.stringify(report.pulses)}`).toEqual(['command pass', 'during pass', 'holders-during pass']);
    expect(during.at(-1)?.measured).toBe(`${VIP} was held by lvs1 all the while`);
    expect(report.pulses?.map(({ sent, answered, held }) => [sent > 50, sent - answered, held])).toEqual([[true, 0, { opened: 10, alive: 10, faults: {} }]]);
    // The inventory of this verification still has the old weights: it says so, afterwards only.
    expect(failed(report)).toEqual([expect.stringMatching(/^after table lvs1: /), expect.stringMatching(/^after table lvs2: /)]);
    expect(code).toBe(8);
    const after = await lvsPlay(['verify', '-i', overlay, '--json', '--requests', '9']);
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    expect((JSON.parse(after.stdout) as Report).checks.find(({ name }) => name === 'spread')).toMatchObject({ verdict: 'pass', measured: expect.stringMatching(/^rs1 [67], rs2 [23]$/) as string });
  });

  it('a watch tells what changes, and ends with the last word', async () => {
    let broken: Promise<string> | undefined;
    let rounds = 0;
    const watching = startLvsPlay(['verify', '-i', lab.overlay, '--watch', '1s', '--no-hosts', '--requests', '2', '--json'], {
      onEvent: (event) => {
        const report = event as unknown as Report;
        if (report.ok) broken ??= lab.sh('lvs2', `ipvsadm -e -t ${VIP}:80 -r 192.168.0.18:80 -g -w 7`);
        // What is not so after that many rounds will not be.
        else if (broken !== undefined || ++rounds > 15) watching.kill('SIGINT');
      },
    });
    const { code, stdout } = await watching.result;
    await broken;
    expect(code).toBe(8);
    expect(stdout.trim().split('\n').map((line) => (JSON.parse(line) as Report).ok)).toEqual(expect.arrayContaining([true, false]));
    await lab.sh('lvs2', `ipvsadm -e -t ${VIP}:80 -r 192.168.0.18:80 -g -w 1`);
  });
});
