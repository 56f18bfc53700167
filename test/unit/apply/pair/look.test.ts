import { describe, expect, it } from 'vitest';
import { PairLook } from '../../../../src/apply/pair/look.ts';
import type { Target } from '../../../../src/transport/target.ts';

const ANSWER = 'ActiveState=active\nSubState=running\nMainPID=7\n--- addresses\n--- table\n';

/** A director whose answers take a while, with how many it gave. */
function director(milliseconds: number): { look: PairLook; asked: () => number } {
  let asked = 0;
  const target = {
    host: 'lvs1',
    request: async () => {
      asked += 1;
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      return { exitCode: 0, stdout: Buffer.from(ANSWER), stderr: Buffer.alloc(0) };
    },
  } as unknown as Target;
  const look = new PairLook({ topology: undefined, target: () => Promise.resolve(target), emit: () => undefined, sleep: () => Promise.resolve(), mask: (text) => text });
  return { look, asked: () => asked };
}

describe('whether directors do what they are told', () => {
  it('is not decided by one look at a director that takes longer than the limit to answer', async () => {
    const { look, asked } = director(150);
    // Right at the third look, which a limit of 400 ms alone would not have waited for.
    expect(await look.settled(['lvs1'], () => (asked() < 3 ? ['lvs1 does not run it'] : []), 400)).toEqual([]);
    expect(asked()).toBe(3);
  });

  it('is decided at last, with what is wrong', async () => {
    const { look } = director(1);
    expect(await look.settled(['lvs1'], () => ['lvs1 does not run it'], 1)).toEqual(['lvs1 does not run it']);
  });
});
