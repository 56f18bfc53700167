import { describe, expect, it } from 'vitest';
import { cpuOf, parseCpuList } from '../../../src/lab/cpu.ts';

describe('the CPU of a node', () => {
  it.each([
    ['0-3', [0, 1, 2, 3]],
    ['0-1,5,8-9', [0, 1, 5, 8, 9]],
    ['7', [7]],
    ['', []],
  ])('reads %s', (text, cpus) => {
    expect(parseCpuList(text)).toEqual(cpus);
  });

  it('gives the nodes of a lab those that are allowed, in turn', () => {
    const given = [0, 1, 2, 3, 4].map((index) => cpuOf([2, 5], 'default', index));
    expect(given).toEqual([given[0], given[1], given[0], given[1], given[0]]);
    expect([...given].sort()).toEqual(expect.arrayContaining([2, 5]));
    expect(cpuOf([2, 5], 'a', 0)).not.toBe(cpuOf([2, 5], 'b', 0));
  });

  it('names none where none is known', () => {
    expect(cpuOf([], 'default', 0)).toBeUndefined();
  });
});
