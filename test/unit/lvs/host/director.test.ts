import { describe, expect, it } from 'vitest';
import { directorModules, directorSysctls, secretsOf } from '../../../../src/lvs/host/director.ts';
import { changed, EXAMPLE, topologyOf } from '../support.ts';

const REDIRECTS = Object.fromEntries(['all', 'default', 'eth0'].map((name) => [`net.ipv4.conf.${name}.send_redirects`, '0']));

describe('directorSysctls', () => {
  it.each([
    ['dr', EXAMPLE, { 'net.ipv4.vs.conn_reuse_mode': '3' }],
    ['tun', changed(EXAMPLE, 'mode: dr', 'mode: tun'), { 'net.ipv4.vs.conn_reuse_mode': '3' }],
    ['nat', changed(EXAMPLE, 'mode: dr', 'mode: nat'), { 'net.ipv4.ip_forward': '1', ...REDIRECTS }],
    ['persistence', changed(EXAMPLE, 'mode: dr', 'mode: dr\n    persistence: 60'), { 'net.ipv4.vs.conn_reuse_mode': '3', 'net.ipv4.vs.expire_quiescent_template': '1' }],
  ])('%s', (_what, text, sysctls) => {
    expect(directorSysctls(topologyOf(text), 'lvs2')).toEqual(sysctls);
  });

  it('forwards IPv6 for NAT services that have it', () => {
    const text = changed(EXAMPLE, 'vips: [192.168.0.38]', 'vips: ["2001:db8::38"]').replace('192.168.0.38:80', '"[2001:db8::38]:80"').replace('mode: dr', 'mode: nat').replace(/ {6}rs2.*\n/, '').replace('rs1:', 'rs6:');
    expect(directorSysctls(topologyOf(text), 'lvs1')).toEqual({ 'net.ipv6.conf.all.forwarding': '1' });
  });

  it('writes the dot of a VLAN as sysctl wants it', () => {
    const text = changed(changed(EXAMPLE, 'mode: dr', 'mode: nat'), 'interface: eth0', 'interface: eth0.10');
    expect(directorSysctls(topologyOf(text), 'lvs1')).toHaveProperty(['net.ipv4.conf.eth0/10.send_redirects'], '0');
  });

  it('asks nothing of a host that is no director', () => {
    expect(directorSysctls(topologyOf(EXAMPLE), 'rs1')).toEqual({});
  });
});

it('names the modules of IPVS and of each scheduler once', () => {
  const text = `${EXAMPLE}  other: { on: edge, address: "192.168.0.38:81", mode: dr, scheduler: wlc, real_servers: { rs1: } }\n  third: { on: edge, address: "192.168.0.38:82", mode: dr, scheduler: rr, real_servers: { rs1: } }\n`;
  expect(directorModules(topologyOf(text), 'lvs1')).toEqual(['ip_vs', 'ip_vs_rr', 'ip_vs_wlc']);
});

it('knows the passwords', () => {
  expect(secretsOf(topologyOf(EXAMPLE))).toEqual([]);
  expect(secretsOf(topologyOf(changed(EXAMPLE, 'interface: eth0', 'interface: eth0\n    auth_pass: "hunter2"')))).toEqual(['hunter2']);
});
