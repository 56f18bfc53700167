import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitBatches } from '../../../src/plan/compile/batches.ts';

const hosts = (count: number) => Array.from({ length: count }, (_, i) => `h${String(i)}`);

describe('splitBatches', () => {
  it.each<[number, (number | string)[], number[]]>([
    [5, [], [5]],
    [5, [1], [1, 1, 1, 1, 1]],
    [5, [2], [2, 2, 1]],
    [10, ['30%'], [3, 3, 3, 1]],
    [3, ['10%'], [1, 1, 1]],
    [6, [1, 2], [1, 2, 2, 1]],
    [10, [1, '50%'], [1, 5, 4]],
    [4, ['2'], [2, 2]],
    [4, [0], [4]],
    [0, [1], []],
  ])('%d hosts with serial %j give batches of %j, as in Ansible', (count, serial, sizes) => {
    expect(splitBatches(hosts(count), serial).map((batch) => batch.length)).toEqual(sizes);
  });

  it.each([['x'], [-1], [1.5], ['%']])('refuses %j at its place', (size) => {
    const position = { file: 'play.yml', line: 3, column: 5 };
    expect(() => splitBatches(hosts(2), [size], position)).toThrow(expect.objectContaining({ code: 'bad-serial', position }) as Error);
  });

  it('takes every host once, in order', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 100 }).map((n) => `${String(n)}%`));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.array(size, { maxLength: 4 }), (count, serial) => {
        expect(splitBatches(hosts(count), serial).flat()).toEqual(hosts(count));
      }),
    );
  });
});
