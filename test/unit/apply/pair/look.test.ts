import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { directorFaults } from '../../../../src/apply/pair/director.ts';
import { PairLook } from '../../../../src/apply/pair/look.ts';
import { LvsPlayError } from '../../../../src/core/errors.ts';
import { type FakeHandler, type FakeTarget, fakeTarget } from '../../../../src/transport/fake.ts';
import { answerTo } from '../../observe/support.ts';

const STATE = 'ActiveState=active\nSubState=running\nMainPID=7\n--- addresses\n--- table\n';
const FAULT = 'lvs1 does not run it';

/** What keepalived tells that runs an instance of this priority, and the file that says so. */
const running = (priority: number): string => `${STATE}--- vrrp
------< Global definitions >------
------< VRRP Topology >------
 VRRP Instance = edge
   State = BACKUP
   Interface = eth0
   Virtual Router ID = 51
   Priority = ${String(priority)}
   Advert interval = 1 sec
   Virtual IP (1):
     192.168.0.38 dev eth0 scope global
   fd_in 14, fd_out 15
------< VRRP Sockpool >------
--- checkers
`;
const file = (priority: number): string => `vrrp_instance edge {\n    interface eth0\n    virtual_router_id 51\n    priority ${String(priority)}\n    advert_int 1\n    virtual_ipaddress {\n        192.168.0.38 dev eth0\n    }\n}\n`;

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

  describe('where a reload was forgotten', () => {
    afterEach(() => {
      vi.useRealTimers();
    });

    /** A director that takes its new configuration at the given reload, counted from the first that is seen here. */
    const director = (takenAt: number) => {
      let reloads = 0;
      return { ...looking((request) => {
        if (request.script.includes('systemctl reload')) reloads++;
        return answerTo(request, running(reloads >= takenAt ? 110 : 100));
      }), reloads: () => reloads };
    };
    const faultsOf = (host: FakeTarget, wanted: string) => (seen: Parameters<Parameters<PairLook['settled']>[1]>[0]): string[] => seen.each((now) => directorFaults({ ...now, host: host.host }, wanted)).flat();

    it.each([[0, 0, true], [1, 1, true], [2, 2, true], [3, 2, false]])('it is told again, at most twice: taken at reload %i', async (takenAt, told, well) => {
      vi.useFakeTimers();
      const { look, host, reloads } = director(takenAt);
      const result = look.settled(['lvs1'], faultsOf(host, file(110)), 10_000, new Map([['lvs1', file(110)]]));
      // keepalived ends its own check of a file after 5 s.
      await vi.advanceTimersByTimeAsync(5000);
      expect(reloads()).toBe(0);
      await vi.advanceTimersByTimeAsync(60_000);
      expect([await result, reloads()]).toEqual([well ? [] : [expect.stringContaining('does not run its new configuration')], told]);
    });

    it('nobody else is told: one that runs what it should, and one that was told nothing', async () => {
      vi.useFakeTimers();
      const { look, reloads } = director(9);
      const others = [look.settled(['lvs1'], () => [FAULT], 20_000, new Map([['lvs1', file(100)]])), look.settled(['lvs1'], () => [FAULT], 20_000)];
      await vi.advanceTimersByTimeAsync(60_000);
      expect([await Promise.all(others), reloads()]).toEqual([[[FAULT], [FAULT]], 0]);
    });
  });
});
