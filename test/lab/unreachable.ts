import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, lvsPlay, type CliResult, type TestLab } from './support.ts';

const VIP = '192.168.0.38';
const DIRECTORS = ['lvs1', 'lvs2'];
/** A login that has to wait for nobody: nodes answer in milliseconds, or not at all. */
const SOON = ['-e', 'ansible_timeout=5'];

/** Sentences that claim what only hosts could have said that did not answer. */
const CLAIMS = [/^Plan: no changes$/m, /none on 0/, /\bNOBODY\b/, /nobody holds/, /holds it already/, /is not drained/, /nothing to give back/, /restores itself when its time is up/];

/** @param opened a lab of a deployed pair; its directors have booted anew at the end */
export function describeUnreachable(opened: () => TestLab): void {
  describe('hosts that do not answer', () => {
    let lab: TestLab;

    beforeAll(() => {
      lab = opened();
    });

    const call = (...args: string[]): Promise<CliResult> => lvsPlay([...args, '-i', lab.overlay, ...SOON]);

    const status = async (): Promise<{ readonly unknown: readonly string[] }> => JSON.parse((await call('status', '--json')).stdout) as { readonly unknown: readonly string[] };

    /** Every command says that it does not know, by its exit code and in words, and claims nothing. */
    async function honest(code: number, hosts: readonly string[], commands: readonly (readonly string[])[]): Promise<void> {
      for (const args of commands) {
        const { code: ended, stdout, stderr } = await call(...args);
        const said = `${args.join(' ')}\n${stdout}\n${stderr}`;
        expect(ended, said).toBe(code);
        for (const claim of CLAIMS) expect(said).not.toMatch(claim);
        for (const host of hosts) expect(said).toMatch(new RegExp(`\\b${host}\\b`));
        expect(said).toMatch(/unknown|did not answer|gave no usable answer/);
      }
    }

    describe('directors whose sshd is stopped', () => {
      // They serve clients all the while.
      beforeAll(async () => {
        for (const host of DIRECTORS) await lab.sh(host, '( sleep 1; systemctl stop ssh.service ) >/dev/null 2>&1 </dev/null &');
        await eventually(() => status(), ({ unknown }) => unknown.length === 2);
      });
      // With sshd stopped, only a power cycle lets us back in.
      afterAll(async () => {
        for (const host of DIRECTORS) await lab.fault('crash', host);
        await Promise.all(DIRECTORS.map((host) => lab.fault('boot', host)));
        await eventually(() => status(), ({ unknown }) => unknown.length === 0);
      });

      it('each command names them, with exit code 4', async () => {
        await honest(4, DIRECTORS, [
          ['failback', 'edge'], ['failover', 'edge'], ['restore', 'rs1'], ['drain', 'rs1'], ['confirm', 'zzz'],
          ['status'], ['drift', 'playbooks/demo.yml'], ['plan', 'playbooks/demo.yml'], ['lock', 'status'], ['history'],
          ['lint', '--live'], ['explain', 'web', '--live'], ['verify'],
        ]);
        const { stdout } = await call('status', '--json');
        expect(JSON.parse(stdout)).toMatchObject({ unknown: DIRECTORS, verdict: null, vips: [{ vip: VIP, holders: [], verdict: null }] });
        // The cluster itself is well, which nobody but a client can say now.
        expect((await lab.answers(VIP, 4)).every((page) => page !== '')).toBe(true);
      });
    });

    describe('a real server whose cables are cut', () => {
      afterEach(() => lab.fault('heal', 'rs1'));

      it('is unknown, and the others are told of', async () => {
        await lab.fault('cut', 'rs1');
        const plan = await call('plan', 'playbooks/demo.yml');
        expect(plan.code, plan.stderr).toBe(4);
        expect(plan.stdout).toMatch(/^Plan: (?:no changes on \d hosts|\d+ changes? on \d hosts?); unknown on rs1$/m);
        expect(JSON.parse((await call('drift', 'playbooks/demo.yml', '--json')).stdout)).toMatchObject({ unknown: ['rs1'] });
      });
    });
  });
}
