import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DrainRecord, drainPath, drainWords, formatDrain, isDrainWeight, parseDrain, weightInWords, weightUnder } from '../../../../src/lvs/drain/record.ts';
import { withDrains } from '../../../../src/lvs/drain/topology.ts';
import { EXAMPLE, topologyOf } from '../support.ts';

const weights = fc.oneof(fc.constant('0'), fc.integer({ min: 1, max: 999_999_999 }).map(String), fc.integer({ min: 1, max: 100 }).map((share) => `${String(share)}%`));
const records: fc.Arbitrary<DrainRecord> = fc.record({
  version: fc.constant(1 as const),
  host: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._:-]*$/),
  weight: weights,
  by: fc.string(),
  reason: fc.string(),
  since: fc.string(),
  until: fc.option(fc.string()),
  run: fc.option(fc.string()),
});

describe('the record of a drain', () => {
  it('is one line, and what was written is read', () => {
    fc.assert(
      fc.property(records, (record) => {
        const text = formatDrain(record);
        expect(text.indexOf('\n')).toBe(text.length - 1);
        expect(parseDrain(text)).toEqual(record);
      }),
    );
  });

  it('tells its weight in words', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(weightInWords(drainWords(record))).toBe(record.weight);
      }),
    );
    expect(weightInWords(null)).toBeUndefined();
  });

  it.each(['', 'x', '[]', '{}', '{"version":1,"host":"rs1","weight":"200%"}', '{"version":1,"host":"rs1"}', '{"version":2,"host":"rs1","weight":"0"}'])('is none: %s', (text) => {
    expect(parseDrain(text)).toBeUndefined();
  });

  it.each(['rs1', 'rs-1.example.org', 'fe80::1'])('of %s has a place', (host) => {
    expect(drainPath('/var/lib/x', host)).toBe(`/var/lib/x/drains/${host}.json`);
  });

  it.each(['../rs1', 'a/b', '.', '..', '', '-x', 'a b'])('of %j has none', (host) => {
    expect(() => drainPath('/x', host)).toThrow(expect.objectContaining({ code: 'bad-host-name' }) as Error);
  });
});

describe('a weight under a drain', () => {
  it.each([
    ['0', 5, 0],
    ['0', 0, 0],
    ['1', 5, 1],
    ['1', 0, 0],
    ['9', 5, 5],
    ['25%', 8, 2],
    ['25%', 1, 1],
    ['25%', 0, 0],
    ['100%', 7, 7],
  ])('%s of %i is %i', (weight, configured, result) => {
    expect(weightUnder(weight, configured)).toBe(result);
  });

  it('never rises above what is configured, and only 0 makes it 0', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 0, max: 2147483647 }), (weight, configured) => {
        const under = weightUnder(weight, configured);
        expect(Number.isInteger(under)).toBe(true);
        expect(under).toBeLessThanOrEqual(configured);
        expect(under === 0).toBe(weight === '0' || configured === 0);
      }),
    );
  });

  it.each(['-1', '01', '0%', '101%', '1.5', '', 'x', '25 %'])('cannot be %j', (weight) => {
    expect(isDrainWeight(weight)).toBe(false);
  });
});

it('a topology has it wherever the host serves, and is the same where nothing is drained', () => {
  const topology = topologyOf(EXAMPLE);
  expect(withDrains(topology, new Map())).toBe(topology);
  const drained = withDrains(topology, new Map([['rs1', '0'], ['nobody', '0']]));
  expect([...drained.services.values()].flatMap(({ realServers }) => realServers.map(({ host, weight }) => `${host} ${String(weight)}`))).toEqual(['rs1 0', 'rs2 1']);
});
