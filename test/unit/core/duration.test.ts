import { expect, it } from 'vitest';
import { parseDuration, parseMilliseconds } from '../../../src/core/text/duration.ts';

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

it.each([
  ['20ms', 20],
  ['500 ms', 500],
  ['2s', 2000],
  ['1m30s', 90_000],
  ['0ms', undefined],
  ['1s20ms', undefined],
  ['ms', undefined],
])('%j is %s milliseconds', (text, milliseconds) => {
  expect(parseMilliseconds(text)).toBe(milliseconds);
});
