import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitsCycle, wrrCycle } from '../../../../src/verify/judge/cycle.ts';

/** ip_vs_wrr_schedule of Linux 6.1, as it is written there: `cl` and `cw` are all that it remembers. */
class KernelWrr {
  readonly #weights: readonly number[];
  readonly #di: number;
  readonly #mw: number;
  #cl = -1;
  #cw: number;

  constructor(weights: readonly number[]) {
    this.#weights = weights;
    const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
    this.#di = weights.filter((weight) => weight > 0).reduce(gcd, 0);
    this.#mw = Math.max(...weights) - (this.#di - 1);
    this.#cw = this.#mw;
  }

  next(): number {
    for (;;) {
      for (let index = this.#cl + 1; index < this.#weights.length; index++) {
        if ((this.#weights[index] ?? 0) >= this.#cw) {
          this.#cl = index;
          return index;
        }
      }
      this.#cl = -1;
      this.#cw -= this.#di;
      if (this.#cw <= 0) this.#cw = this.#mw;
    }
  }
}

const weightsArb = fc.array(fc.nat(12), { minLength: 1, maxLength: 5 }).filter((weights) => weights.some((weight) => weight > 0));

function countsOf(picks: readonly number[], servers: number): number[] {
  return Array.from({ length: servers }, (_, server) => picks.filter((pick) => pick === server).length);
}

function fits(weights: readonly number[], counts: readonly number[], sure: number): boolean {
  return fitsCycle(weights.map((weight, index) => ({ weight, count: counts[index] ?? 0 })), wrrCycle(weights) ?? [], sure);
}

describe('weighted round-robin', () => {
  it('is a cycle in which each server has its weight, from the highest level down', () => {
    expect(wrrCycle([4, 3, 2])).toEqual([0, 0, 1, 0, 1, 2, 0, 1, 2]);
    expect(wrrCycle([3, 0, 6])).toEqual([2, 0, 2]);
    expect(wrrCycle([1, 1, 1])).toEqual([0, 1, 2]);
    expect(wrrCycle([0, 0])).toBeUndefined();
    expect(wrrCycle([2_000_000_001, 1])).toBeUndefined();
  });

  it('whatever the kernel does, from any moment on, fits', () => {
    fc.assert(
      fc.property(weightsArb, fc.nat(60), fc.nat(80), (weights, before, sent) => {
        const kernel = new KernelWrr(weights);
        for (let i = 0; i < before; i++) kernel.next();
        const picks = Array.from({ length: sent }, () => kernel.next());
        expect(fits(weights, countsOf(picks, weights.length), sent)).toBe(true);
      }),
    );
  });

  it('and so do connections of others in between, counted or not yet counted for a server at either end', () => {
    fc.assert(
      fc.property(weightsArb, fc.nat(40), fc.array(fc.boolean(), { maxLength: 60 }), fc.array(fc.tuple(fc.nat(4), fc.nat(6)), { maxLength: 5 }), (weights, before, mixed, late) => {
        const kernel = new KernelWrr(weights);
        // Of those before, each server's last few are counted only now.
        const early = Array.from({ length: before }, () => kernel.next());
        const picks = mixed.map(() => kernel.next());
        const after = Array.from({ length: 20 }, () => kernel.next());
        const counts = countsOf(picks, weights.length).map((count, server) => {
          const [back = 0, ahead = 0] = late[server] ?? [];
          return count + Math.min(back, early.filter((pick) => pick === server).length) + Math.min(ahead, after.filter((pick) => pick === server).length);
        });
        // Ours are some of them.
        expect(fits(weights, counts, mixed.filter(Boolean).length)).toBe(true);
      }),
    );
  });

  it('of the counts of one and the same sum no others fit than some part of the cycle has', () => {
    fc.assert(
      fc.property(weightsArb, fc.array(fc.nat(9), { minLength: 5, maxLength: 5 }), (weights, drawn) => {
        const counts = weights.map((_, index) => drawn[index] ?? 0);
        const sent = counts.reduce((sum, count) => sum + count, 0);
        const cycle = wrrCycle(weights) ?? [];
        const windows = cycle.map((_, start) => countsOf(Array.from({ length: sent }, (__, step) => cycle[(start + step) % cycle.length] ?? 0), weights.length).join());
        expect(fits(weights, counts, sent)).toBe(windows.includes(counts.join()));
      }),
    );
  });

  it('is off by no more than the servers that share a level', () => {
    expect(fits([3, 1], [15, 5], 20)).toBe(true);
    expect(fits([3, 1], [16, 5], 21)).toBe(true);
    expect(fits([3, 1], [16, 4], 20)).toBe(false);
    expect(fits([3, 1], [5, 15], 20)).toBe(false);
    // Rare ones need not come up.
    expect(fits([30, 1], [20, 0], 20)).toBe(true);
    expect(fits([30, 1], [18, 2], 20)).toBe(false);
  });
});
