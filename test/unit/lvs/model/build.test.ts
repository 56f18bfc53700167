import { describe, expect, it } from 'vitest';
import { changed, EXAMPLE, HOSTS, placeOf, problemsOf, topologyOf } from '../support.ts';

const SECOND_PAIR = `  second:
    members: { lvs3: { priority: 100 }, lvs4: { priority: 90 } }
    interface: eth0
    virtual_router_id: 51
    vips: [10.1.0.80]
virtual_services:`;
const withSecond = (piece = '', replacement = ''): string => changed(EXAMPLE, 'virtual_services:', changed(SECOND_PAIR, piece, replacement));
const withService = (lines: string): string => `${EXAMPLE}  other:\n${lines.split('\n').map((line) => `    ${line}`).join('\n')}\n`;

describe('buildTopology', () => {
  it('resolves the example', () => {
    const topology = topologyOf(EXAMPLE);
    expect(topology.pairs.get('edge')).toMatchObject({
      name: 'edge',
      position: { file: 'lvs.yml', line: 2, column: 3 },
      interface: 'eth0',
      virtualRouterId: 51,
      advertInt: 1,
      version: 2,
      vips: [{ address: '192.168.0.38', prefix: 32, interface: undefined }],
      excludedVips: [],
      members: [
        { host: 'lvs1', priority: 100, interface: 'eth0', address: '192.168.0.48' },
        { host: 'lvs2', priority: 90, interface: 'eth0', address: '192.168.0.58' },
      ],
      authPass: undefined,
      preempt: true,
    });
    expect(topology.services.get('web')).toMatchObject({
      name: 'web',
      position: { file: 'lvs.yml', ...placeOf(EXAMPLE, 'web:') },
      directors: ['lvs1', 'lvs2'],
      pair: 'edge',
      protocol: 'tcp',
      vip: '192.168.0.38',
      port: 80,
      mode: 'dr',
      scheduler: 'rr',
      persistence: undefined,
      realServers: [
        { host: 'rs1', address: '192.168.0.18', port: 80, weight: 1 },
        { host: 'rs2', address: '192.168.0.28', port: 80, weight: 1 },
      ],
      healthChecks: [{ type: 'tcp', connectTimeout: 3, retry: 3, delayBeforeRetry: 1, port: undefined }],
      checkInterval: 6,
    });
    expect([...topology.directors.values()]).toEqual([
      { host: 'lvs1', address: '192.168.0.48', pairs: ['edge'], services: ['web'] },
      { host: 'lvs2', address: '192.168.0.58', pairs: ['edge'], services: ['web'] },
    ]);
    expect(topology.realServers.get('rs1')).toMatchObject({ host: 'rs1', address: '192.168.0.18', vips: [{ vip: '192.168.0.38', mode: 'dr' }], gateway: undefined });
  });

  it('takes an empty variable for an empty cluster', () => {
    for (const text of ['', '{}', 'ha_pairs:\nvirtual_services:\n']) {
      const topology = topologyOf(text);
      expect([topology.pairs.size, topology.services.size, topology.directors.size, topology.realServers.size]).toEqual([0, 0, 0, 0]);
    }
  });

  it('sorts members by priority, whatever the order they were written in', () => {
    const topology = topologyOf(changed(EXAMPLE, 'priority: 90', 'priority: 200'));
    expect(topology.pairs.get('edge')?.members.map(({ host }) => host)).toEqual(['lvs2', 'lvs1']);
  });

  it('gives a NAT real server no VIP, and a director that serves itself none either', () => {
    const nat = topologyOf(changed(EXAMPLE, 'mode: dr', 'mode: nat'));
    expect(nat.realServers.get('rs1')?.vips).toEqual([]);
    const alone = topologyOf(changed(changed(EXAMPLE, 'on: edge', 'on: rs2'), 'address: 192.168.0.38:80', 'address: 192.168.0.39:80'));
    expect(alone.realServers.get('rs2')?.vips).toEqual([]);
    expect(alone.realServers.get('rs1')?.vips).toMatchObject([{ vip: '192.168.0.39', mode: 'dr' }]);
    expect(alone.directors.get('rs2')?.services).toEqual(['web']);
  });

  it.each([
    ['an address in the service where the host has only a name', withService('on: edge\naddress: 192.168.0.38:81\nmode: dr\nscheduler: rr\nreal_servers: { named: { address: 192.168.0.77 } }')],
    ['all ports with persistence', withService('on: edge\naddress: 192.168.0.38:0\nmode: dr\nscheduler: rr\npersistence: 60\nreal_servers: { rs1: }\nhealth_check: { type: none }')],
    ['the service port written out under DR', changed(EXAMPLE, 'rs1: { weight: 1 }', 'rs1: { weight: 1, port: 80 }')],
    ['another real port under NAT', changed(changed(EXAMPLE, 'mode: dr', 'mode: nat'), 'rs1: { weight: 1 }', 'rs1: { weight: 1, port: 8080 }')],
    ['the highest weight', changed(EXAMPLE, 'weight: 1', 'weight: 2147483647')],
    ['one weight 0', changed(EXAMPLE, 'weight: 1', 'weight: 0')],
    ['the same port by UDP', withService('on: edge\naddress: 192.168.0.38:80\nprotocol: udp\nmode: dr\nscheduler: rr\nreal_servers: { rs1: }')],
    ['one VRID on two networks', withSecond()],
    ['one VRID on two interfaces of the same hosts', withSecond('lvs3: { priority: 100 }, lvs4: { priority: 90 } }\n    interface: eth0', 'lvs1: { priority: 100 }, lvs2: { priority: 90 } }\n    interface: eth1')],
    ['an IPv6 service through a tunnel to IPv4', withSecond('[10.1.0.80]', '["2001:db8::80"]').concat('  six: { on: second, address: "[2001:db8::80]:80", mode: tun, scheduler: rr, real_servers: { rs1: } }\n')],
  ])('takes %s', (_what, text) => {
    expect(problemsOf(text).map((error) => error.message)).toEqual([]);
  });
});

