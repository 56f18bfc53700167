import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeView, RunEvent } from '../../../src/core/events.ts';
import { driftOfPlan, layerOf } from '../../../src/drift/layers.ts';
import { comparedInputs, fileOf, lastTouch, withRuns } from '../../../src/drift/since.ts';
import type { DriftItem, DriftReport } from '../../../src/drift/types.ts';
import type { JournaledRun, RunEnd, RunHeader } from '../../../src/journal/types.ts';
import { JournalWriter } from '../../../src/journal/write.ts';
import type { Plan, PlannedTask } from '../../../src/plan/types.ts';
import { driftJson, formatDrift } from '../../../src/report/plan/drift.ts';

describe('layers', () => {
  it.each([
    ['/etc/keepalived/keepalived.conf', 'disk'],
    ['/etc/keepalived/keepalived.conf mode', 'disk'],
    ['/srv/default route', 'disk'],
    ['sysctl net.ipv4.ip_forward', 'disk'],
    ['package keepalived', 'disk'],
    ['keepalived.service state', 'disk'],
    ['running configuration: edge priority', 'running'],
    ['ipvs TCP 192.168.0.38:80', 'kernel'],
    ['ipvs time-outs', 'kernel'],
    ['lo 192.168.0.38/32', 'kernel'],
    ['eth0 2001:db8::38/128', 'kernel'],
    ['default route', 'kernel'],
    ['firewall rules', 'kernel'],
    ['tunnel link ipip', 'kernel'],
    ['module ip_vs', 'kernel'],
  ])('%s: %s', (what, layer) => {
    expect(layerOf(what)).toBe(layer);
  });

  it('what runs each time, waits, or follows as a handler, is no difference', () => {
    const changes: ChangeView[] = [{ path: '/etc/x', before: 'a', after: 'b' }];
    const row = (id: string, more: Partial<PlannedTask>): PlannedTask => ({ host: 'h1', task: { id, play: 'p', name: id, module: 'copy', handler: false }, status: 'change', changes, predicted: false, notifies: [], ...more });
    const rows = [row('one', {}), row('runs', { status: 'runs' }), row('deferred', { status: 'deferred', changes: [] }), row('handler', { task: { id: 'h', play: 'p', name: 'h', module: 'service', handler: true } }), row('restart', { changes: [{ path: 'x.service state', before: 'active', after: 'restarted' }] }), row('two', { predicted: true })];
    const plan: Plan = { version: 1, createdAt: '', playbook: 'site.yml', inventory: 'hosts.yml', plays: [{ name: 'p', batches: [['h1']], tasks: rows }], unreachable: {}, failed: {} };
    expect(driftOfPlan(plan).map(({ task, predicted }) => [task, predicted])).toEqual([['one', false], ['two', true]]);
  });
});

const item = (more: Partial<DriftItem> & { readonly path?: string } = {}): DriftItem => ({ host: 'lvs1', layer: layerOf(more.path ?? '/etc/x'), change: { path: more.path ?? '/etc/x', before: 'a', after: 'b' }, task: 'Write it', module: 'copy', predicted: false, since: { changed: undefined, run: undefined }, ...more });
const finished = (at: number, host: string, module: string, ...paths: string[]): RunEvent => ({ at, type: 'task-finished', host, task: { id: '1', play: 'p', name: 't', module, handler: false }, outcome: { status: 'changed', changes: paths.map((one) => ({ path: one, before: null, after: 'x' })) } });

