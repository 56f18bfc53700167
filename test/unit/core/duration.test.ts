import { expect, it } from 'vitest';
import { parseDuration } from '../../../src/core/duration.ts';

it.each([
  ['90', 90],
  ['90s', 90],
  ['5m', 300],
  ['5 min', 300],
  ['2h', 7200],
  ['1d', 86400],
  ['1h30m', 5400],
  ['1h30', undefined],
  ['0', undefined],
  ['', undefined],
  ['-5m', undefined],
  ['5 minutes', undefined],
  ['m', undefined],
])('%j is %s seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});
