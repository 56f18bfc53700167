import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { mssRule, recordedPart, tunnelDevice, tunnelMss } from '../../../../src/lvs/host/tunnels.ts';
import type { Tunnel } from '../../../../src/lvs/model/topology.ts';

const IPIP: Tunnel = { type: 'ipip', port: undefined, checksum: 'none' };
const GUE: Tunnel = { type: 'gue', port: 6080, checksum: 'none' };
const GRE: Tunnel = { type: 'gre', port: undefined, checksum: 'none' };
const VIP4 = '192.168.0.38';
const VIP6 = '2001:db8::38';
const RIP4 = '192.168.1.18';
const RIP6 = '2001:db8:1::18';

describe('tunnelDevice', () => {
  it.each<[string, string, string, Tunnel, string, string[], number]>([
    ['IPv4 in IPv4', VIP4, RIP4, IPIP, 'tunl0', ['ipip'], 1440],
    ['IPv6 in IPv4', VIP6, RIP4, IPIP, 'sit0', ['sit'], 1420],
    ['IPv6 in IPv6', VIP6, RIP6, IPIP, 'ip6tnl0', ['ip6_tunnel'], 1400],
    ['IPv4 in IPv6', VIP4, RIP6, IPIP, 'lvs_ip6', ['ip6_tunnel'], 1420],
    ['GUE', VIP4, RIP4, GUE, 'tunl0', ['fou', 'ipip'], 1428],
    ['GUE with remote checksums', VIP4, RIP4, { ...GUE, checksum: 'remcsum' }, 'tunl0', ['fou', 'ipip'], 1420],
    ['GUE over IPv6', VIP6, RIP6, GUE, 'ip6tnl0', ['fou6', 'ip6_tunnel'], 1388],
    ['GRE', VIP4, RIP4, GRE, 'gre0', ['ip_gre'], 1436],
    ['GRE with checksums', VIP4, RIP4, { ...GRE, checksum: 'csum' }, 'lvs_gre', ['ip_gre'], 1432],
    ['GRE over IPv6', VIP6, RIP6, GRE, 'ip6gre0', ['ip6_gre'], 1396],
  ])('%s', (_what, vip, rip, tunnel, name, modules, mss) => {
    const device = tunnelDevice(vip, rip, tunnel);
    expect([device.name, device.modules]).toEqual([name, modules]);
    expect(tunnelMss(vip, device)).toBe(mss);
  });

  it.each(['dash', 'busybox sh'])('what it adds can be read by %s', (shell) => {
    for (const tunnel of [IPIP, GUE, { ...GRE, checksum: 'csum' } as const]) {
      const parts = [...tunnelDevice(VIP4, RIP4, tunnel).parts, mssRule(VIP4, 1440)];
      const [program = '', ...args] = shell.split(' ');
      expect(() => execFileSync(program, [...args, '-n'], { input: [...parts.flatMap(({ add, remove }) => [add, remove]), ''].join('\n') })).not.toThrow();
    }
  });
});

describe('the record of parts', () => {
  it.each([
    ...tunnelDevice(VIP4, RIP4, GUE).parts,
    ...tunnelDevice(VIP6, RIP6, GUE).parts,
    ...tunnelDevice(VIP4, RIP6, IPIP).parts,
    ...tunnelDevice(VIP4, RIP4, { ...GRE, checksum: 'csum' }).parts,
    ...tunnelDevice(VIP6, RIP6, { ...GRE, checksum: 'csum' }).parts,
    mssRule(VIP4, 1440),
    mssRule(VIP6, 1400),
  ])('leads back from $key to how it is removed', ({ key, remove }) => {
    expect(recordedPart(key)?.remove).toBe(remove);
  });

  it.each(['', 'fou 4 6080; reboot', 'fou 5 6080', 'link eth0', 'link tunl0', 'mss $(reboot) 1440', 'mss 192.168.0.38 1440 -j', 'mss -h 1440'])('takes nothing else: %j', (key) => {
    expect(recordedPart(key)).toBeUndefined();
  });

  it('tells the same port of the two families apart', () => {
    const four = tunnelDevice(VIP4, RIP4, GUE).parts[0]?.add ?? '';
    const six = tunnelDevice(VIP6, RIP6, GUE).parts[0]?.add ?? '';
    const listed = (add: string, ports: string): boolean => {
      // As `ip fou show` of iproute2 6.1 prints them.
      const program = `ip() { if [ "$*" = 'fou show' ]; then printf '${ports}'; else echo added; fi; }\n${add}`;
      return execFileSync('dash', [], { input: program, encoding: 'utf8' }) === '';
    };
    expect([listed(four, 'port 6080 gue\\n'), listed(four, 'port 6080 gue -6\\n'), listed(six, 'port 6080 gue\\n'), listed(six, 'port 6080 gue -6\\n')]).toEqual([true, false, false, true]);
  });
});