describe('since when', () => {
  const events = [finished(1, 'lvs1', 'copy', '/etc/x'), finished(2, 'lvs2', 'copy', '/etc/x'), finished(3, 'lvs1', 'copy', '/etc/y mode'), finished(4, 'lvs1', 'keepalived', '/etc/keepalived/keepalived.conf'), finished(5, 'lvs1', 'service', 'keepalived.service state'), finished(6, 'lvs1', 'ipvs', 'ipvs TCP 10.0.0.1:80')];

  it.each<[string, Partial<DriftItem> & { readonly path?: string }, number | undefined]>([
    ['a file', {}, 1],
    ['an attribute of a file that was written', { path: '/etc/x mode' }, 1],
    ['a file of which an attribute was set', { path: '/etc/y' }, 3],
    ['what nobody set', { path: '/etc/z' }, undefined],
    ['a host that nobody touched', { host: 'lvs3' }, undefined],
    ['what keepalived runs: when it was last started', { path: 'running configuration: edge priority', module: 'keepalived' }, 5],
    ['what keepalived filled', { path: 'ipvs TCP 192.168.0.38:80', module: 'keepalived' }, 5],
    ['a table without keepalived', { path: 'ipvs TCP 10.0.0.1:80', module: 'ipvs' }, 6],
    ['keepalived.conf itself', { path: '/etc/keepalived/keepalived.conf', module: 'keepalived' }, 4],
  ])('%s', (_what, about, at) => {
    expect(lastTouch(item(about), events)).toBe(at);
  });

  it('the file of a change', () => {
    expect(['/etc/x', '/etc/x mode', '/srv/a b', 'sysctl a', 'lo 10.0.0.1/32'].map(fileOf)).toEqual(['/etc/x', '/etc/x', '/srv/a b', undefined, undefined]);
  });
});

const header = (id: string, more: Partial<RunHeader> = {}): RunHeader => ({
  ...{ version: 1, id, command: 'deploy', line: 'deploy site.yml', playbook: 'site.yml', owner: 'ann@desk', reason: undefined, allowed: [], started: '2026-11-20T10:00:00Z', pid: 1, pidStarted: undefined, cwd: '/work', tool: '1' },
  options: { inventories: ['hosts.yml'], limit: [], tags: [], skipTags: [], startAtTask: undefined, forks: 1, user: undefined, become: false, becomeUser: undefined, privateKey: undefined, vaultPasswordFiles: [], extraVarFiles: [], extraVarsDigest: undefined },
  ...{ inputs: [], planDigest: undefined, changing: ['lvs1'], of: undefined },
  ...more,
});
const OK: RunEnd = { version: 1, at: '2026-11-20T10:05:00Z', result: 'ok', message: undefined, recap: {} };
const RUNS = ['20261120-100000-aaaa', '20261121-100000-bbbb', '20261122-100000-cccc'] as const;

describe('the journal', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-drift-'));
    const write = (id: string, event: RunEvent, more: Partial<RunHeader> = {}): void => {
      const writer = new JournalWriter(root, header(id, more));
      writer.line(`${JSON.stringify(event)}\n`);
      writer.end(OK);
      writer.close();
    };
    write(RUNS[0], finished(Date.parse('2026-11-20T10:01:00Z'), 'lvs1', 'copy', '/etc/x'));
    write(RUNS[1], finished(Date.parse('2026-11-21T10:01:00Z'), 'lvs1', 'copy', '/etc/y'));
    write(RUNS[2], finished(Date.parse('2026-11-22T10:01:00Z'), 'lvs1', 'copy', '/etc/x'), { cwd: '/elsewhere' });
  });
  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('knows the last run that set a thing, of this inventory alone', async () => {
    const origin = { inventories: ['/work/hosts.yml'], cwd: '/' };
    const found = await withRuns([item(), item({ path: '/etc/y' }), item({ path: '/etc/z' }), item({ host: 'lvs2' })], origin, root);
    expect(found.map(({ since }) => since.run?.id)).toEqual([RUNS[0], RUNS[1], undefined, undefined]);
    expect(found[0]?.since.run).toEqual({ id: RUNS[0], at: '2026-11-20T10:01:00.000Z', owner: 'ann@desk' });
    expect((await withRuns([item()], origin, path.join(root, 'none'))).map(({ since }) => since.run)).toEqual([undefined]);
  });
});

