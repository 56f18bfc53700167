import { describe, expect, it } from 'vitest';
import { type BadExample, changed, EXAMPLE, expectProblem, inPair, inService, problemsOf, topologyOf, withService } from '../../support.ts';

/** The example's service told by a mark, with one endpoint. */
const marked = (lines = 'endpoints: [192.168.0.38:80]'): string => changed(inService(`fwmark: 7\n${lines}`), '    address: 192.168.0.38:80\n', '');
const udp = (lines: string): string => inService(`protocol: udp\n${lines}`);
/** On one director, with a VIP of its own. */
const single = (lines: string): string => changed(changed(inService(lines), 'on: edge', 'on: lvs3'), '192.168.0.38:80', '10.1.0.80:80');
const scheduled = (scheduler: string, text: string): string => changed(text, 'scheduler: rr', `scheduler: ${scheduler}`);
const OTHER = 'on: edge\nmode: dr\nscheduler: rr\nreal_servers: { rs1: }';

describe('what a service is told by', () => {
  it.each<BadExample>([
    ['missing-key', changed(EXAMPLE, '  web:\n', '  §web:\n').replace('    address: 192.168.0.38:80\n', ''), /fwmark/],
    ['address-and-mark', changed(inService('fwmark: 7\nendpoints: [192.168.0.38:80]'), 'address: 192', '§address: 192'), /keep one/],
    ['endpoints-without-mark', inService('§endpoints: [192.168.0.38:443]'), /fwmark: NUMBER/],
    ['missing-key', marked('alpha: false').replace('  web:', '  §web:'), /endpoints: \[/],
    ['bad-value', marked().replace('fwmark: 7', 'fwmark: §0'), /1-4294967295/],
    ['bad-value', marked().replace('fwmark: 7', 'fwmark: §4294967296'), /1-4294967295/],
    ['bad-address', marked('endpoints: [192.168.0.38:80, §www:443]'), /IP address/],
    ['address-not-in-pair', marked('endpoints: [192.168.0.38:80, §192.168.0.39:443]'), /vips/],
    ['endpoint-twice', marked('endpoints: [192.168.0.38:80, §{ address: 192.168.0.38:80, protocol: tcp }]'), /remove/],
    ['mark-family', changed(marked('endpoints: [192.168.0.38:80, §"[2001:db8::38]:80"]'), 'vips: [192.168.0.38]', 'vips: [192.168.0.38, "2001:db8::38"]'), /each family/],
    ['duplicate-service', withService('other', `fwmark: §7\nendpoints: [192.168.0.38:81]\n${OTHER}`, marked()), /another mark/],
    ['endpoint-twice', withService('other', `fwmark: 8\nendpoints: [192.168.0.38:81, §192.168.0.38:80]\n${OTHER}`, marked()), /one mark/],
    ['service-under-mark', withService('other', `address: §192.168.0.38:80\n${OTHER}`, marked()), /web/],
    ['service-under-mark', withService('other', `fwmark: 7\nendpoints: [192.168.0.38:81, §192.168.0.38:0]\n${OTHER}`), /other/],
    ['bad-name', changed(EXAMPLE, '  web:', '  §"web {":'), /letters/],
    ['unknown-director', changed(EXAMPLE, 'on: edge', 'on: §lvs9'), /did you mean lvs1\?/],
    ['address-of-pair', changed(EXAMPLE, 'on: edge', 'on: §lvs3'), /on: edge/],
  ])('%s %#', (...example) => {
    expectProblem(example);
  });

  it('keeps marks of both families apart', () => {
    const six = withService('six', `fwmark: 7\nendpoints: ["[2001:db8::38]:80"]\n${OTHER}`, marked()).replace('vips: [192.168.0.38]', 'vips: [192.168.0.38, "2001:db8::38"]').replace(/rs1: \}\n$/, 'rs6: }\n');
    expect([...topologyOf(six).services.values()].map(({ match }) => match)).toMatchObject([{ kind: 'fwmark', mark: 7, family: 4 }, { kind: 'fwmark', mark: 7, family: 6 }]);
  });

  it('gives real servers of a mark port 0 and its checks the first endpoint\'s port', () => {
    const service = topologyOf(marked('endpoints: [192.168.0.38:80, { address: 192.168.0.38:443 }]\nsorry_server: { address: 192.168.0.9 }')).services.get('web');
    expect(service?.realServers.map(({ port }) => port)).toEqual([0, 0]);
    expect(service?.sorryServer?.port).toBe(0);
    expect(service?.healthChecks).toMatchObject([{ type: 'tcp', port: 80 }]);
  });
});

