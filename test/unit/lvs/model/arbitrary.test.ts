import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../../src/core/errors.ts';
import { compareTables, expectedTable } from '../../../../src/lvs/ipvs/table.ts';
import { buildTopology } from '../../../../src/lvs/model/build.ts';
import { lvsValue } from '../arbitrary.ts';

it('takes every sound cluster', () => {
  fc.assert(
    fc.property(lvsValue(), ({ lvs, hosts }) => {
      try {
        const topology = buildTopology({ value: lvs, locate: () => undefined }, hosts);
        expect(topology.services.size).toBeGreaterThan(0);
        for (const director of topology.directors.keys()) {
          const table = expectedTable(topology, director);
          expect(compareTables(table, table)).toEqual([]);
        }
      } catch (error) {
        if (error instanceof InputErrors) throw new Error(error.errors.map((one) => `${one.code}: ${one.message}`).join('\n'), { cause: error });
        if (error instanceof LvsPlayError) throw new Error(`${error.code}: ${error.message}`, { cause: error });
        throw error;
      }
    }),
    { numRuns: 300 },
  );
});
