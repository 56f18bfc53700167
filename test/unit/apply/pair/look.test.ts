import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { PairLook } from '../../../../src/apply/pair/look.ts';
import { LvsPlayError } from '../../../../src/core/errors.ts';
import { type FakeHandler, type FakeTarget, fakeTarget } from '../../../../src/transport/fake.ts';
import { answerTo } from '../../observe/support.ts';

const STATE = 'ActiveState=active\nSubState=running\nMainPID=7\n--- addresses\n--- table\n';
const FAULT = 'lvs1 does not run it';

function looking(handler: FakeHandler): { look: PairLook; host: FakeTarget } {
  const host = fakeTarget('lvs1', handler);
  return { host, look: new PairLook({ topology: undefined, target: () => Promise.resolve(host), emit: () => undefined, sleep: () => Promise.resolve(), mask: (text) => text }) };
}

describe('whether directors do what they are told', () => {
  it('is not decided by one look at a director that takes longer than the limit to answer', async () => {
    const { look, host } = looking(async (request) => {
      await sleep(150);
      return answerTo(request, STATE);
    });
    // Right at the third look, which a limit of 400 ms alone would not have waited for.
    expect(await look.settled(['lvs1'], ({ missing }) => (missing.length > 0 || host.requests.length < 3 ? [FAULT] : []), 400)).toEqual([]);
    expect(host.requests).toHaveLength(3);
  });

  it('is decided by the limit alone where one does not answer: that is no slow reload', async () => {
    const { look, host } = looking(() => {
      throw new LvsPlayError({ code: 'no-route', kind: 'unreachable', host: 'lvs1', message: 'lvs1: no route' });
    });
    expect(await look.settled(['lvs1'], () => [FAULT], 700)).toEqual([FAULT]);
    // By ten looks or six limits it would be eight or more.
    expect(host.requests.length).toBeLessThanOrEqual(3);
  });

  it('is decided at last, with what is wrong', async () => {
    const { look } = looking((request) => answerTo(request, STATE));
    expect(await look.settled(['lvs1'], () => [FAULT], 1)).toEqual([FAULT]);
  });
});