describe('a single director', () => {
  it.each<BadExample>([
    ['interface-with-pair', inService('§interface: eth0'), /edge carries/],
    ['vip-is-host', changed(single('§interface: eth0'), '10.1.0.80:80', '10.1.0.3:80'), /remove interface/],
    ['vip-is-host', changed(single('§interface: eth0'), '10.1.0.80:80', '10.1.0.4:80'), /no host has/],
    ['vip-on-two-interfaces', withService('other', 'on: lvs3\ninterface: §eth1\naddress: 10.1.0.80:81\nmode: dr\nscheduler: rr\nreal_servers: { rs1: }', single('interface: eth0')), /same interface/],
    ['script-needs-keepalived', inService('manager: §script'), /VIPs of a pair/],
    ['script-needs-keepalived', single('manager: script\n§quorum: 2'), /keepalived/],
    ['script-needs-keepalived', single('manager: script\n§sorry_server: { address: 10.1.0.9 }'), /keepalived/],
    ['script-needs-keepalived', single('manager: script\n§health_check: { type: tcp }'), /checks nothing/],
    ['script-needs-keepalived', single('manager: script\n§inhibit_on_failure: true'), /keepalived/],
    ['script-needs-keepalived', changed(single('manager: script'), 'rs1: { weight: 1 }', 'rs1: { §on_up: /usr/bin/true }'), /keepalived/],
    ['duplicate-service', withService('other', 'on: lvs3\nmanager: script\naddress: §10.1.0.80:80\nmode: dr\nscheduler: rr\nreal_servers: { rs1: }', single('interface: eth0')), /join/],
  ])('%s %#', (...example) => {
    expectProblem(example);
  });

  it('takes a script-managed service without any check, beside one of keepalived', () => {
    const topology = topologyOf(withService('other', 'on: lvs3\nmanager: keepalived\naddress: 10.1.0.80:81\nmode: dr\nscheduler: rr\nreal_servers: { rs1: }', single('manager: script\ninterface: eth0\nhealth_check: { type: none }')));
    expect([...topology.services.values()].map(({ manager, healthChecks, vipInterface }) => [manager, healthChecks.length, vipInterface])).toEqual([['script', 0, 'eth0'], ['keepalived', 1, undefined]]);
  });
});

