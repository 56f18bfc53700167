import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failedOverIn, failoverChange, failoverPath, type FailoverRecord, failoverWords, formatFailover, PAIR_NAME, parseFailover, targetInWords } from '../../../../src/lvs/failover/record.ts';

const names = fc.stringMatching(new RegExp(PAIR_NAME));
const records: fc.Arbitrary<FailoverRecord> = fc.record({ version: fc.constant(1 as const), pair: names, to: names, by: fc.string(), reason: fc.string(), since: fc.string(), until: fc.option(fc.string()) });

describe('the record of a failover', () => {
  it('is one line, and what was written is read', () => {
    fc.assert(
      fc.property(records, (record) => {
        const text = formatFailover(record);
        expect(text.indexOf('\n')).toBe(text.length - 1);
        expect(parseFailover(text)).toEqual(record);
      }),
    );
  });

  it('tells its director in words, and its pair in the path of a change', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(targetInWords(failoverWords(record))).toBe(record.to);
        expect(failedOverIn(failoverChange(record.pair))).toBe(record.pair);
      }),
    );
    expect(targetInWords(null)).toBeUndefined();
    expect(failedOverIn('drain of rs1')).toBeUndefined();
  });

  it.each(['', 'x', '[]', '{}', '{"version":1,"pair":"edge"}', '{"version":2,"pair":"edge","to":"lvs2"}', '{"version":1,"pair":7,"to":"lvs2"}'])('is none: %s', (text) => {
    expect(parseFailover(text)).toBeUndefined();
  });

  it('lies in a folder of its own, and no name of a pair leads out of it', () => {
    expect(failoverPath('/var/lib/x', 'edge')).toBe('/var/lib/x/failovers/edge.json');
    fc.assert(fc.property(names, (name) => !name.includes('/')));
  });
});
