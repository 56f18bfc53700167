import { describe, expect, it } from 'vitest';
import type { DrillResult } from '../../../src/rehearse/drills/types.ts';
import type { Rehearsal } from '../../../src/rehearse/types.ts';
import { formatRehearsal } from '../../../src/report/rehearsal.ts';
import { createStyle } from '../../../src/report/terminal/style.ts';

const DRILL: DrillResult = {
  drill: 'service-stopped',
  what: ['nginx.service on rs1'],
  seconds: 30.2,
  services: [
    { service: 'web', promise: { kind: 'lost-within', seconds: 15, words: 'lost within 15 s (tcp check)' }, sent: 300, failed: 70, faults: { refused: 70 }, gap: 412, lost: { first: 2600, last: 19_000 }, verdict: 'broken', reason: 'a request failed that was sent 19 s after the fault' },
    { service: 'shop', promise: { kind: 'nothing', words: 'nothing lost' }, sent: 300, failed: 0, faults: {}, gap: 120, lost: null, verdict: 'kept', reason: null },
  ],
  findings: [{ ok: true, text: 'verified' }],
  verdict: 'broken',
};

const REHEARSAL: Rehearsal = {
  version: 1,
  command: 'rehearse',
  at: '2026-11-29T17:00:00.000Z',
  playbook: 'site.yml',
  inventory: 'hosts.yml',
  seconds: 240,
  ok: false,
  unknown: [],
  broken: ['service-stopped: web: a request failed that was sent 19 s after the fault'],
  replica: {
    lab: 'x',
    booted: 9.5,
    sample: { hosts: ['lvs1', 'rs1', 'rs2'], pairs: [], services: [{ name: 'web', servers: ['rs1', 'rs2'], of: 3, weight: 2, ofWeight: 4, quorum: 3 }], left: { hosts: [{ host: 'rs3', why: 'others of its services stand for it' }], pairs: [], services: [] } },
    start: 'bare nodes',
  },
  deploy: { code: 0, seconds: 61.2, changed: { rs1: 2, lvs1: 1 }, changes: [{ host: 'rs1', task: 'Load (item=ip_vs)', what: [] }, { host: 'rs1', task: 'Load (item=ip_vs_rr)', what: [] }, { host: 'lvs1', task: 'Write keepalived.conf', what: [] }], failures: [] },
  again: { code: 0, seconds: 4, changed: {}, changes: [], failures: [] },
  verification: { ok: true, seconds: 7, report: {}, failures: [] },
  drills: [DRILL],
  left: { code: 0, seconds: 4, changed: {}, changes: [], failures: [] },
  skipped: [{ drill: 'link-cut', why: 'no' }],
  margin: 2000,
};

describe('a rehearsal for people', () => {
  it('says what changed, what was lost, for how long, and what was promised', () => {
    expect(formatRehearsal(REHEARSAL, createStyle(false))).toBe(`site.yml on a replica of hosts.yml: 3 nodes, from bare nodes
  left out: rs3 (others of its services stand for it)
  web: 2 of 3 real servers (rs1, rs2), weight 2 of 4: each gets a larger share than it will have; its quorum stays 3, which is NOT reached here

deploy       3 changes (61.2 s)
  lvs1: Write keepalived.conf
  rs1: Load
once more    nothing changed (4.0 s)
verify       ok (7.0 s)

service-stopped  nginx.service on rs1: the service of a real server stopped, and started again (30.2 s)
  BROKEN  web   70 of 300 requests failed, sent 2.6 s to 19.0 s after the fault; longest gap 0.4 s; promised: lost within 15 s (tcp check)
                a request failed that was sent 19 s after the fault
  kept    shop  300 requests, none failed; longest gap 0.1 s; promised: nothing lost
  ok      verified

plan after the faults: nothing changed (4.0 s)
link-cut: not made: no

broken  service-stopped: web: a request failed that was sent 19 s after the fault
Bounds are the configuration's own; measured with 2 s to spare for a busy machine.
1 promise was broken, in 240 s.
`);
  });

  it('a deploy that failed is all there is to say', () => {
    const failed: Rehearsal = { ...REHEARSAL, deploy: { code: 2, seconds: 3, changed: {}, changes: [], failures: ['[rs1] Install nginx: no such package'] }, again: null, verification: null, drills: [], left: null, skipped: [], broken: ['the deploy fails: x'] };
    expect(formatRehearsal(failed, createStyle(false))).toContain('deploy       FAILED with exit code 2: [rs1] Install nginx: no such package (3.0 s)\n\nbroken  the deploy fails: x\n');
  });
});