describe('scheduling', () => {
  it.each<BadExample>([
    ['unknown-scheduler', changed(EXAMPLE, 'scheduler: rr', 'scheduler: §mhh'), /did you mean mh\?/],
    ['flag-scheduler', inService('scheduler_flags: [§sh-port]'), /scheduler: sh/],
    ['flag-scheduler', scheduled('sh', inService('scheduler_flags: [sh-port, §mh-fallback]')), /scheduler: mh/],
    ['bad-value', inService('scheduler_flags: [§sh-prot]'), /did you mean sh-port\?/],
    ['weight-zero-hash', changed(scheduled('mh', inService('scheduler_flags: [mh-port]')), 'rs1: { weight: 1 }', 'rs1: { weight: §0 }'), /mh-fallback/],
    ['one-packet-protocol', inService('one_packet: §true'), /TCP/],
    ['one-packet-protocol', marked('endpoints: [192.168.0.38:80, { address: 192.168.0.38:53, protocol: udp }]\none_packet: §true'), /TCP/],
    ['sip-protocol', inService('persistence: { timeout: 60, engine: §sip }'), /UDP/],
    ['sip-protocol', marked('endpoints: [{ address: 192.168.0.38:5060, protocol: udp }, 192.168.0.38:5060]\npersistence: { timeout: 60, engine: §sip }'), /UDP/],
    ['persistence-netmask', inService('persistence: { timeout: 60, netmask: §255.0.255.0 }'), /255\.255\.255\.0/],
    ['persistence-netmask', inService('persistence: { timeout: 60, prefix: 24, §netmask: 255.255.255.0 }'), /keep one/],
    ['persistence-netmask', inService('persistence: { timeout: 60, prefix: §64 }'), /0-32/],
    ['persistence-netmask', withService('six', 'on: edge\naddress: "[2001:db8::38]:80"\nmode: dr\nscheduler: rr\nreal_servers: { rs6: }\npersistence: { timeout: 60, netmask: §255.255.255.0 }', changed(EXAMPLE, 'vips: [192.168.0.38]', 'vips: [192.168.0.38, "2001:db8::38"]')), /prefix: 64/],
    ['bad-value', inService('persistence: §0'), /Seconds/],
    ['bad-value', inService('persistence: { timeout: §2678401 }'), /./],
  ])('%s %#', (...example) => {
    expectProblem(example);
  });

  it.each([
    ['weight 0 under sh with its fallback', changed(scheduled('sh', inService('scheduler_flags: [sh-fallback]')), 'rs1: { weight: 1 }', 'rs1: { weight: 0 }')],
    ['one packet at a time by UDP', udp('one_packet: true')],
    ['one packet at a time by a mark of UDP', marked('endpoints: [{ address: 192.168.0.38:53, protocol: udp }]\none_packet: true')],
    ['SIP with one packet at a time and all clients together, by Call-ID', udp('one_packet: true\npersistence: { timeout: 60, netmask: 0.0.0.0, engine: sip }')],
  ])('takes %s', (_what, text) => {
    expect(problemsOf(text).map((error) => error.message)).toEqual([]);
  });

  it.each([
    ['60', 32],
    ['{ timeout: 60 }', 32],
    ['{ timeout: 60, prefix: 20 }', 20],
    ['{ timeout: 60, netmask: 255.255.254.0 }', 23],
    ['{ timeout: 60, netmask: 0.0.0.0 }', 0],
  ])('reads persistence %s', (text, prefix) => {
    expect(topologyOf(inService(`persistence: ${text}`)).services.get('web')?.persistence).toEqual({ timeout: 60, prefix, engine: undefined });
  });
});

