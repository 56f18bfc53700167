import { describe, expect, it } from 'vitest';
import { directorModules, directorSysctls, secretsOf } from '../../../../src/lvs/host/director.ts';
import { changed, EXAMPLE, topologyOf } from '../support.ts';

const REDIRECTS = { 'net.ipv4.conf.*.send_redirects': '0' };

describe('directorSysctls', () => {
  it.each([
    ['dr', EXAMPLE, { 'net.ipv4.vs.conn_reuse_mode': '3' }],
    ['tun', changed(EXAMPLE, 'mode: dr', 'mode: tun'), { 'net.ipv4.vs.conn_reuse_mode': '3' }],
    ['nat', changed(EXAMPLE, 'mode: dr', 'mode: nat'), { 'net.ipv4.ip_forward': '1', ...REDIRECTS }],
    ['persistence', changed(EXAMPLE, 'mode: dr', 'mode: dr\n    persistence: 60'), { 'net.ipv4.vs.conn_reuse_mode': '3', 'net.ipv4.vs.expire_nodest_conn': '1', 'net.ipv4.vs.expire_quiescent_template': '1' }],
  ])('%s', (_what, text, sysctls) => {
    expect(directorSysctls(topologyOf(text), 'lvs2')).toEqual(sysctls);
  });

  it('forwards IPv6 for NAT services that have it', () => {
    const text = changed(EXAMPLE, 'vips: [192.168.0.38]', 'vips: ["2001:db8::38"]').replace('192.168.0.38:80', '"[2001:db8::38]:80"').replace('mode: dr', 'mode: nat').replace(/ {6}rs2.*\n/, '').replace('rs1:', 'rs6:');
    expect(directorSysctls(topologyOf(text), 'lvs1')).toEqual({ 'net.ipv6.conf.all.forwarding': '1' });
  });

  it('forwards for a network behind it, of either family', () => {
    const network = (cidr: string, gateway: string): string => `nat_networks: { inside: { on: lvs3, network: "${cidr}", gateway: "${gateway}" } }`;
    expect(directorSysctls(topologyOf(network('192.168.1.0/24', '192.168.1.8')), 'lvs3')).toMatchObject({ 'net.ipv4.ip_forward': '1', ...REDIRECTS });
    expect(directorSysctls(topologyOf(network('2001:db8::/64', '2001:db8::8')), 'lvs3')).toEqual({ 'net.ipv6.conf.all.forwarding': '1' });
  });

  it("forwards for a sorry server by NAT, and lets the inventory's own values win", () => {
    const text = changed(EXAMPLE, 'mode: dr', 'mode: dr\n    sorry_server: { address: 192.168.0.9, port: 8080, mode: nat }');
    expect(directorSysctls(topologyOf(`ipvs: { sysctls: { conn_reuse_mode: 1, drop_entry: 1 } }\n${text}`), 'lvs1')).toMatchObject({ 'net.ipv4.ip_forward': '1', 'net.ipv4.vs.conn_reuse_mode': '1', 'net.ipv4.vs.drop_entry': '1' });
  });

  it('asks nothing of a host that is no director', () => {
    expect(directorSysctls(topologyOf(EXAMPLE), 'rs1')).toEqual({});
  });
});

it('names the modules of IPVS and of each scheduler once', () => {
  const text = `${EXAMPLE}  other: { on: edge, address: "192.168.0.38:81", mode: dr, scheduler: wlc, real_servers: { rs1: } }\n  third: { on: edge, address: "192.168.0.38:82", mode: dr, scheduler: rr, real_servers: { rs1: } }\n`;
  expect(directorModules(topologyOf(text), 'lvs1')).toEqual(['ip_vs', 'ip_vs_rr', 'ip_vs_wlc']);
});

it('names the helpers of FTP by NAT and of SIP', () => {
  const ftp = changed(changed(EXAMPLE, 'mode: dr', 'mode: nat\n    helper: ftp'), ':80', ':21');
  expect(directorModules(topologyOf(ftp), 'lvs1')).toEqual(['ip_vs', 'ip_vs_rr', 'ip_vs_ftp']);
  expect(directorModules(topologyOf(changed(changed(EXAMPLE, 'mode: dr', 'mode: dr\n    helper: ftp\n    persistence: 300'), ':80', ':21')), 'lvs1')).toEqual(['ip_vs', 'ip_vs_rr']);
  expect(directorModules(topologyOf(changed(EXAMPLE, 'mode: dr', 'mode: dr\n    protocol: udp\n    persistence: { timeout: 60, engine: sip }')), 'lvs1')).toEqual(['ip_vs', 'ip_vs_rr', 'ip_vs_pe_sip']);
});

it('knows the passwords', () => {
  expect(secretsOf(topologyOf(EXAMPLE))).toEqual([]);
  expect(secretsOf(topologyOf(changed(EXAMPLE, 'interface: eth0', 'interface: eth0\n    auth_pass: "hunter2"')))).toEqual(['hunter2']);
});
