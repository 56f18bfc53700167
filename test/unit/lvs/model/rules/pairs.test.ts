import { describe, expect, it } from 'vitest';
import { type BadExample, changed, EXAMPLE, expectProblem, inPair, problemsOf, topologyOf, withSection } from '../../support.ts';

/** A second pair of the same directors, crossed. */
const crossed = (lines: string, text = EXAMPLE): string =>
  changed(text, 'virtual_services:', `  inner:\n    members: { lvs1: { priority: 50 }, lvs2: { priority: 150 } }\n${lines.split('\n').map((line) => `    ${line}\n`).join('')}virtual_services:`);
const INNER = 'interface: eth1\nvirtual_router_id: 52\nvips: [192.168.1.8]';

describe('HA pairs', () => {
  it.each<BadExample>([
    ['duplicate-vip', inPair('excluded_vips: [192.168.7.1, §192.168.0.38/24]'), /remove/],
    ['duplicate-vip', crossed(`${INNER}\nexcluded_vips: [192.168.7.1, §192.168.0.38]`), /one pair/],
    ['duplicate-vip', changed(crossed(INNER.replace('192.168.1.8', '192.168.1.8, "2001:db8::1", §"2001:db8::38"')), 'vips: [192.168.0.38]', 'vips: [192.168.0.38, "2001:db8::38"]'), /one pair/],
    ['vip-is-host', inPair('excluded_vips: [{ address: 10.1.0.3/24 }]').replace('{ address', '§{ address'), /no host/],
    ['bad-value', inPair('excluded_vips: [{ address: 10.1.9.9, interface: §"eth1 {" }]'), /ip link/],
    ['bad-value', inPair('version: §4'), /allowed: 2, 3/],
    ['vrrp-version', changed(inPair('version: §2'), 'vips: [192.168.0.38]', 'vips: ["2001:db8::38", 192.168.0.38]'), /5798/],
    ['advert-int-range', inPair('version: 3\nadvert_int: §0.001'), /hundredths/],
    ['auth-pass-version', inPair('version: 3\nauth_pass: §"1111"'), /version: 2/],
    ['auth-pass-ipv6', changed(inPair('auth_pass: §"1111"'), 'vips: [192.168.0.38]', 'vips: ["2001:db8::38", 192.168.0.38]'), /5798/],
    ['preempt-delay-without', inPair('preempt: false\npreempt_delay: §30'), /remove/],
    ['wrong-type', inPair('garp: { delay: §0.5 }'), /./],
    ['member-family', changed(changed(inPair('unicast: true'), 'vips: [192.168.0.38]', 'vips: ["2001:db8::38", 192.168.0.38]'), 'lvs1: { priority: 100 }', '§lvs1: { priority: 100 }').replace('lvs2: { priority: 90 }', 'lvs2: { priority: 90, address: "2001:db8::58" }'), /IPv6 address of lvs1/],
    ['member-family', changed(EXAMPLE, 'priority: 90', 'priority: 90, address: §"2001:db8::58"'), /IPv4/],
    ['host-address', changed(EXAMPLE, 'priority: 90', 'priority: 90, address: §192.168.0.58/24'), /without a prefix/],
    ['bad-value', changed(EXAMPLE, 'priority: 90', 'priority: 90, interface: §"eth0\\n}"'), /ip link/],
    ['vmac-interface', inPair('vmac: { interface: §eth0 }'), /vrrp\.51/],
    ['vmac-interface', crossed(`${INNER}\nvmac: { interface: §vrrp.1 }`, inPair('vmac: { interface: vrrp.1 }')), /own/],
    ['two-connection-syncs', crossed(`${INNER}\n§connection_sync: { interface: eth1 }`, inPair('connection_sync: true')), /one daemon/],
    ['sync-group-address', inPair('connection_sync: { group: §192.168.0.81 }'), /224\.0\.0\.81/],
    ['bad-value', inPair('connection_sync: { sync_id: §256 }'), /0-255/],
    ['unknown-key', inPair('connection_sync: { §syncid: 5 }'), /did you mean sync_id\?/],
    ['duplicate-vrid', crossed('interface: eth0\nvirtual_router_id: §51\nvips: [192.168.1.8]'), /adverts/],
    ['duplicate-vrid', crossed('interface: eth1\nvirtual_router_id: §51\nvips: [192.168.1.8]').replace('lvs2: { priority: 150 }', 'lvs2: { priority: 150, interface: eth0 }'), /adverts/],
    ['bad-route', inPair('routes: [§"192.168.9.0/24 via 10.0.0.254 # mine"]'), /letters/],
    ['bad-route', inPair('routes: [§"192.168.9.0/24 via 10.0.0.254\\n}"]'), /letters/],
    ['bad-route', inPair('rules: [§"from 192.168.9.0/24 table 100 preference 5 !"]'), /letters/],
    ['bad-route', inPair('routes: [§include /etc/passwd]'), /destination/],
    ['bad-route', inPair('rules: [§"@main from 192.168.9.0/24 table 100 preference 5"]'), /selects/],
    ['bad-name', withSection('track_files', '§include: { file: /run/x }'), /include/],
    ['bad-interface', inPair('track: { interfaces: [§include] }'), /ip link/],
    ['rule-preference', inPair('rules: [§from 192.168.9.0/24 table 100]'), /preference NUMBER/],
    ['unknown-tracker', withSection('track_scripts', 'web: { command: /usr/bin/true }', inPair('track: { scripts: [§wep] }')), /did you mean web\?/],
    ['unknown-tracker', inPair('track: { files: [{ name: flag, weight: -5 }] }').replace('{ name', '§{ name'), /define it/],
    ['unknown-tracker', inPair('track: { processes: [§nginx] }'), /define it/],
    ['unknown-tracker', inPair('track: { bfd: [§peer] }'), /define it/],
    ['tracked-twice', inPair('track: { interfaces: [eth1, §{ name: eth1, weight: 5 }] }'), /takes the first/],
    ['bad-interface', inPair('track: { interfaces: [§"eth0 weight 5"] }'), /ip link/],
    ['bad-value', inPair('track: { interfaces: [{ name: eth1, weight: §254 }] }'), /-253/],
  ])('%s %#', (...example) => {
    expectProblem(example);
  });

  it.each([
    ['one VRID for IPv4 and for IPv6', crossed('interface: eth0\nvirtual_router_id: 51\nvips: ["2001:db8::8"]')],
    ['one VRID on two interfaces of the members', crossed('interface: eth0\nvirtual_router_id: 51\nvips: [192.168.1.8]').replace('lvs1: { priority: 50 }, lvs2: { priority: 150 }', 'lvs1: { priority: 50, interface: eth1 }, lvs2: { priority: 150, interface: eth1 }')],
    ['unicast with a virtual MAC', inPair('unicast: true\nvmac: true')],
    ['its own interface among the tracked ones', inPair('track: { interfaces: [eth0, eth1] }')],
    ['unicast between IPv6 members', changed(changed(inPair('unicast: true'), 'vips: [192.168.0.38]', 'vips: ["2001:db8::38", 192.168.0.38]'), 'lvs1: { priority: 100 }', 'lvs1: { priority: 100, address: "2001:db8::48" }').replace('lvs2: { priority: 90 }', 'lvs2: { priority: 90, address: "2001:db8::58" }')],
    ['no connection sync', inPair('connection_sync: false\nvmac: false')],
  ])('takes %s', (_what, text) => {
    expect(problemsOf(text).map((error) => error.message)).toEqual([]);
  });

  it('puts addresses of the other family outside of the adverts', () => {
    const pair = topologyOf(changed(inPair('excluded_vips: [{ address: 10.1.9.1/24, interface: eth1 }]'), 'vips: [192.168.0.38]', 'vips: [192.168.0.38/24, "2001:db8:0::38/64"]')).pairs.get('edge');
    expect(pair?.vips).toEqual([{ address: '192.168.0.38', prefix: 24, interface: undefined }]);
    expect(pair?.excludedVips).toEqual([
      { address: '2001:db8::38', prefix: 64, interface: undefined },
      { address: '10.1.9.1', prefix: 24, interface: 'eth1' },
    ]);
  });

  it('gives a member its own interface and address, and the connection sync the pair\'s', () => {
    const pair = topologyOf(changed(inPair('connection_sync: true\nvmac: true'), 'priority: 90', 'priority: 90, interface: ens3, address: 10.9.9.9')).pairs.get('edge');
    expect(pair?.members).toEqual([
      { host: 'lvs1', priority: 100, interface: 'eth0', address: '192.168.0.48' },
      { host: 'lvs2', priority: 90, interface: 'ens3', address: '10.9.9.9' },
    ]);
    expect(pair?.connectionSync).toEqual({ interface: 'eth0', syncId: 51, port: undefined, group: undefined, ttl: undefined, maxlen: undefined });
    expect(pair?.vmac).toEqual({ interface: undefined, advertsFromBase: false });
  });
});