describe('what is desired', () => {
  const input = (name: string, sha256: string) => ({ path: name, sha256, suspicious: false });
  const run = (id: string, more: Partial<RunHeader>, end: RunEnd = OK): JournaledRun => ({ header: header(id, more), end, alive: false });
  const origin = { playbook: 'site.yml', inventories: ['hosts.yml'], cwd: '/work', inputs: [input('site.yml', 'a'), input('hosts.yml', 'b2'), input('/etc/shared.yml', 'c'), input('new.yml', 'd')] };
  const inputs = [input('site.yml', 'a'), input('hosts.yml', 'b'), input('/etc/shared.yml', 'c'), input('gone.yml', 'e')];

  it('changed since the last run of the same that ended well', () => {
    const failed = run(RUNS[2], { inputs: origin.inputs }, { ...OK, result: 'failed' });
    expect(comparedInputs(origin, [failed, run(RUNS[1], { inputs: origin.inputs, playbook: 'other.yml' }), run(RUNS[0], { inputs })])).toEqual({
      run: { id: RUNS[0], at: OK.at, owner: 'ann@desk' },
      changed: ['gone.yml', 'hosts.yml', 'new.yml'],
    });
  });

  it('is not judged where there was none', () => {
    expect(comparedInputs(origin, [run(RUNS[0], { inputs, cwd: '/elsewhere' })])).toEqual({ run: undefined, changed: [] });
  });
});

describe('the report', () => {
  const mark = { id: RUNS[0], at: '2026-11-20T10:05:00.000Z', owner: 'ann@desk' };
  const report: DriftReport = {
    ...{ playbook: 'site.yml', inventory: 'hosts.yml', hosts: ['lvs2', 'lvs1', 'rs1'] },
    desired: { run: mark, changed: ['hosts.yml'] },
    items: [
      { ...item({ path: 'ipvs TCP 192.168.0.38:80 rs1 192.168.0.18:80', module: 'keepalived' }), since: { changed: undefined, run: mark } },
      { ...item(), since: { changed: '2026-11-22T09:00:00.000Z', run: undefined } },
      item({ path: 'sysctl a' }),
    ],
    notCompared: [{ host: 'lvs2', what: 'keepalived did not tell what it runs' }],
    unreachable: { rs1: 'no route' },
    failed: {},
  };

  it('names host, layer and since when, or that nobody knows', () => {
    expect(formatDrift(report, { diff: false, color: false })).toBe(
      [
        '  lvs1',
        '    on disk  ~ /etc/x: a → b',
        '             changed 2026-11-22 09:00:00 UTC; no run of this journal set it',
        '    on disk  ~ sysctl a: a → b',
        '             since when is unknown: no run of this journal set it',
        '    kernel   ~ ipvs TCP 192.168.0.38:80 rs1 192.168.0.18:80: a → b',
        `             some time after run ${RUNS[0]} by ann@desk, 2026-11-20 10:05:00 UTC`,
        '',
        `desired: changed since run ${RUNS[0]} by ann@desk, 2026-11-20 10:05:00 UTC: hosts.yml; what follows from that was never deployed`,
        'not compared: [lvs2] keepalived did not tell what it runs',
        'unreachable: [rs1] no route',
        '',
        'Drift: 3 differences on 1 host (on disk: 2, kernel: 1); lvs-play deploy site.yml repairs it; unknown on lvs2 and rs1',
        '',
      ].join('\n'),
    );
    expect(formatDrift({ ...report, items: [], notCompared: [], unreachable: {}, desired: { run: undefined, changed: [] } }, { diff: false, color: false })).toBe('Drift: none on 3 hosts\n');
    const none = { ...report, items: [], desired: { run: undefined, changed: [] } };
    expect(formatDrift(none, { diff: false, color: false })).toMatch(/\nDrift: none on 1 host; unknown on lvs2 and rs1\n$/);
    expect(formatDrift({ ...none, hosts: ['lvs2', 'rs1'] }, { diff: false, color: false })).toMatch(/\nDrift: unknown on lvs2 and rs1\n$/);
    expect(driftJson(none, '')).toMatchObject({ verdict: null });
  });

  it('is a versioned document', () => {
    expect(driftJson(report, '2026-11-23T00:00:00.000Z')).toMatchObject({ version: 2, command: 'drift', verdict: 'drift', unknown: ['lvs2', 'rs1'], notCompared: [{ host: 'lvs2' }], desired: { changed: ['hosts.yml'] }, drift: [{ host: 'lvs1', layer: 'kernel', is: 'a', should: 'b', since: { changed: null, run: { id: RUNS[0] } } }, { since: { changed: '2026-11-22T09:00:00.000Z', run: null } }, { since: { changed: null, run: null } }] });
  });
});
