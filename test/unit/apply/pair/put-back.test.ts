import { describe, expect, it } from 'vitest';
import type { Done } from '../../../../src/apply/executed.ts';
import { PairCoordinator } from '../../../../src/apply/pair/coordinate.ts';
import type { PairLook } from '../../../../src/apply/pair/look.ts';
import { restartMember } from '../../../../src/apply/pair/restart.ts';
import type { DirectorNow } from '../../../../src/apply/pair/director.ts';
import { renderKeepalived } from '../../../../src/lvs/keepalived/render.ts';
import type { Step } from '../../../../src/modules/contract.ts';
import { fakeTarget, shellReply } from '../../../../src/transport/fake.ts';
import { connectionLost } from '../../../../src/transport/unreachable.ts';
import { EXAMPLE, topologyOf } from '../../lvs/support.ts';
import { answerTo, seen } from '../../observe/support.ts';

const DONE: Done = { outcomes: [], failing: undefined };
const step = (title: string): Step => ({ kind: 'exec', title, argv: ['true'], stale: [] });

/** Steps as they are done, and what becomes of some. */
function doing(fate: (title: string) => Done | Error = () => DONE): { readonly log: string[]; readonly doSteps: (steps: readonly Step[]) => Promise<Done> } {
  const log: string[] = [];
  return {
    log,
    doSteps: (steps) => {
      for (const { title } of steps) {
        log.push(title);
        const came = fate(title);
        if (came instanceof Error) return Promise.reject(came);
        if (came.failing !== undefined) return Promise.resolve(came);
      }
      return Promise.resolve(DONE);
    },
  };
}

const now = (host: string): DirectorNow => ({ host, alive: true, state: 'active (running)', addresses: new Set(host === 'lvs1' ? ['192.168.0.38'] : []), running: undefined, table: { services: [] } });
const REBOOT: Step = { kind: 'reboot', title: 'restart the host', message: 'x', bootId: 'x', timeoutMs: 1, stale: [] } as never;

describe('keepalived runs again when a director cannot give its virtual IPs away', () => {
  const look = (change: Partial<Record<keyof PairLook, unknown>>): PairLook => ({ vipsOf: () => ['192.168.0.38'], membersOf: () => ['lvs1', 'lvs2'], ask: () => Promise.resolve(seen({ lvs1: now('lvs1'), lvs2: now('lvs2') })), settled: () => Promise.resolve([]), watch: () => Promise.resolve([]), report: () => Promise.resolve(), ...change }) as never;

  it.each<[string, Partial<Record<keyof PairLook, unknown>>, (title: string) => Done | Error]>([
    ['nobody takes over', { settled: () => Promise.resolve(['nobody holds 192.168.0.38']) }, () => DONE],
    ['the look breaks', { settled: () => Promise.reject(new Error('the look broke')) }, () => DONE],
    ['the connection is lost while it stops', {}, (title) => (title === 'stop keepalived' ? connectionLost('lvs1', undefined) : DONE)],
  ])('%s', async (_name, change, fate) => {
    const { log, doSteps } = doing(fate);
    await expect(restartMember(look(change), 'lvs1', { pairs: ['edge'], restarts: 'x' }, [REBOOT], doSteps)).rejects.toMatchObject({ code: 'pair-restart-failed' });
    expect(log).toEqual(['stop keepalived', 'start keepalived']);
  });

  it('a member that gives no answer is not restarted', async () => {
    const { log, doSteps } = doing();
    const silent = look({ ask: () => Promise.resolve(seen({ lvs1: undefined, lvs2: now('lvs2') })) });
    await expect(restartMember(silent, 'lvs1', { pairs: ['edge'], restarts: 'x' }, [step('restart')], doSteps)).rejects.toThrow('lvs1 did not answer (connection refused): it was not restarted');
    expect(log).toEqual([]);
  });
});

describe('servers that leave a service', () => {
  const [before, after] = [EXAMPLE, EXAMPLE.replace(/^ +rs2: .*\n/m, '')].map((text) => renderKeepalived(topologyOf(text), 'lvs1', { major: 2, minor: 2, patch: 7 }));
  const STATE = "ActiveState=active\nSubState=running\nMainPID=1\n--- addresses\n2: eth0    inet 192.168.0.48/24 scope global eth0\n2: eth0    inet 192.168.0.38/32 scope global eth0\n--- table\n";

  it.each<[string, (title: string) => Done | Error]>([
    ['a reload that fails', (title) => (title === 'reload keepalived' ? { outcomes: [], failing: step(title) } : DONE)],
    ['a connection that is lost', (title) => (title === 'reload keepalived' ? connectionLost('lvs1', undefined) : DONE)],
  ])('get their weight back after %s', async (_name, fate) => {
    const { log, doSteps } = doing(fate);
    const hosts = fakeTarget('lvs1', (request) => (request.script.includes('ActiveState') ? answerTo(request, STATE) : shellReply('', 1)));
    const pairs = new PairCoordinator({ topology: topologyOf(EXAMPLE), target: () => Promise.resolve(hosts), emit: () => undefined, sleep: () => Promise.resolve(), mask: (text) => text });
    const work = { pairs: [...topologyOf(EXAMPLE).pairs.keys()], before: before ?? '', after: after ?? '', write: () => step('weight 0'), putBack: [step('put back')], drainSeconds: 1 };
    await expect(pairs.carryOut('lvs1', work, [step('write')], doSteps)).rejects.toMatchObject({ code: 'pair-change-failed' });
    expect(log).toEqual(['weight 0', 'reload keepalived', 'put back', 'bring keepalived back']);
  });
});
