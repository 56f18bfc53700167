import { expect, it } from 'vitest';
import { clockOf, parseMonitor } from '../../../../src/apply/pair/watch.ts';

it('reads what ip monitor tells, in the time of the controller', () => {
  const text = [
    '[2026-11-23T19:31:25.242172] 1: lo    inet 10.9.9.9/32 scope global lo\\       valid_lft forever preferred_lft forever',
    '[2026-11-23T19:31:27.773289] Deleted 2: eth0    inet 192.168.0.38/32 scope global eth0\\       valid_lft forever preferred_lft forever',
    '[2026-11-23T19:31:28.000000] 3: eth0.5@eth0    inet6 2001:db8::38/64 scope global',
    'Dump was interrupted',
    '[2026-11-23T19:31:28.1',
  ].join('\n');
  const at = Date.parse('2026-11-23T19:31:25.242Z');
  expect(parseMonitor(text, 242)).toEqual([
    { at: at - 242, address: '10.9.9.9', gained: true },
    { at: at - 242 + 2531, address: '192.168.0.38', gained: false },
    { at: at - 242 + 2758, address: '2001:db8::38', gained: true },
  ]);
});

it.each([
  ['1795462285211500652', 1795462285000, 1795462285100, { offset: 161, uncertainty: 51 }],
  ['1795462285N', 1795462285000, 1795462285100, { offset: 450, uncertainty: 550 }],
])('compares clocks by an exchange: %s', (told, sent, received, expected) => {
  expect(clockOf(told, sent, received)).toEqual(expected);
});
