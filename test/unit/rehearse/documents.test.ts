import { describe, expect, it } from 'vitest';
import { changesIn, deployedOf, heldTwice, verifiedOf } from '../../../src/rehearse/documents.ts';

const result = (code: number, document: unknown, stderr = '') => ({ code, seconds: 1, stdout: typeof document === 'string' ? document : JSON.stringify(document), stderr });
const recap = (changed: number) => ({ ok: 1, changed, unreachable: 0, failed: 0, skipped: 0, rescued: 0, ignored: 0 });

describe('what a run printed', () => {
  it('changes by host, of a deploy and of a plan', () => {
    const tasks = [
      { host: 'rs1', name: 'a', status: 'changed', changes: [{ path: '/x' }] },
      { host: 'rs1', name: 'b', status: 'ok', changes: [] },
    ];
    const deploy = deployedOf(result(0, { recap: { rs1: recap(1), rs2: recap(0) }, tasks }));
    expect(deploy).toMatchObject({ code: 0, changed: { rs1: 1, rs2: 0 }, changes: [{ host: 'rs1', task: 'a', what: ['/x'] }], failures: [] });
    const plan = deployedOf(result(0, { recap: {}, tasks: [{ host: 'rs1', name: 'a', status: 'change', changes: [] }] }));
    expect(changesIn(plan)).toBe(1);
  });

  it('why it failed: tasks, hosts, else the last error', () => {
    const failed = result(2, { recap: {}, tasks: [{ host: 'rs1', name: 'a', status: 'failed', changes: [], message: 'no' }], unreachable: { rs2: 'gone' } });
    expect(deployedOf(failed).failures).toEqual(['[rs1] a: no', '[rs2] gone']);
    expect(deployedOf(result(1, '', 'x\nerror: weight -1 is none\n  at hosts.yml:1:1\n')).failures).toEqual(['weight -1 is none']);
    expect(deployedOf(result(137, '{"cut off')).failures).toEqual(['']);
  });

  it('two holders, where they were longer together than the clocks may err', () => {
    const document = { pairs: [{ vips: [{ vip: '10.0.0.1', several: 50, uncertainty: 90 }, { vip: '10.0.0.2', several: 500, uncertainty: 90 }] }] };
    expect(heldTwice(JSON.stringify(document))).toEqual(['two directors held 10.0.0.2 for 500 ms']);
  });

  it('what a verification found', () => {
    const checks = [{ name: 'holder', subject: '10.0.0.1', verdict: 'fail', measured: 'held by nobody', reason: 'down?' }, { name: 'arp', subject: 'x', verdict: 'skip', measured: '-' }];
    expect(verifiedOf(result(8, { checks }))).toMatchObject({ ok: false, failures: ['holder 10.0.0.1: held by nobody (down?)'] });
    expect(verifiedOf(result(0, { checks: [] }))).toMatchObject({ ok: true, failures: [] });
    expect(verifiedOf(result(4, '', 'error: lvs1 does not answer\n'))).toMatchObject({ ok: false, report: null, failures: ['lvs1 does not answer'] });
  });
});
