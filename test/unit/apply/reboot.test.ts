import { describe, expect, it } from 'vitest';
import { rebootHost } from '../../../src/apply/reboot.ts';
import { LvsPlayError } from '../../../src/core/errors.ts';
import type { RebootStep } from '../../../src/modules/contract.ts';
import { type FakeAnswer, fakeTarget, shellReply } from '../../../src/transport/fake.ts';

const STEP: RebootStep = { kind: 'reboot', title: 'restart the host', bootId: 'one', message: "it's due; $(id)", timeoutMs: 60_000, stale: [] };

/** A host that gives these answers, one after the other; the last one again and again. */
function host(...answers: readonly (FakeAnswer | LvsPlayError)[]) {
  let asked = 0;
  const target = fakeTarget('lvs1', () => {
    const answer = answers[Math.min(asked++, answers.length - 1)] ?? '';
    if (answer instanceof LvsPlayError) throw answer;
    return answer;
  });
  return { target, reboot: (step: RebootStep = STEP) => rebootHost(target, step, true, () => Promise.resolve()) };
}

const unreachable = (code: string) => new LvsPlayError({ code, kind: 'unreachable', host: 'lvs1', message: `lvs1: ${code}` });

describe('restarting a host', () => {
  it('waits until another boot has nothing left to start', async () => {
    const { target, reboot } = host('', 'one\nstopping', unreachable('connection-refused'), unreachable('auth-failed'), 'two\nstarting', 'two\nrunning');
    expect(await reboot()).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^up again after \d+ s$/) as string });
    expect(target.requests).toHaveLength(6);
    // The message is a word, whatever it holds.
    expect(target.requests[0]?.script).toContain(`shutdown -r now 'it'\\''s due; $(id)'`);
  });

  it('says that units failed, and takes a host without systemd as it is', async () => {
    expect((await host('', 'two\ndegraded').reboot()).stdout).toContain('with units that failed');
    expect((await host('', 'two\n').reboot()).stdout).toMatch(/^up again/);
  });

  it('is not tried without root', async () => {
    const { target, reboot } = host(shellReply('', 1, 'only root may restart the host\n'));
    expect(await reboot()).toMatchObject({ exitCode: 1, stderr: 'only root may restart the host\n' });
    expect(target.requests).toHaveLength(1);
  });

  it('gives up when it does not come back in time, with the last that was seen', async () => {
    await expect(host('', unreachable('no-route')).reboot({ ...STEP, timeoutMs: 0 })).rejects.toMatchObject({ code: 'reboot-timeout', kind: 'unreachable', message: expect.stringContaining('lvs1: no-route') as string });
    await expect(host('', 'one\nrunning').reboot({ ...STEP, timeoutMs: 0 })).rejects.toMatchObject({ message: expect.stringContaining('it has not gone down') as string });
  });

  it('does not wait for another machine', async () => {
    await expect(host('', unreachable('host-key-changed')).reboot()).rejects.toMatchObject({ code: 'host-key-changed' });
  });
});
