import { expect, it } from 'vitest';
import { changesBetween } from '../../../src/verify/changes.ts';
import { formatVerification } from '../../../src/verify/format.ts';
import { reportOf } from '../../../src/verify/report.ts';
import type { MeasuredCheck } from '../../../src/verify/types.ts';

const AT = '2026-01-01T00:00:01.000Z';
const HOLDER: MeasuredCheck = { name: 'holder', subject: '192.168.0.38', verdict: 'pass', measured: 'held by lvs1', expected: 'one', at: AT };
const ARP: MeasuredCheck = { name: 'arp', subject: '192.168.0.38', from: 'controller', verdict: 'fail', measured: 'a, b answer', expected: 'one', reason: '2 MACs answer', at: AT };
const SPREAD: MeasuredCheck = { name: 'spread', subject: 'web', verdict: 'skip', measured: 'not measured', expected: 'even', reason: 'persistent', at: AT };
const BEGUN = Date.parse('2026-01-01T00:00:00Z');
const report = (checks: readonly MeasuredCheck[], from = ['controller']) => reportOf(checks, from, BEGUN, BEGUN + 2000);

it('is a table with a reason below each row that has one', () => {
  expect(formatVerification(report([HOLDER, ARP, SPREAD])).split('\n')).toEqual([
    'ok    holder  192.168.0.38  held by lvs1',
    'FAIL  arp     192.168.0.38  a, b answer',
    '              2 MACs answer',
    '-     spread  web           not measured',
    '              persistent',
    'Verified from controller: 1 passed, 1 failed, 1 not judged.',
    '',
  ]);
});

it('says who saw it where there are several', () => {
  expect(formatVerification(report([HOLDER, ARP, { ...ARP, from: 'client1' }], ['controller', 'client1'])).split('\n')).toEqual([
    'ok    holder  192.168.0.38                  held by lvs1',
    'FAIL  arp     192.168.0.38 from controller  a, b answer',
    '              2 MACs answer',
    'FAIL  arp     192.168.0.38 from client1     a, b answer',
    '              2 MACs answer',
    'Verified from controller, client1: 1 passed, 2 failed, 0 not judged.',
    '',
  ]);
});

it('has a part for before, during and after', () => {
  const text = formatVerification(report([{ ...HOLDER, phase: 'before' }, { ...HOLDER, name: 'command', subject: 'true', phase: 'during' }, { ...HOLDER, phase: 'after' }]));
  expect(text.split('\n').filter((line) => /^(?:before|during|after):$/.test(line))).toEqual(['before:', 'during:', 'after:']);
  expect(text).toMatch(/^Verified from controller: 3 passed/m);
});

it('a report is good when no check failed', () => {
  expect(report([HOLDER, SPREAD])).toMatchObject({ version: 3, ok: true, unknown: [], begun: '2026-01-01T00:00:00.000Z', ended: '2026-01-01T00:00:02.000Z' });
  expect(report([HOLDER, ARP]).ok).toBe(false);
});

it('of a second look what changed is told, and nothing else', () => {
  const broken: MeasuredCheck = { ...HOLDER, verdict: 'fail', measured: 'held by nobody', reason: 'is keepalived running?' };
  expect(changesBetween(report([HOLDER, SPREAD]), report([{ ...HOLDER, at: '2026-01-01T00:00:09.000Z' }, SPREAD]))).toEqual([]);
  expect(changesBetween(report([HOLDER]), report([broken]))).toEqual([`${AT}  ok -> FAIL  holder 192.168.0.38: held by nobody (is keepalived running?)`]);
  expect(changesBetween(report([broken]), report([HOLDER]))).toEqual([`${AT}  FAIL -> ok  holder 192.168.0.38: held by lvs1`]);
  // Checks that come and go: findings about hosts do. One that passes is none.
  expect(changesBetween(report([HOLDER]), report([HOLDER, ARP]))).toEqual([`${AT}  new -> FAIL  arp 192.168.0.38 controller: a, b answer (2 MACs answer)`]);
  expect(changesBetween(report([HOLDER, ARP]), report([]))).toEqual(['2026-01-01T00:00:02.000Z  FAIL -> gone  arp 192.168.0.38 controller']);
  expect(changesBetween(report([]), report([HOLDER]))).toEqual([]);
  // Two findings of one rule are two rows.
  expect(changesBetween(report([ARP, ARP]), report([ARP]))).toEqual(['2026-01-01T00:00:02.000Z  FAIL -> gone  arp 192.168.0.38 controller #2']);
});
