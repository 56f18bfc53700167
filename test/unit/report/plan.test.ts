import { describe, expect, it } from 'vitest';
import { unifiedDiff } from '../../../src/core/text/diff.ts';
import { planJson } from '../../../src/report/documents.ts';
import { countPlan, formatPlan } from '../../../src/report/plan/plan-text.ts';
import { plan, planned } from './support.ts';

const TEXT = { path: '/etc/x', before: 'sha256:1', after: 'sha256:2', diff: unifiedDiff('/etc/x', 'a\nb\n', 'a\nc\n') };
const PLAN = plan([
  planned('rs1', { name: 'nothing', status: 'ok' }),
  planned('rs1', { name: 'write x', module: 'copy', status: 'change', changes: [TEXT], notifies: ['reload'] }),
  planned('rs2', { name: 'start', module: 'service', status: 'change', predicted: true, changes: [{ path: 'nginx state', before: 'stopped', after: 'started', impact: 'opens port 80' }] }),
  planned('rs2', { name: 'run', module: 'command', status: 'runs', changes: [{ path: 'command', before: null, after: 'make all' }] }),
  planned('rs2', { name: 'say', module: 'debug', status: 'runs' }),
  planned('rs2', { name: 'later', status: 'deferred', reason: 'depends on the result "r"' }),
  planned('rs2', { name: 'not now', status: 'skipped', reason: 'when: false' }),
]);

describe('a plan for people', () => {
  it('lists what would change, host by host', () => {
    expect(formatPlan(PLAN, { diff: false, color: false })).toBe(`Play: Web
  rs1
    write x [copy]
      ~ /etc/x: sha256:1 → sha256:2
      notifies reload
  rs2
    start [service] (predicted)
      ~ nginx state: stopped → started  (opens port 80)
    run [command] (runs)
      + command: make all
    later [package] (deferred) depends on the result "r"

Plan: 3 changes on 2 hosts; 1 predicted; 1 that runs each time; 1 deferred until the run
`);
  });

  it('shows the differences of texts when asked', () => {
    expect(formatPlan(PLAN, { diff: true, color: false })).toContain(`      ~ /etc/x: sha256:1 → sha256:2
        --- before: /etc/x
        +++ after: /etc/x
        @@ -1,2 +1,2 @@
         a
        -b
        +c
`);
  });

  it('says when there is nothing to do', () => {
    expect(formatPlan(plan([planned('rs1')]), { diff: true, color: false })).toBe('Plan: no changes\n');
  });

  it('names batches, handlers and hosts that cannot be reached', () => {
    const change = { path: 'a', before: 1, after: null };
    const batches = plan([planned('a', { changes: [change] }), { ...planned('b', { changes: [change] }), task: { ...planned('b').task, handler: true } }]);
    const text = formatPlan({ ...batches, plays: batches.plays.map((play) => ({ ...play, batches: [['a'], ['b']] })), unreachable: { c: 'no route' } }, { diff: false, color: false });
    expect(text).toContain('  a (batch 1 of 2)\n');
    expect(text).toContain('install nginx [package] (handler)\n      - a: 1\n');
    expect(text).toContain('unreachable: [c] no route\n');
    expect(text).toContain('Plan: 2 changes on 2 hosts; unknown on c');
  });

  it('lets no host write to the terminal by what it holds', () => {
    const evil = planned('a', { changes: [{ path: 'x\u001b[2J', before: '\u001b[2J', after: 'b', diff: '+\u001b]0;x\u0007' }] });
    expect(formatPlan(plan([evil]), { diff: true, color: false })).not.toContain('\u001b');
  });

  it('cuts long values', () => {
    const long = planned('a', { changes: [{ path: 'x', before: 'short', after: 'y'.repeat(500) }] });
    expect(Math.max(...formatPlan(plan([long]), { diff: false, color: false }).split('\n').map((line) => line.length))).toBeLessThan(150);
  });
});

describe('a plan for programs', () => {
  it('is one versioned document', () => {
    const recap = { rs1: { ok: 1, changed: 1, unreachable: 0, failed: 0, skipped: 0, rescued: 0, ignored: 0 } };
    const document = planJson(PLAN, { impact: { services: [], pairs: [], units: [], order: [] }, guards: [] }, { recap, stats: {} });
    expect(document).toMatchObject({ version: 1, command: 'plan', playbook: 'site.yml', hosts: ['rs1', 'rs2'], recap, stats: {}, counts: { changes: 3, hosts: 2, predicted: 1, runs: 1, deferred: 1, unreachable: 0 } });
    expect(document.tasks[1]).toEqual({ host: 'rs1', id: '0.0', play: 'Web', name: 'write x', module: 'copy', handler: false, status: 'change', changes: [TEXT], predicted: false, notifies: ['reload'] });
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  it('counts', () => {
    expect(countPlan(plan([]))).toEqual({ changes: 0, hosts: 0, predicted: 0, runs: 0, deferred: 0, unreachable: 0, failed: 0 });
  });
});
