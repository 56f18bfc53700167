import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { sysctlStep } from '../../../src/modules/system/write-sysctls.ts';

/** In a network namespace of its own: the parameters of this machine are left alone. */
function run(shell: readonly string[], values: Readonly<Record<string, string>>, show: string): { code: number | null; out: string; err: string } {
  const script = `( ${sysctlStep('set', values).script}\n)\ncode=$?; cat ${show}; exit $code`;
  const done = spawnSync('unshare', ['-n', ...shell, '-c', script], { encoding: 'utf8' });
  return { code: done.status, out: done.stdout.trim(), err: done.stderr };
}

describe.each([
  ['dash', ['dash']],
  ['busybox', ['busybox', 'sh']],
] as const)('kernel parameters, set by %s', (_name, shell) => {
  it('are set, by either form of their name', () => {
    const values = { 'net.ipv4.ip_forward': '1', 'net/ipv4/conf/all/arp_ignore': '1', 'net.ipv4.ip_local_port_range': '40000 50000' };
    expect(run(shell, values, '/proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/arp_ignore /proc/sys/net/ipv4/ip_local_port_range')).toEqual({ code: 0, out: '1\n1\n40000\t50000', err: '' });
  });

  it.each([
    ['a value that the kernel refuses', { 'net.ipv4.ip_forward': 'abc' }, 'cannot set net.ipv4.ip_forward to abc'],
    ['a parameter that is not there', { 'net.ipv4.no_such': "it's" }, "cannot set net.ipv4.no_such to it's"],
  ])('stop at %s', (_what, values, error) => {
    const done = run(shell, { ...values, 'net.ipv4.conf.all.arp_announce': '2' }, '/proc/sys/net/ipv4/conf/all/arp_announce');
    expect(done).toMatchObject({ code: 1, out: '0' });
    expect(done.err).toContain(error);
  });
});
