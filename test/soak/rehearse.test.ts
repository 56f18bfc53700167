import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, lvsPlay, must, startLvsPlay } from '../lab/support.ts';

const LAB = 'rehearsal';
const INVENTORY = 'inventories/dr-keepalived-pair/hosts.yml';

/** What is looked at here of the document. */
interface Document {
  readonly ok: boolean;
  readonly broken: readonly string[];
  readonly deploy: { readonly code: number; readonly changed: Record<string, number> };
  readonly again: { readonly changed: Record<string, number> };
  readonly left: { readonly changes: readonly unknown[] };
  readonly drills: readonly {
    readonly drill: string;
    readonly what: readonly string[];
    readonly verdict: string;
    readonly services: readonly { readonly failed: number; readonly sent: number; readonly verdict: string; readonly lost: { readonly first: number; readonly last: number } | null }[];
    readonly findings: readonly { readonly ok: boolean; readonly text: string }[];
  }[];
}

describe('a rehearsal', () => {
  let folder: string;
  let first: CliResult;
  const rehearse = (...args: string[]): Promise<CliResult> => lvsPlay(['rehearse', 'playbooks/demo.yml', ...args]);
  const documentOf = ({ stdout }: CliResult): Document => JSON.parse(stdout) as Document;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-rehearse-'));
    await lvsPlay(['lab', 'down', '--name', LAB]);
    first = await rehearse('-i', INVENTORY, '--name', LAB, '--keep', '--install', 'ipvsadm,keepalived,nginx-light', '--drill', 'controller-killed,service-stopped,director-crashed', '--json');
  });
  afterAll(async () => {
    await must(lvsPlay(['lab', 'down', '--name', LAB]));
    await rm(folder, { recursive: true, force: true });
  });

  it('deploys, finds nothing left to do, and keeps every promise through the faults', () => {
    expect(first.code, first.stderr).toBe(0);
    const document = documentOf(first);
    expect(document).toMatchObject({ ok: true, broken: [], deploy: { code: 0 } });
    expect(Object.keys(document.deploy.changed)).toEqual(expect.arrayContaining(['lvs1', 'lvs2', 'rs1', 'rs2']));
    expect(Object.values(document.again.changed).filter((count) => count > 0)).toEqual([]);
    expect(document.left.changes).toEqual([]);
    expect(document.drills.map(({ drill, what, verdict }) => [drill, what.join(), verdict])).toEqual([
      ['service-stopped', 'nginx.service on rs1', 'kept'],
      ['director-crashed', 'lvs1', 'kept'],
      ['controller-killed', 'lvs-play, while rs1 in web got weight 2', 'kept'],
    ]);
  });

  it('has asked all the while: what a stopped server costs is seen, and a killed controller costs nothing', () => {
    const [stopped, crashed, killed] = documentOf(first).drills.map(({ services }) => services[0]);
    for (const one of [stopped, crashed, killed]) expect(one?.sent).toBeGreaterThan(50);
    expect(stopped?.failed).toBeGreaterThan(0);
    expect(killed?.failed).toBe(0);
    expect(documentOf(first).drills[2]?.findings.map(({ text }) => text).join('\n')).toMatch(/resume ended it[^]*verified[^]*taken back \(2 changes\)/);
    expect(documentOf(first).drills[1]?.findings).toContainEqual({ ok: true, text: 'edge: held by lvs1' });
  });

  it('ends with 8 and says why when a promise does not hold: a check that never fails', async () => {
    const text = await readFile(INVENTORY, 'utf8');
    const check = '{ type: tcp, connect_timeout: 3, retry: 3, delay_before_retry: 3 }';
    expect(text).toContain(check);
    await writeFile(path.join(folder, 'hosts.yml'), text.replace(check, '{ type: misc, command: [/bin/true], timeout: 1, retry: 0 }').replace('check_interval: 6', 'check_interval: 1'));
    const { code, stdout, stderr } = await rehearse('-i', path.join(folder, 'hosts.yml'), '--lab', LAB, '--drill', 'service-stopped', '--report', path.join(folder, 'report.json'));
    expect(code, stderr).toBe(8);
    expect(stdout).toMatch(/BROKEN {2}web {2}\d+ of \d+ requests failed[^\n]*; promised: lost within 2 s \(misc check: 1 s \+ 1 x 1 s\)/);
    expect(stdout).toMatch(/broken {2}service-stopped: web: a request failed that was sent [\d.]+ s after the fault/);
    const report = JSON.parse(await readFile(path.join(folder, 'report.json'), 'utf8')) as Document;
    expect(report.ok).toBe(false);
    // It was not this rehearsal's lab.
    expect((await lvsPlay(['lab', 'status', '--name', LAB])).code).toBe(0);
  });

  it('that is interrupted leaves no lab behind', async () => {
    const name = `${LAB}-stopped`;
    let heard = '';
    const started = startLvsPlay(['rehearse', 'playbooks/demo.yml', '-i', INVENTORY, '--name', name, '--install', 'ipvsadm,keepalived,nginx-light'], {
      onStderr: (soFar) => {
        // The nodes are up, and a deploy begins.
        if (heard === '' && soFar.includes('nodes are up')) {
          heard = soFar;
          started.kill('SIGTERM');
        }
      },
    });
    const { code, stderr } = await started.result;
    expect(code, stderr).toBe(130);
    expect((await lvsPlay(['lab', 'status', '--name', name])).stderr).toContain(`no lab named ${name} is up`);
  });
});