describe('sync groups', () => {
  const inner = (lines = INNER): string => crossed(lines).replace('lvs1: { priority: 50 }, lvs2: { priority: 150 }', 'lvs1: { priority: 150 }, lvs2: { priority: 50 }');
  const grouped = (lines: string, text = inner()): string => withSection('sync_groups', `both:\n  ${lines.replaceAll('\n', '\n  ')}`, text);
  it.each<BadExample>([
    ['unknown-pair', grouped('pairs: [edge, inner, §outer]'), /ha_pairs/],
    ['sync-group-single', grouped('pairs: §[edge]'), /group of one/],
    ['pair-in-two-groups', withSection('sync_groups', 'both: { pairs: [edge, inner] }\nother: { pairs: [§edge, third] }', changed(inner(), 'virtual_services:', '  third:\n    members: { lvs1: { priority: 150 }, lvs2: { priority: 50 } }\n    interface: eth2\n    virtual_router_id: 53\n    vips: [192.168.2.8]\nvirtual_services:')), /other/],
    ['sync-group-members', grouped('pairs: [edge, inner]', inner().replace('members: { lvs1: { priority: 150 }, lvs2: { priority: 50 } }', '§members: { lvs1: { priority: 150 }, lvs3: { priority: 50 } }')), /same directors/],
    ['sync-group-order', grouped('pairs: [edge, inner]', crossed(INNER).replace('members: { lvs1: { priority: 50 }', '§members: { lvs1: { priority: 50 }')), /highest priority/],
    ['sync-group-weight', grouped('pairs: [edge, inner]', inner(`${INNER}\ntrack: { interfaces: [eth2, §{ name: eth3, weight: -20 }] }`)), /FAULT/],
    ['sync-group-weight', grouped('pairs: [edge, inner]\ntrack: { interfaces: [§{ name: eth3, weight: -20 }] }'), /remove the weight/],
    ['sync-group-weight', withSection('track_processes', 'web: { process: nginx, weight: -20 }', grouped('pairs: [edge, inner]\ntrack: { processes: [§web] }')), /weight: 0/],
    ['unknown-script', grouped('pairs: [edge, inner]\nnotify: { master: §tell }'), /lvs\.scripts/],
    ['bad-name', withSection('sync_groups', '§"both {": { pairs: [edge, inner] }', inner()), /letters/],
  ])('%s %#', (...example) => {
    expectProblem(example);
  });

  it('takes pairs of the same members with the same preference, and a weight of 0', () => {
    expect(problemsOf(withSection('track_processes', 'web: { process: nginx, weight: -20 }', grouped('pairs: [edge, inner]\ntrack: { processes: [{ name: web, weight: 0 }] }'))).map((error) => error.message)).toEqual([]);
  });

  it('says nothing of a group whose pair is wrong already', () => {
    expect(problemsOf(grouped('pairs: [edge, inner]', inner(INNER.replace('52', '0')))).map((error) => error.code)).toEqual(['vrid-range']);
  });
});
