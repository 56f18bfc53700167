import { describe, expect, it } from 'vitest';
import { PairCoordinator } from '../../../../src/apply/pair/coordinate.ts';
import type { Done } from '../../../../src/apply/executed.ts';
import { LvsPlayError } from '../../../../src/core/errors.ts';

const DONE: Done = { outcomes: [], failing: undefined };
const WORK = { pairs: ['edge'], restarts: 'keepalived is restarted' };

/** Without a topology nothing is looked at: what is left is who waits for whom. */
function coordinator(): PairCoordinator {
  const never = (): Promise<never> => Promise.reject(new Error('nobody is asked'));
  return new PairCoordinator({ topology: undefined, target: never, emit: () => undefined, sleep: () => Promise.resolve(), mask: (text) => text });
}

describe('restarts that tasks come to at the same time', () => {
  it('are made one after the other', async () => {
    const pairs = coordinator();
    const log: string[] = [];
    const steps = (host: string) => async (): Promise<Done> => {
      log.push(`${host} begins`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.push(`${host} ends`);
      return DONE;
    };
    await Promise.all([pairs.restart('lvs2', WORK, [], steps('lvs2')), pairs.restart('lvs1', WORK, [], steps('lvs1')), pairs.restart('lvs3', { ...WORK, pairs: ['other', 'edge'] }, [], steps('lvs3'))]);
    expect(log).toEqual(['lvs2 begins', 'lvs2 ends', 'lvs1 begins', 'lvs1 ends', 'lvs3 begins', 'lvs3 ends']);
  });

  it('end with the first that does not come back, and the next is no host that was lost', async () => {
    const pairs = coordinator();
    const lost = new LvsPlayError({ code: 'reboot-timeout', kind: 'unreachable', host: 'lvs2', message: 'lvs2 is not up', hint: 'put that host right, then lvs-play resume goes on' });
    let touched = false;
    const first = pairs.restart('lvs2', WORK, [], () => Promise.reject(lost));
    const second = pairs.restart('lvs1', WORK, [], () => {
      touched = true;
      return Promise.resolve(DONE);
    });
    await expect(first).rejects.toBe(lost);
    await expect(second).rejects.toMatchObject({ code: 'pair-restart-failed', kind: 'host', host: 'lvs1', message: 'lvs1 is not restarted, as one of its pair did not come back well: lvs2 is not up' });
    expect(touched).toBe(false);
  });
});
