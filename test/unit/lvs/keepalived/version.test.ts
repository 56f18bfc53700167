import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atLeast, keepalivedVersion } from '../../../../src/lvs/keepalived/version.ts';

describe('keepalivedVersion', () => {
  it.each([
    ['1:2.2.7-1+b2', 2, 2, 7],
    ['2.2.8-r3', 2, 2, 8],
    ['v2.0.20', 2, 0, 20],
    ['2.1.5+git20210101-1', 2, 1, 5],
    ['2.3', 2, 3, 0],
    [' 1.3.5-19.el7\n', 1, 3, 5],
  ])('%j', (text, major, minor, patch) => {
    expect(keepalivedVersion(text)).toEqual({ major, minor, patch });
  });

  it.each(['', '<none>', '2', 'abc', '1:', '2.2.7.1'])('none in %j', (text) => {
    expect(keepalivedVersion(text)).toBeUndefined();
  });
});

describe('atLeast', () => {
  it('orders as the three numbers do', () => {
    const version = fc.record({ major: fc.nat(3), minor: fc.nat(3), patch: fc.nat(21) });
    fc.assert(
      fc.property(version, version, (a, b) => {
        const rank = (one: typeof a): number => one.major * 10_000 + one.minor * 100 + one.patch;
        expect(atLeast(a, `${String(b.major)}.${String(b.minor)}.${String(b.patch)}`)).toBe(rank(a) >= rank(b));
      }),
    );
  });

  it('takes 0 for what the minimum lacks', () => {
    expect(atLeast({ major: 2, minor: 2, patch: 0 }, '2.2')).toBe(true);
    expect(atLeast({ major: 2, minor: 1, patch: 9 }, '2.2')).toBe(false);
  });
});
