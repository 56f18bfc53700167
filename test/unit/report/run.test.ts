import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/core/events.ts';
import { deployJson, eventLine } from '../../../src/report/documents.ts';
import { plainLines, plainReporter } from '../../../src/report/terminal/plain.ts';
import { formatRecap, formatStats } from '../../../src/report/recap.ts';
import { finished, PLAIN, QUIET } from './support.ts';

const RECAP = {
  rs1: { ok: 12, changed: 3, unreachable: 0, failed: 0, skipped: 1, rescued: 0, ignored: 0 },
  director1: { ok: 0, changed: 0, unreachable: 1, failed: 0, skipped: 0, rescued: 0, ignored: 0 },
};
const STATS = { rs1: { connections: 1, requests: 1, becomeRequests: 0, bytesSent: 1200, bytesReceived: 90 } };
const CHANGE = { path: 'nginx', before: null, after: '1.22' };
const EVENTS: readonly RunEvent[] = [
  { at: 1, type: 'run-started', command: 'deploy', playbook: 'site.yml', inventory: 'hosts.yml', hosts: ['rs1', 'director1'] },
  { at: 2, type: 'host-gathering', host: 'rs1' },
  { at: 3, type: 'host-lost', state: 'unreachable', host: 'director1', message: 'refused', hint: 'is it up?' },
  { at: 4, type: 'plan-made', hosts: [{ host: 'rs1', tasks: 2, changes: 1 }] },
  { at: 5, type: 'play-started', play: 'Web', hosts: ['rs1'], batches: 2 },
  { at: 6, type: 'batch-started', play: 'Web', batch: 0, hosts: ['rs1'] },
  { at: 7, type: 'task-started', host: 'rs1', task: { id: '0.0', play: 'Web', name: 'install nginx', module: 'package', handler: false } },
  finished('rs1', { status: 'changed', changes: [CHANGE], output: 'unpacking' }, {}, 8),
  finished('rs1', { status: 'failed', message: 'exit code 1', hint: 'read the log', output: 'no\nway' }, { name: 'start', id: '0.1' }, 9),
  { at: 10, type: 'message', level: 'warning', text: 'notified but not run: reload', host: 'rs1' },
  { at: 11, type: 'batch-started', play: 'Web', batch: 1, hosts: ['rs2'] },
  { at: 12, type: 'run-stopped', reason: 'rs1 failed', notStarted: ['rs2'] },
  { at: 13, type: 'run-finished', recap: RECAP, stats: STATS, interrupted: false },
];

describe('progress in a log', () => {
  it('is a line for each event, in Ansible\'s words', () => {
    const lines: string[] = [];
    const reporter = plainReporter((text) => lines.push(text), QUIET);
    for (const event of EVENTS) reporter.handle(event);
    expect(lines.join('')).toBe(`deploy: site.yml on 2 hosts of hosts.yml
unreachable: [director1] refused
  hint: is it up?
planned: 1 change on 1 host; unknown on director1

PLAY [Web]
changed: [rs1] install nginx
failed: [rs1] start: exit code 1
  hint: read the log
  | no
  | way
warning: [rs1] notified but not run: reload
batch 2: rs2
stopped: rs1 failed; not started: rs2
`);
  });

  it('says more with -v and -D', () => {
    const changed = EVENTS[7]!;
    expect(plainLines(changed, { ...QUIET, verbose: true }, PLAIN)).toEqual(['changed: [rs1] install nginx', '  + nginx: 1.22', '  | unpacking']);
    expect(plainLines(changed, { ...QUIET, diff: true }, PLAIN)).toEqual(['changed: [rs1] install nginx', '  + nginx: 1.22']);
  });

  it('always shows what debug has to say', () => {
    expect(plainLines(finished('a', { output: 'hi' }, { module: 'debug', name: 'say' }), QUIET, PLAIN)).toEqual(['ok: [a] say', '  | hi']);
  });

  it.each([
    ['ok', 'ok:'],
    ['skipped', 'skipping:'],
    ['ignored', 'failed (ignored):'],
  ] as const)('%s is told as %s', (status, word) => {
    expect(plainLines(finished('a', { status }), QUIET, PLAIN)[0]).toBe(`${word} [a] install nginx`);
  });
});

describe('the document of a deploy', () => {
  it('folds the events', () => {
    const document = deployJson(EVENTS);
    expect(document).toMatchObject({
      version: 1,
      command: 'deploy',
      hosts: ['rs1', 'director1'],
      plays: [{ name: 'Web', hosts: ['rs1'] }],
      unreachable: { director1: 'refused' },
      recap: RECAP,
      stats: STATS,
      stopped: { reason: 'rs1 failed', notStarted: ['rs2'] },
      interrupted: false,
    });
    expect(document.tasks).toEqual([
      { host: 'rs1', id: '0.0', play: 'Web', name: 'install nginx', module: 'package', handler: false, status: 'changed', changes: [CHANGE], output: 'unpacking' },
      expect.objectContaining({ host: 'rs1', id: '0.1', status: 'failed', message: 'exit code 1', hint: 'read the log' }),
    ]);
  });

  it('is whole even of a run that told nothing', () => {
    expect(deployJson([])).toMatchObject({ version: 1, hosts: [], tasks: [], recap: {}, interrupted: false });
  });

  it('and every event is one line of JSON', () => {
    for (const event of EVENTS) {
      expect(eventLine(event)).toMatch(/^[^\n]*\n$/);
      expect(JSON.parse(eventLine(event))).toEqual({ version: 1, ...event });
    }
  });
});

describe('the recap', () => {
  it('is Ansible\'s', () => {
    expect(formatRecap(RECAP, PLAIN)).toBe(`PLAY RECAP
rs1       : ok=12   changed=3    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
director1 : ok=0    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0
`);
  });

  it('has what the run cost beside it', () => {
    expect(formatStats(STATS, PLAIN)).toBe(`HOST  CONNECTIONS  REQUESTS  AS ROOT  BYTES SENT  BYTES RECEIVED
rs1             1         1        0        1200              90
`);
  });
});
