import { describe, expect, it } from 'vitest';
import { detection, handover, readmission, takeover } from '../../../src/rehearse/drills/bounds.ts';
import { portsOf, promisesOf, victimOf } from '../../../src/rehearse/drills/plan.ts';
import { unitIn } from '../../../src/rehearse/drills/scene.ts';
import type { DrillName, Hit } from '../../../src/rehearse/drills/types.ts';
import { unitsOf } from '../../../src/rehearse/sample/units.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import { changed, EXAMPLE, inPair, inService, SINGLE, topologyOf } from '../lvs/support.ts';

function web(text: string) {
  const topology = topologyOf(text);
  const service = topology.services.get('web');
  const server = service?.realServers[0];
  if (service === undefined || server === undefined) throw new Error('no service web');
  return { topology, service, server };
}

describe('how long a dead real server is still asked', () => {
  it.each([
    // interval + (retry + 1) attempts of the whole time-out + pauses between them
    ['tcp', 'check_interval: 6\nhealth_check: { type: tcp, connect_timeout: 3, retry: 3, delay_before_retry: 3 }', 27, 15],
    ['no retry', 'check_interval: 2\nhealth_check: { type: http, path: /, status: 200, connect_timeout: 1, retry: 0 }', 3, 2],
    ['its own interval', 'check_interval: 60\nhealth_check: { type: tcp, interval: 1, connect_timeout: 1, retry: 1, delay_before_retry: 1 }', 4, 2],
    ['another port tells of the host only', 'check_interval: 2\nhealth_check: { type: tcp, port: 22, connect_timeout: 1, retry: 0 }', 3, undefined],
    ['another address tells nothing', 'health_check: { type: tcp, address: 192.168.0.99, connect_timeout: 1 }', undefined, undefined],
    ['ping', 'check_interval: 2\nhealth_check: { type: ping, connect_timeout: 1, retry: 0 }', 3, undefined],
    ['the faster of two', 'check_interval: 2\nhealth_check: [{ type: ping, connect_timeout: 1, retry: 0 }, { type: tcp, interval: 9, connect_timeout: 3 }]', 3, 12],
    ['none', 'health_check: { type: none }', undefined, undefined],
  ])('%s', (_, lines, host, port) => {
    const { service, server } = web(inService(lines));
    expect(detection(service, server, 'host')?.seconds).toBe(host);
    expect(detection(service, server, 'port')?.seconds).toBe(port);
  });

  it('a script checks nothing', () => {
    const { service, server } = web(SINGLE);
    expect(detection(service, server, 'host')).toBeUndefined();
  });

  it('says where the bound comes from', () => {
    const { service, server } = web(inService('check_interval: 6\nhealth_check: { type: tcp, connect_timeout: 3, retry: 3, delay_before_retry: 3 }'));
    expect(detection(service, server, 'host')?.words).toBe('tcp check: 6 s + 4 x 3 s + 3 x 3 s');
    expect(detection(service, server, 'port')?.words).toBe('tcp check: 6 s + 3 x 3 s');
    expect(readmission(service).seconds).toBe(9);
  });
});

describe('how long a pair may be without a holder', () => {
  it.each([
    [EXAMPLE, 'lvs1', 3.6484375, 1.6484375],
    // The one that is left has the higher priority: it is faster.
    [EXAMPLE, 'lvs2', 3.609375, 1.609375],
    [inPair('advert_int: 2\n'), 'lvs1', 7.296875, 2.296875],
  ])('%#', (text, holder, crash, reboot) => {
    const pair = topologyOf(text).pairs.get('edge');
    if (pair === undefined) throw new Error('no pair');
    expect(takeover(pair, holder).seconds).toBeCloseTo(crash);
    expect(handover(pair, holder).seconds).toBeCloseTo(reboot);
  });
});

describe('what is promised', () => {
  const hit = (topology: Topology, drill: DrillName, host: string): Hit[] => [{ drill, services: [...topology.services.keys()], host, reached: [...topology.services.keys()], what: host }];
  const kinds = (text: string, drill: DrillName, host: string) => {
    const topology = topologyOf(text);
    return Object.fromEntries([...promisesOf(topology, hit(topology, drill, host))].map(([name, promise]) => [name, promise.kind]));
  };

  it.each([
    [EXAMPLE, 'server-killed', 'rs1', { web: 'lost-within' }],
    [EXAMPLE, 'director-crashed', 'lvs1', { web: 'gap-within' }],
    [EXAMPLE, 'controller-killed', 'rs1', { web: 'nothing' }],
    [changed(EXAMPLE, '      rs2: { weight: 1 }\n', ''), 'server-killed', 'rs1', { web: 'until-back' }],
    [changed(EXAMPLE, 'rs2: { weight: 1 }', 'rs2: { weight: 0 }'), 'server-killed', 'rs1', { web: 'until-back' }],
    [inService('health_check: { type: none }'), 'server-killed', 'rs1', { web: 'until-back' }],
    [SINGLE, 'server-killed', 'rs1', { web: 'until-back', checked: 'lost-within' }],
    [SINGLE, 'link-cut', 'lvs1', { web: 'until-back', checked: 'until-back' }],
  ] as const)('%#: %s %s', (text, drill, host, expected) => {
    expect(kinds(text, drill, host)).toEqual(expected);
  });

  it('services that a fault does not reach lose nothing', () => {
    const topology = topologyOf(SINGLE);
    expect(promisesOf(topology, [{ drill: 'service-stopped', services: ['web', 'checked'], host: 'rs1', reached: ['web'], what: 'x' }]).get('checked')?.kind).toBe('nothing');
    expect(promisesOf(topology, []).get('web')?.kind).toBe('nothing');
  });

  it('a director that was cut off has real servers to find again, one that boots has not', () => {
    const topology = topologyOf(EXAMPLE);
    const back = (drill: DrillName) => promisesOf(topology, hit(topology, drill, 'lvs1')).get('web');
    expect(back('link-cut')).toMatchObject({ onReturn: readmission(web(EXAMPLE).service).seconds });
    expect(back('director-crashed')).toMatchObject({ onReturn: 0 });
  });

  it('hits the real server that most services lose', () => {
    const topology = topologyOf(changed(SINGLE, '{ rs1: , rs2: }', '{ rs2: }'));
    const [unit] = unitsOf(topology);
    if (unit === undefined) throw new Error('no unit');
    expect(victimOf(topology, unit)).toBe('rs2');
    expect([...portsOf(topology, unit, 'rs2')]).toEqual([[80, ['web', 'checked']]]);
  });
});

describe('the unit of a process', () => {
  it.each([
    ['0::/system.slice/nginx.service\n', 'nginx.service'],
    ['12:pids:/\n1:name=systemd:/system.slice/system-web.slice/web@8080.service\n0::/\n', 'web@8080.service'],
    ['0::/system.slice/postgresql.service/worker\n', 'postgresql.service'],
    ['0::/user.slice/user-0.slice/session-1.scope\n', undefined],
    ['', undefined],
  ])('%j', (text, expected) => {
    expect(unitIn(text)).toBe(expected);
  });
});
