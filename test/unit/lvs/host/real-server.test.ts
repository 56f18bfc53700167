import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { REAL_SERVER_UNIT, REAL_SERVER_UNIT_TEXT, realServerAddresses, realServerKernelModules, realServerSysctls, renderRealServerScript } from '../../../../src/lvs/host/real-server.ts';
import { changed, EXAMPLE, topologyOf } from '../support.ts';

const TUN = changed(EXAMPLE, 'mode: dr', 'mode: tun');
const NAT = changed(EXAMPLE, 'mode: dr', 'mode: nat');
const V6 = changed(EXAMPLE, 'vips: [192.168.0.38]', 'vips: ["2001:db8::38"]').replace('192.168.0.38:80', '"[2001:db8::38]:80"').replace(/ {6}rs2.*\n/, '').replace('rs1:', 'rs6:');

describe('what a real server carries', () => {
  it.each([
    ['dr', EXAMPLE, 'rs1', [{ interface: 'lo', address: '192.168.0.38/32' }]],
    ['tun', TUN, 'rs1', [{ interface: 'tunl0', address: '192.168.0.38/32' }]],
    ['nat', NAT, 'rs1', []],
    ['IPv6', V6, 'rs6', [{ interface: 'lo', address: '2001:db8::38/128' }]],
    ['IPv6 through a tunnel', V6.replace('mode: dr', 'mode: tun'), 'rs6', [{ interface: 'ip6tnl0', address: '2001:db8::38/128' }]],
    ['a director', EXAMPLE, 'lvs1', []],
  ])('%s', (_what, text, host, addresses) => {
    expect(realServerAddresses(topologyOf(text), host)).toEqual(addresses);
  });
});

describe('realServerSysctls', () => {
  const silent = (name: string) => ({ [`net.ipv4.conf.${name}.arp_ignore`]: '1', [`net.ipv4.conf.${name}.arp_announce`]: '2' });
  it.each([
    ['dr', EXAMPLE, 'rs1', { ...silent('all'), ...silent('lo') }],
    ['tun', TUN, 'rs1', { ...silent('all'), ...silent('tunl0'), 'net.ipv4.conf.tunl0.rp_filter': '2' }],
    ['nat', NAT, 'rs1', {}],
    ['IPv6', V6, 'rs6', {}],
  ])('%s', (_what, text, host, sysctls) => {
    expect(realServerSysctls(topologyOf(text), host)).toEqual(sysctls);
  });
});

it('loads a module only for a tunnel', () => {
  expect([EXAMPLE, TUN, NAT].map((text) => realServerKernelModules(topologyOf(text), 'rs1'))).toEqual([[], ['ipip'], []]);
});

describe('the script and its unit', () => {
  it('is not there where nothing is carried', () => {
    expect(renderRealServerScript(topologyOf(NAT), 'rs1')).toBeUndefined();
    expect(renderRealServerScript(topologyOf(EXAMPLE), 'lvs1')).toBeUndefined();
  });

  it('lists what it sets, as the topology says', () => {
    const text = renderRealServerScript(topologyOf(TUN), 'rs1') ?? '';
    expect(text).toContain("modules='ipip'\n");
    expect(text).toContain("\naddresses='\ntunl0=192.168.0.38/32\n'\n");
    expect(text).toContain('/proc/sys/net/ipv4/conf/tunl0/rp_filter=2\n');
    expect(text).not.toContain('ipvsadm');
  });

  it('is a unit that systemd understands', () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-unit-'));
    try {
      const verify = (text: string) => {
        const file = path.join(dir, REAL_SERVER_UNIT);
        writeFileSync(file, text);
        const run = spawnSync('systemd-analyze', ['verify', '--recursive-errors=no', '--man=no', file], { encoding: 'utf8' });
        if (run.error !== undefined) throw run.error;
        return run.stderr.split('\n').filter((line) => line.includes(REAL_SERVER_UNIT) && !line.includes('not executable')).join('\n');
      };
      const text = REAL_SERVER_UNIT_TEXT;
      expect(verify(text)).toBe('');
      expect(verify(text.replace('Type=oneshot', 'Type=oneshoot'))).not.toBe('');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