describe('what is wrong points at the place', () => {
  const pass = (text: string): string => changed(EXAMPLE, 'interface: eth0', `interface: eth0\n    auth_pass: ${text}`);
  it.each<[string, string, string, RegExp]>([
    ['unknown-key', changed(EXAMPLE, 'scheduler: rr', 'scheduler: rr\n    persistance: 30'), 'persistance', /did you mean persistence\?/],
    ['unknown-key', `${EXAMPLE}real_servers: {}\n`, 'real_servers: {}', /ha_pairs.*virtual_services/],
    ['missing-key', changed(EXAMPLE, '    scheduler: rr\n', ''), 'web', /scheduler/],
    ['wrong-type', changed(EXAMPLE, 'weight: 1', 'weight: "many"'), '"many"', /./],
    ['wrong-type', pass('1111'), '1111', /quotes/],
    ['bad-value', changed(EXAMPLE, 'mode: dr', 'mode: nut'), 'nut', /did you mean nat\?/],
    ['weight-range', changed(EXAMPLE, 'weight: 1', 'weight: -1'), '-1', /ipvsadm/],
    ['weight-range', changed(EXAMPLE, 'weight: 1', 'weight: 2147483648'), '2147483648', /2147483647/],
    ['port-not-rewritten', changed(EXAMPLE, 'rs1: { weight: 1 }', 'rs1: { weight: 1, port: 8080 }'), '8080', /nat/],
    ['port-not-rewritten', changed(changed(EXAMPLE, 'mode: dr', 'mode: tun'), 'rs1: { weight: 1 }', 'rs1: { port: 8080 }'), '8080', /nat/],
    ['port-range', changed(changed(EXAMPLE, 'mode: dr', 'mode: nat'), 'rs1: { weight: 1 }', 'rs1: { port: 80800 }'), '80800', /65535/],
    ['unknown-host', changed(EXAMPLE, 'rs2: {', 'rs9: {'), 'rs9', /did you mean rs1\?/],
    ['unknown-host', changed(EXAMPLE, 'lvs2:', 'lvs9:'), 'lvs9', /did you mean lvs1\?/],
    ['host-address', changed(EXAMPLE, 'rs2: {', 'named: {'), 'named', /lvs_address/],
    ['host-address', changed(EXAMPLE, 'rs2: { weight: 1 }', 'rs2: { address: 192.168.0.28/24 }'), '192.168.0.28/24', /without a prefix/],
    ['unknown-director', changed(EXAMPLE, 'on: edge', 'on: egde'), 'egde', /did you mean edge\?/],
    ['address-not-in-pair', changed(EXAMPLE, '192.168.0.38:80', '192.168.0.39:80'), '192.168.0.39:80', /192\.168\.0\.38/],
    ['bad-address', changed(EXAMPLE, '192.168.0.38:80', 'www:80'), 'www:80', /IP address/],
    ['bad-address', changed(EXAMPLE, '192.168.0.38:80', '192.168.0.38:65536'), '192.168.0.38:65536', /65535/],
    ['too-few-members', changed(EXAMPLE, '      lvs2: { priority: 90 }\n', ''), 'members', /second director/],
    ['equal-priorities', changed(EXAMPLE, 'priority: 90', 'priority: 0x64'), '0x64', /MASTER/],
    ['priority-range', changed(EXAMPLE, 'priority: 100', 'priority: 255'), '255', /1-254/],
    ['priority-range', changed(EXAMPLE, 'priority: 90', 'priority: 0'), '0 }\n    interface', /1-254/],
    ['vrid-range', changed(EXAMPLE, ': 51', ': 256'), '256', /1-255/],
    ['duplicate-vrid', withSecond('lvs3: { priority: 100 }, lvs4: { priority: 90 }', 'lvs2: { priority: 100 }, lvs1: { priority: 90 }').replace('_id: 51\n    vips: [10', '_id: 0x33\n    vips: [10'), '0x33', /adverts/],
    ['bad-vip', changed(EXAMPLE, 'vips: [192.168.0.38]', 'vips: [192.168.0.38, 300.1.1.1]'), '300.1.1.1', /unicast/],
    ['bad-vip', changed(EXAMPLE, 'vips: [192.168.0.38]', 'vips: [192.168.0.38, 224.0.0.18]'), '224.0.0.18', /unicast/],
    ['bad-vip', changed(EXAMPLE, 'vips: [192.168.0.38]', 'vips: [192.168.0.38, 10.0.0.1/33]'), '10.0.0.1/33', /unicast/],
    ['vip-is-host', changed(EXAMPLE, 'vips: [192.168.0.38]', 'vips: [192.168.0.38, 192.168.0.18]'), '192.168.0.18', /no host/],
    ['duplicate-vip', changed(EXAMPLE, 'vips: [192.168.0.38]', 'vips: [192.168.0.38, 192.168.0.38/24]'), '192.168.0.38/24', /remove/],
    ['duplicate-vip', withSecond('10.1.0.80', '192.168.0.38/24'), '192.168.0.38/24', /one pair/],
    ['bad-interface', changed(EXAMPLE, 'eth0', 'lo'), 'lo\n', /keepalived/],
    ['bad-interface', changed(EXAMPLE, 'eth0', '"eth0 {"'), '"eth0 {"', /ip link/],
    ['bad-name', changed(changed(EXAMPLE, 'edge:', '"e {":'), 'on: edge', 'on: "e {"'), '"e {"', /letters/],
    ['advert-int-range', changed(EXAMPLE, 'interface: eth0', 'interface: eth0\n    advert_int: 0.5'), '0.5', /VRRPv2/],
    ['auth-pass-length', pass('"123456789"'), '"123456789"', /8/],
    ['auth-pass-characters', pass('"12#45"'), '"12#45"', /comment/],
    ['auth-pass-characters', pass('""'), '""', /1-8/],
    ['duplicate-service', withService('on: edge\naddress: "192.168.0.38:080"\nmode: dr\nscheduler: rr\nreal_servers: { rs1: }'), '"192.168.0.38:080"', /join/],
    ['port-zero', changed(EXAMPLE, '192.168.0.38:80\n', '192.168.0.38:0\n    health_check: { type: none }\n'), '192.168.0.38:0', /persistence/],
    ['check-port', changed(EXAMPLE, '192.168.0.38:80\n', '192.168.0.38:0\n    persistence: 5\n'), '192.168.0.38:0', /health_check/],
    ['check-key', `${EXAMPLE}    health_check: { type: tcp, path: / }\n`, 'path', /http/],
    ['bad-value', `${EXAMPLE}    health_check: { type: http, path: "/~SEQ(x,1,3)" }\n`, '"/~SEQ(x,1,3)"', /default \//],
    ['bad-value', `${EXAMPLE}    health_check: { type: http, path: '/a"b' }\n`, `'/a"b'`, /default \//],
    ['unknown-scheduler', changed(EXAMPLE, 'scheduler: rr', 'scheduler: wrrr'), 'wrrr', /did you mean wrr\?/],
    ['director-loop', changed(EXAMPLE, 'rs2:', 'lvs2:').replace('lvs2: { weight', '"lvs2": { weight'), '"lvs2"', /LocalNode/],
    ['duplicate-real-server', changed(EXAMPLE, 'rs2: { weight: 1 }', 'rs2: { address: 192.168.0.18 }'), 'rs2', /remove/],
    ['real-server-is-vip', changed(EXAMPLE, 'rs2: { weight: 1 }', 'rs2: { address: 192.168.0.38 }'), 'rs2', /besides/],
    ['address-family', changed(EXAMPLE, 'rs2:', 'rs6:'), 'rs6', /tun/],
    ['weight-zero-hash', changed(changed(EXAMPLE, 'scheduler: rr', 'scheduler: sh'), 'rs1: { weight: 1 }', 'rs1: { weight: 0 }'), '0 }\n      rs2', /ip_vs_sh/],
    ['all-weights-zero', EXAMPLE.replaceAll('weight: 1', 'weight: 0'), 'real_servers', /quorum/],
  ])('%s', (code, text, piece, hint) => {
    const problems = problemsOf(text);
    expect(problems.map((error) => error.code)).toEqual([code]);
    const [error] = problems;
    expect(error?.kind).toBe('input');
    expect(error?.position).toEqual({ file: 'lvs.yml', ...placeOf(text, piece) });
    expect(error?.hint).toMatch(hint);
    expect(error?.message).not.toMatch(/\n/);
  });

  it('names all problems at once, in the order of the file', () => {
    const text = changed(changed(changed(EXAMPLE, ': 51', ': 0'), 'scheduler: rr', 'scheduler: wr'), 'rs2: { weight: 1 }', 'rs9: { weight: -1 }');
    expect(problemsOf(text).map((error) => error.code)).toEqual(['vrid-range', 'unknown-scheduler', 'unknown-host', 'weight-range']);
  });

  it('says a wrong pair only once, not again at its services', () => {
    expect(problemsOf(changed(EXAMPLE, '    interface: eth0\n', '')).map((error) => error.code)).toEqual(['missing-key']);
  });

  it('never tells a password', () => {
    const text = changed(EXAMPLE, 'interface: eth0', 'interface: eth0\n    auth_pass: "hunter2#hunter2"');
    for (const error of problemsOf(text)) expect(`${error.message} ${String(error.hint)}`).not.toContain('hunter2');
  });

  it('names one network also when no host is shared', () => {
    const hosts = new Map([...HOSTS, ['lvs3', { host: 'lvs3', address: '192.168.0.3' }]] as const);
    expect(problemsOf(withSecond(), hosts).map((error) => error.code)).toEqual(['duplicate-vrid']);
  });
});