describe('quorum, sorry server, tunnel, helper', () => {
  const tunnel = (text: string): string => changed(inService(`tunnel: ${text}`), 'mode: dr', 'mode: tun');
  it.each<BadExample>([
    ['quorum-too-high', inService('quorum: §3'), /raise the weights/],
    ['quorum-too-high', inService('quorum: §{ count: 2, hysteresis: 1 }'), /raise the weights/],
    ['quorum-hysteresis', changed(inService('quorum: { count: 2, hysteresis: §2 }'), 'weight: 1', 'weight: 5'), /at least 1/],
    ['unknown-script', inService('quorum: { count: 1, down: §[tell, me] }'), /lvs\.scripts/],
    ['missing-key', inService('§sorry_server: { port: 80 }'), /host: NAME/],
    ['unknown-host', inService('sorry_server: { host: §rs9 }'), /did you mean rs1\?/],
    ['host-address', inService('sorry_server: { address: §sorry.example }'), /IP address/],
    ['port-not-rewritten', inService('sorry_server: { address: 192.168.0.9, port: §81 }'), /mode: nat/],
    ['port-not-rewritten', marked('endpoints: [192.168.0.38:80]\nsorry_server: { address: 192.168.0.9, port: §80 }'), /mode: nat/],
    ['address-family', inService('sorry_server: { address: §"2001:db8::9" }'), /family/],
    ['address-family', inService('sorry_server: { host: §rs6 }'), /family/],
    ['tunnel-mode', inService('§tunnel: gue'), /mode: tun/],
    ['tunnel-port', tunnel('{ type: gre, §port: 6080 }'), /gue/],
    ['tunnel-checksum', tunnel('{ type: ipip, §checksum: csum }'), /gue or gre/],
    ['tunnel-checksum', tunnel('{ type: gre, checksum: §remcsum }'), /csum/],
    ['bad-value', tunnel('§vxlan'), /ipip/],
    ['helper-protocol', changed(udp('helper: §ftp'), 'mode: dr', 'mode: nat'), /remove/],
    ['ftp-persistence', changed(inService('helper: §ftp'), '192.168.0.38:80', '192.168.0.38:21'), /persistence: SECONDS/],
    ['helper-port', changed(inService('helper: §ftp'), 'mode: dr', 'mode: nat'), /port 21/],
  ])('%s %#', (...example) => {
    expectProblem(example);
  });

  it.each([
    ['another port of the sorry server by NAT', inService('sorry_server: { address: 192.168.0.9, port: 81, mode: nat }')],
    ['FTP by NAT', changed(changed(inService('helper: ftp'), 'mode: dr', 'mode: nat'), '192.168.0.38:80', '192.168.0.38:21')],
    ['FTP by DR with persistence', changed(inService('helper: ftp\npersistence: 300'), '192.168.0.38:80', '192.168.0.38:21')],
    ['a quorum of all weights', inService('quorum: 2')],
  ])('takes %s', (_what, text) => {
    expect(problemsOf(text).map((error) => error.message)).toEqual([]);
  });

  it.each([
    ['gue', { type: 'gue', port: 6080, checksum: 'none' }],
    ['{ type: gue, port: 7000, checksum: remcsum }', { type: 'gue', port: 7000, checksum: 'remcsum' }],
    ['ipip', { type: 'ipip', port: undefined, checksum: 'none' }],
  ])('reads tunnel %s', (text, expected) => {
    expect(topologyOf(tunnel(text)).services.get('web')?.tunnel).toEqual(expected);
  });
});

describe('real servers', () => {
  const rs1 = (options: string, text = EXAMPLE): string => changed(text, 'rs1: { weight: 1 }', `rs1: { ${options} }`);
  it.each<BadExample>([
    ['threshold-order', rs1('upper_threshold: 10, lower_threshold: §11'), /ipvsadm\(8\)/],
    ['threshold-order', rs1('lower_threshold: §11'), /ipvsadm\(8\)/],
    ['bad-value', rs1('upper_threshold: §-1'), /no limit/],
    ['port-not-rewritten', rs1('port: §8080', marked()), /mode: nat/],
    ['port-not-rewritten', changed(changed(rs1('port: §8080', inService('persistence: 60\nhealth_check: { type: none }')), 'mode: dr', 'mode: nat'), '192.168.0.38:80', '192.168.0.38:0'), /keeps the port/],
    ['unknown-key', rs1('§wieght: 2'), /did you mean weight\?/],
    ['unknown-script', rs1('on_up: §tell'), /lvs\.scripts/],
    ['bad-value', changed(EXAMPLE, 'real_servers:\n      rs1: { weight: 1 }\n      rs2: { weight: 1 }\n', 'real_servers: §{}\n'), /./],
  ])('%s %#', (...example) => {
    expectProblem(example);
  });

  it('keeps equal thresholds, inherits inhibit_on_failure and takes another port by NAT', () => {
    const text = changed(inService('inhibit_on_failure: true'), 'mode: dr', 'mode: nat');
    expect(topologyOf(rs1('upper_threshold: 10, lower_threshold: 10, port: 8080', text)).services.get('web')?.realServers).toMatchObject([
      { host: 'rs1', port: 8080, upperThreshold: 10, lowerThreshold: 10, inhibitOnFailure: true },
      { host: 'rs2', port: 80, upperThreshold: 0, lowerThreshold: 0, inhibitOnFailure: true },
    ]);
  });
});

it('says what a pair lacks once, not at the services on it', () => {
  expect(problemsOf(inPair('interfaces: eth0')).map((error) => error.code)).toEqual(['unknown-key']);
});
