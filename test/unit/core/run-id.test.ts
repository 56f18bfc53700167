import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newRunId } from '../../../src/core/run-id.ts';

describe('the name of a run', () => {
  it('sorts by time, also within one second: the last run is the one that was begun last', () => {
    const time = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2100, 0) });
    fc.assert(fc.property(time, fc.integer({ min: 4, max: 100_000 }), (begun, later) => newRunId(new Date(begun)) < newRunId(new Date(begun + later))));
  });

  it('has a time that people can read, and four digits', () => {
    expect(newRunId(new Date('2026-11-23T18:24:04.999Z'))).toMatch(/^20261123-182404-ff[0-9a-f]{2}$/);
    expect(newRunId(new Date('2026-11-23T18:24:04.000Z'))).toMatch(/^20261123-182404-00[0-9a-f]{2}$/);
  });
});
