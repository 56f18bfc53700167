import { expect, it } from 'vitest';
import { formatVerification } from '../../../src/verify/format.ts';

it('is a table with a reason below each row that has one', () => {
  const text = formatVerification({
    version: 1,
    at: '2026-01-01T00:00:00.000Z',
    from: 'controller',
    ok: false,
    checks: [
      { name: 'holder', subject: '192.168.0.38', verdict: 'pass', measured: 'held by lvs1', expected: 'one' },
      { name: 'arp', subject: '192.168.0.38', verdict: 'fail', measured: 'a, b answer', expected: 'one', reason: '2 MACs answer' },
      { name: 'spread', subject: 'web', verdict: 'skip', measured: 'not measured', expected: 'even', reason: 'persistent' },
    ],
  });
  expect(text.split('\n')).toEqual([
    'ok    holder  192.168.0.38  held by lvs1',
    'FAIL  arp     192.168.0.38  a, b answer',
    '              2 MACs answer',
    '-     spread  web           not measured',
    '              persistent',
    'Verified from controller: 1 passed, 1 failed, 1 not judged.',
    '',
  ]);
});
